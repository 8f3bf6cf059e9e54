"""The diversity of any mixture of sources from stored embeddings alone, and the mixture that has the most of it.

Each task of a mixture comes from one source, a with probability w_a (source-then-classes), so two independent tasks are at distance
D(w) = sum_ab w_a w_b D_ab, with D_aa the coefficient of a source and D_ab the cross-diversity of two. Nothing is embedded anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from breadth.errors import MeasureError
from breadth.measure.embeddings import Embeddings
from breadth.measure.protocol import SAMPLING, Protocol, require_comparable
from breadth.stats.interval import Estimate, t_estimate, welch_df

__all__ = ["Best", "Mixture", "mixture"]

Floats = npt.NDArray[np.float64]
STEPS = 20_000
GAP = 1e-9


@dataclass(frozen=True)
class Best:
    """Weights (sum 1, in the order of the sources) of the most diverse mixture found.

    gap: no mixture that moves weight towards one source gains more than this per unit of weight. certain: True where D is concave over
    the mixtures, so that no other mixture has more; else other local maxima may exist.
    """

    weights: tuple[float, ...]
    gap: float
    certain: bool


@dataclass(frozen=True, eq=False)
class Mixture:
    """Distances of all tasks of ``names``: within [a] is [M_a, M_a], between [(a, b)], a < b, is [M_a, M_b]; make it with ``mixture``."""

    names: tuple[str, ...]
    within: tuple[Floats, ...]
    between: dict[tuple[int, int], Floats]

    def _block(self, a: int, b: int) -> Floats:
        if a == b:
            return self.within[a]
        return self.between[a, b] if a < b else self.between[b, a].T

    @property
    def distances(self) -> Floats:
        """Return D_ab [K, K]: coefficients on the diagonal, cross-diversities beside it."""
        k = len(self.names)
        out = np.empty((k, k))
        for a in range(k):
            for b in range(k):
                d = self._block(a, b)
                out[a, b] = d.sum() / (len(d) * (len(d) - 1)) if a == b else d.mean()
        return out

    def _weights(self, weights: Sequence[float] | None) -> Floats:
        k = len(self.names)
        w = np.full(k, 1 / k) if weights is None else np.asarray(weights, dtype=np.float64)
        if w.shape != (k,) or not np.isfinite(w).all() or (w < 0).any() or abs(w.sum() - 1) > 1e-6:
            raise MeasureError(f"weights {w.tolist()} were given for {k} sources; expected {k} numbers of at least 0 that sum to 1")
        return np.asarray(w / w.sum())

    def diversity(self, weights: Sequence[float] | None = None, level: float = 0.95) -> Estimate:
        """Return D(w), for equal weights unless given, with a delete-one-task jackknife interval over the tasks of each source.

        Sources of weight 0 play no part. Raises MeasureError for weights that are negative or do not sum to 1.
        """
        w = self._weights(weights)
        value = float(w @ self.distances @ w)
        variances, dfs, n = [], [], 0
        for a in np.flatnonzero(w).tolist():
            m = len(self.within[a])
            without = self._without_one(a, w)
            variances.append((m - 1) / m * float(np.sum((without - without.mean()) ** 2)))
            dfs.append(m - 1)
            n += m
        se = float(np.sqrt(sum(variances)))
        method = "tasks of each source, mixture of stored distances, delete-one-task jackknife"
        return t_estimate(value, se, welch_df(variances, dfs), level=level, n=n, method=method)

    def _without_one(self, a: int, w: Floats) -> Floats:
        """D(w) without task i of source a, up to what does not depend on i: [M_a]."""
        d = self.within[a]
        m = len(d)
        rows = d.sum(1)
        found = w[a] ** 2 * (rows.sum() - 2 * rows) / ((m - 1) * (m - 2))
        for b in range(len(w)):
            if b != a and w[b]:
                means = self._block(a, b).mean(1)
                found += 2 * w[a] * w[b] * (means.sum() - means) / (m - 1)
        return np.asarray(found)

    def gains(self, weights: Sequence[float] | None = None) -> dict[str, float]:
        """Return the derivative of D when weight moves from the whole mixture to one source: 2 (sum_b w_b D_ab - D(w)).

        The source with the largest is the one to add next; at the most diverse mixture none is above 0.
        """
        w, d = self._weights(weights), self.distances
        ahead = d @ w
        return dict(zip(self.names, (2 * (ahead - w @ ahead)).tolist(), strict=True))

    def best(self) -> Best:
        """Return the weights that maximise D: projected gradient ascent from equal weights and from every source and pair of them.

        D(w) at these weights is the best of many on the same tasks, hence too high on average; measure the mixture on new tasks.
        """
        d = self.distances
        k = len(d)
        starts = [np.full(k, 1 / k), *((np.eye(k)[a] + np.eye(k)[b]) / 2 for a in range(k) for b in range(a, k))]
        w = max((_ascended(d, s) for s in starts), key=lambda x: float(x @ d @ x))
        # Concave over the simplex: no direction of sum 0 along which the quadratic form grows.
        flat = np.eye(k) - 1 / k
        certain = bool(np.linalg.eigvalsh(flat @ d @ flat).max() <= 1e-12)
        return Best(tuple(w.tolist()), float((2 * (d @ w - w @ d @ w)).max()), certain)


def _on_simplex(x: Floats) -> Floats:
    """The nearest weights of at least 0 that sum to 1 (Duchi et al. 2008, ICML, figure 1)."""
    ordered = np.sort(x)[::-1]
    excess = (np.cumsum(ordered) - 1) / np.arange(1, len(x) + 1)
    return np.asarray(np.maximum(x - excess[np.flatnonzero(ordered > excess)[-1]], 0))


def _ascended(d: Floats, w: Floats) -> Floats:
    step = 1 / max(2 * float(np.abs(np.linalg.eigvalsh(d)).max()), 1e-300)
    for _ in range(STEPS):
        ahead = d @ w
        if float((ahead - w @ ahead).max()) < GAP:
            break
        w = _on_simplex(w + step * 2 * ahead)
    return w


def mixture(sources: Sequence[Embeddings], *, override: bool = False) -> Mixture:
    """Return all distances between the tasks of ``sources``, embedded under one protocol (``override``: or under several).

    Raises MeasureError for no source, one source given twice, fewer than 3 tasks of one, or protocols that differ.
    """
    if not sources:
        raise MeasureError("a mixture of no sources was asked for; expected embeddings of at least one")
    names = [str(e.protocol["source"]) for e in sources]
    for i, e in enumerate(sources):
        if names[i] in names[:i]:
            raise MeasureError(f"'{names[i]}' is in the mixture twice; expected different sources")
        if e.tasks < 3:
            raise MeasureError(f"'{names[i]}' has {e.tasks} tasks; expected 3 or more of every source of a mixture")
        protocols = Protocol.of(sources[0].protocol), Protocol.of(e.protocol)
        require_comparable(*protocols, override=override, ignore=SAMPLING, names=(names[0], names[i]))
    between = {(a, b): sources[a].distances_to(sources[b]) for a in range(len(sources)) for b in range(a + 1, len(sources))}
    return Mixture(tuple(names), tuple(e.distances for e in sources), between)
