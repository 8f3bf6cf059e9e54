"""Texts as points for the Vendi score: the probe's mean hidden states, or a sentence encoder's vectors, from one fixed centre."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module

import numpy as np
import torch

from breadth.data.hub import told
from breadth.data.text.tokens import BYTES, Tokeniser
from breadth.errors import MeasureError
from breadth.measure.rivals.kernel import Floats, median_distance
from breadth.measure.text.probe import TextProbe
from breadth.measure.text.rivals.sample import Budget, samples

__all__ = ["Embedder", "encoded_by", "mean_states", "reference_texts", "sentence_encoder"]

Embed = Callable[[Sequence[str]], Floats]
# Sequences of one forward pass.
CHUNK = 64


@dataclass(frozen=True, eq=False)
class Embedder:
    """embed: texts -> [n, d]; centre [d], width: the mean of ``reference_texts`` and the median distance of two of them.

    Vectors of all texts share a large direction, so that plain cosines are all near 1. A centre of each corpus's own would blow up a
    narrow corpus to the width of a broad one; so cosines are taken from one point for all corpora. Seen from there, what is far away
    (another language) looks narrower than it is; the rbf kernel, whose width is one for all corpora too, does not depend on the place.
    """

    name: str
    embed: Embed
    centre: Floats
    width: float

    def __call__(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of texts from the centre [n, d]."""
        return np.asarray(self.embed(texts) - self.centre)


@cache
def reference_texts() -> tuple[str, ...]:
    """Return 128 runs of 24 tokens of the Python language's documentation, which every Python has."""
    from pydoc_data import topics

    texts = [text for _, text in sorted(topics.topics.items())]
    return samples(texts, Budget(runs=128, samples=1))[0].texts


def encoded_by(name: str, embed: Embed) -> Embedder:
    """Return any encoder of texts as an embedder, with the centre and width of ``reference_texts``."""
    reference = np.asarray(embed(reference_texts()), dtype=np.float64)
    return Embedder(name, embed, reference.mean(axis=0), median_distance(reference))


def mean_states(probe: TextProbe, tokeniser: Tokeniser = BYTES) -> Embedder:
    """Return the embedder that gives a text the mean of the probe's hidden states over its tokens (as many as the probe takes).

    Raises MeasureError where the probe has fewer tokens than the tokeniser.
    """
    size = probe.size
    if tokeniser.vocabulary > size.vocab_size:
        raise MeasureError(
            f"tokeniser '{tokeniser.name}' has {tokeniser.vocabulary} tokens; probe '{probe.name}' knows {size.vocab_size}: use the "
            "tokeniser that the probe was trained with"
        )

    def embed(texts: Sequence[str]) -> Floats:
        out = np.empty((len(texts), size.n_embd))
        # By length, so that little is padded; states look back only, so what stands in the padding changes none of them.
        rows = [tokeniser.encode(text)[: size.n_positions] for text in texts]
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        for at in range(0, len(order), CHUNK):
            part = order[at : at + CHUNK]
            tokens = torch.zeros(len(part), len(rows[part[-1]]), dtype=torch.int64)
            for k, i in enumerate(part):
                tokens[k, : len(rows[i])] = torch.from_numpy(rows[i].astype(np.int64))
            with torch.no_grad():
                states = probe.body.gpt2(tokens.to(probe.device)).cpu()
            for k, i in enumerate(part):
                out[i] = states[k, : len(rows[i])].double().mean(0).numpy()
        return out

    return encoded_by(f"mean states of {probe.name}", embed)


def sentence_encoder(name: str) -> Embedder:
    """Return a model of the sentence-transformers package as an embedder, by its name on the Hub or its folder.

    Raises MeasureError where the package is not installed, DataError where there is no such model.
    """
    try:
        package = import_module("sentence_transformers")
    except ImportError:
        raise MeasureError(
            "a sentence encoder needs the package sentence-transformers; install it, or use the mean states of a probe"
        ) from None
    with told(f"sentence encoder '{name}'", "expected a model of sentence-transformers: its folder, or its name on the Hub"):
        model = package.SentenceTransformer(name, device="cpu")

    def embed(texts: Sequence[str]) -> Floats:
        return np.asarray(model.encode(list(texts), show_progress_bar=False), dtype=np.float64)

    return encoded_by(name, embed)
