"""The other metrics on the very items that the tasks were made of: equally many of each source, one kernel width for all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from breadth.data.images import LabeledSet, to_float
from breadth.measure.embeddings import Embeddings
from breadth.measure.fisher import chunk_size, features_of
from breadth.measure.head import fit_head
from breadth.measure.memory import MEMORY, chunks
from breadth.measure.probe import ProbeNetwork
from breadth.measure.rivals.gradient import gradient_features
from breadth.measure.rivals.kernel import median_distance
from breadth.measure.rivals.panel import SCALES, Rival, rivals
from breadth.measure.rivals.subsample import estimates
from breadth.measure.rivals.vendi import vendi
from breadth.seeds import generator

__all__ = ["chosen_rows", "rival_panels"]

# Items of G-Vendi: gradients of all weights cost far more than features.
GRADIENTS = 100


def chosen_rows(embedded: Sequence[Embeddings], items: int, seed: int) -> list[np.ndarray]:
    """Return, for each source, equally many different rows of its tasks, at most ``items``: scores at different n do not compare."""
    seen = [np.unique(e.items) for e in embedded]
    n = min(items, *(len(rows) for rows in seen))
    return [np.sort(generator(seed, "items of other metrics", k).permutation(rows)[:n]) for k, rows in enumerate(seen)]


def rival_panels(
    sources: Sequence[LabeledSet], rows: Sequence[np.ndarray], probe: ProbeNetwork, *, seed: int, memory: int | None
) -> list[tuple[Rival, ...]]:
    """Return the scores of ``rows`` of each source: on the probe's features, and on its gradients (G-Vendi, arXiv 2505.20161).

    The kernel width of rbf and the scales of magnitude come from the median distance of all sources' features together, so that
    they are the same for every source of this call. memory: bytes of a pass, None for the default.
    """
    size = chunk_size(probe.body, _inputs(sources[0], rows[0][:2], probe), 1, memory)
    features = [_features(s, r, probe, size) for s, r in zip(sources, rows, strict=True)]
    width = median_distance(np.concatenate(features))
    scales = [s / width for s in SCALES]
    panels = []
    for source, at, f in zip(sources, rows, features, strict=True):
        panel = rivals(f, sigma=width, scales=scales, seed=seed)
        panels.append((*panel, *_gradient_vendi(source, at, f, probe, seed, memory or MEMORY)))
    return panels


def _inputs(source: LabeledSet, rows: np.ndarray, probe: ProbeNetwork) -> torch.Tensor:
    return torch.from_numpy(to_float(source.inputs[rows])).to(probe.device)


def _features(source: LabeledSet, rows: np.ndarray, probe: ProbeNetwork, size: int) -> np.ndarray:
    parts = [features_of(probe.body, _inputs(source, rows[part], probe)) for part in chunks(len(rows), size)]
    return np.asarray(torch.cat(parts).double().cpu().numpy())


def _gradient_vendi(
    source: LabeledSet, rows: np.ndarray, features: np.ndarray, probe: ProbeNetwork, seed: int, memory: int
) -> tuple[Rival, ...]:
    """G-Vendi: the Vendi score of the loss gradients of some of the items; nothing where all items are of one class."""
    _, labels = np.unique(source.labels[rows], return_inverse=True)
    ways = int(labels.max()) + 1
    if ways < 2:
        return ()
    few = np.sort(generator(seed, "items of G-Vendi").permutation(len(rows))[:GRADIENTS])
    head, x = fit_head(features, labels, ways), _inputs(source, rows[few], probe)
    gradients = gradient_features(probe.body, head, x, labels[few], seed=seed, memory=memory)
    (estimate,) = estimates(lambda g: [vendi(g)], gradients, seed=seed)
    note = f"gradients of the loss of {len(few)} items at their labels, projected; this probe, its head fitted on all these items"
    return (Rival("G-Vendi", estimate, "grows with n: compare sets at one n", note),)
