"""How well a model predicts held-out documents: cross-entropy per document, in nats a token and in bits a byte, so that models compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from breadth.data.text.tokens import Tokeniser
from breadth.errors import DataError, SpecError
from breadth.nets.gpt2 import LanguageModel

__all__ = ["DocumentScores", "Likelihood", "evaluate_language", "of_model", "of_trigrams"]

# Bytes of the logits of one pass: those of 64 windows of 1,024 tokens, of 50,257 kinds, would take 13 GB.
LOGITS = 2**28

Likelihood = Callable[[Sequence[np.ndarray]], list[float]]
"""Token arrays, each begun with the end token -> nats of all tokens after the first, summed, for each array."""


@dataclass(frozen=True, eq=False)
class DocumentScores:
    """Scores of one model on the documents of one corpus, in their order, so that two models' are paired.

    nats: float64 [documents], summed over the document's tokens; tokens: how many those are; bytes: of the text in UTF-8.
    """

    nats: np.ndarray
    tokens: np.ndarray
    bytes: np.ndarray

    @property
    def nats_per_token(self) -> np.ndarray:
        """Cross-entropy of each document, float64 [documents]."""
        return np.asarray(self.nats / self.tokens)

    @property
    def bits_per_byte(self) -> np.ndarray:
        """Bits for a byte of each document's text, float64 [documents]: the same scale for every tokeniser."""
        return np.asarray(self.nats / log(2) / self.bytes)


def evaluate_language(likelihood: Likelihood, documents: Sequence[str], tokeniser: Tokeniser) -> DocumentScores:
    """Score every document from its first token to its last. Raises DataError where there is none, or one without bytes or tokens.

    The end after it is not scored: a document may be cut, and what a model expects of an end tells the length of its training documents.
    """
    if not documents:
        raise DataError("no documents to evaluate on were given; expected at least one")
    sizes = [len(text.encode("utf-8", "replace")) for text in documents]
    if not all(sizes):
        raise DataError(f"document {sizes.index(0)} to evaluate on is empty; leave it out")
    end = np.array([tokeniser.end], np.int32)
    tokens = [np.concatenate([end, tokeniser.encode(text)]) for text in documents]
    scored = [len(t) - 1 for t in tokens]
    if not all(scored):
        raise DataError(
            f"document {scored.index(0)} to evaluate on, of {sizes[scored.index(0)]} bytes, gives no token by tokeniser "
            f"'{tokeniser.name}'; expected at least one: leave it out, or take another tokeniser"
        )
    return DocumentScores(np.array(likelihood(tokens)), np.array(scored), np.array(sizes))


def of_model(model: LanguageModel, *, batch: int = 64, device: str = "cpu") -> Likelihood:
    """Return the likelihood by a language model, in windows of n_positions tokens that overlap by half.

    Every token but those of the first half window is predicted from at least n_positions / 2 tokens before it. batch: windows of a pass
    at most; fewer where their logits would take more than 256 MiB.
    """
    length = model.body.size.n_positions
    if length < 2:
        raise SpecError(f"a model with n_positions={length} predicts nothing from context; expected 2 or more")
    stride = length // 2
    together = max(1, min(batch, LOGITS // (4 * length * model.body.size.vocab_size)))
    model.to(device).eval()

    @torch.no_grad()
    def likelihood(documents: Sequence[np.ndarray]) -> list[float]:
        out = [0.0] * len(documents)
        windows = [(k, at) for k, tokens in enumerate(documents) for at in _windows(len(tokens) - 1, length, stride)]
        # Windows of like length go together, so that little is padded.
        windows.sort(key=lambda w: -min(length, len(documents[w[0]]) - 1 - w[1]))
        for start in range(0, len(windows), together):
            part = windows[start : start + together]
            rows = [documents[k][at : at + length + 1].astype(np.int64) for k, at in part]
            x = np.zeros((len(rows), max(map(len, rows))), np.int64)
            y = np.full_like(x, -100)
            for i, (row, (_, at)) in enumerate(zip(rows, part, strict=True)):
                x[i, : len(row)] = row
                known = length - stride if at else 0  # the window before has scored these
                y[i, known : len(row) - 1] = row[known + 1 :]
            logits = model(torch.from_numpy(x[:, :-1]).to(device)).float()
            nats = F.cross_entropy(logits.flatten(0, 1), torch.from_numpy(y[:, :-1]).to(device).flatten(), reduction="none")
            for (k, _), value in zip(part, _summed(nats, len(rows)), strict=True):
                out[k] += value
        return out

    return likelihood


def _summed(nats: Tensor, rows: int) -> list[float]:
    return [float(v) for v in nats.view(rows, -1).double().sum(1)]


def _windows(predicted: int, length: int, stride: int) -> list[int]:
    """Where windows start in a document with so many predicted tokens."""
    starts = [0]
    while starts[-1] + length < predicted:
        starts.append(starts[-1] + stride)
    return starts


def of_trigrams(stream: np.ndarray, vocabulary: int) -> Likelihood:
    """Return the likelihood by a trigram model of ``stream``, tokens int [n]: what plain counting knows of the training text.

    Interpolated with bigrams, single tokens and the uniform distribution by Witten and Bell's rule (1991): a context that was seen n
    times with t different successors gives p = (count + t p') / (n + t), p' being the model with the context one token shorter.
    Raises DataError for a stream of fewer than 3 tokens.
    """
    if len(stream) < 3:
        raise DataError(f"a trigram model of {len(stream)} tokens was asked for; expected at least 3: give it more text")
    orders = [_Counts(stream, k, vocabulary) for k in (1, 2, 3)]

    def likelihood(documents: Sequence[np.ndarray]) -> list[float]:
        out = []
        for tokens in documents:
            p = np.full(len(tokens) - 1, 1 / vocabulary)
            for counts in orders:
                p = counts.refined(tokens, p)
            out.append(float(-np.log(p).sum()))
        return out

    return likelihood


class _Counts:
    """How often each run of ``order`` tokens stands in a stream, and each context of one fewer."""

    def __init__(self, stream: np.ndarray, order: int, vocabulary: int) -> None:
        self.order, self.vocabulary = order, vocabulary
        self.runs, self.counts = np.unique(self._keys(stream), return_counts=True)
        self.contexts, place = np.unique(self.runs // vocabulary, return_inverse=True)
        self.total = np.bincount(place, self.counts)
        self.kinds = np.bincount(place)

    def _keys(self, tokens: np.ndarray) -> np.ndarray:
        keys = np.zeros(len(tokens) - self.order + 1, np.int64)
        for k in range(self.order):
            keys = keys * self.vocabulary + tokens[k : len(tokens) - self.order + 1 + k]
        return keys

    def refined(self, tokens: np.ndarray, shorter: np.ndarray) -> np.ndarray:
        """Return p of tokens[1:] from p by the shorter context; where a document has no context of this length, p stays."""
        keys = self._keys(tokens)[0 if self.order > 1 else 1 :]
        if not len(keys):
            return shorter
        run, context = keys, keys // self.vocabulary
        count = _looked_up(self.runs, self.counts, run)
        total, kinds = (_looked_up(self.contexts, held, context) for held in (self.total, self.kinds))
        p = shorter.copy()
        at = slice(len(p) - len(keys), None)
        seen = total > 0
        p[at] = np.where(seen, (count + kinds * p[at]) / np.where(seen, total + kinds, 1), p[at])
        return p


def _looked_up(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0)
