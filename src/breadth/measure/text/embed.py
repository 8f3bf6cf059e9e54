"""From batches of token sequences to embeddings: the diagonal Fisher of a GPT-2 body under a tuned head.

For a sequence x_1 .. x_T and the model's own next-token distributions p_t, labels at different places are independent given x, with scores
of mean zero, so that the Fisher of the sequence is the sum over places,

    F(x) = sum_t E_{y ~ p_t} (d log p_t(y) / d theta)^2,                                         (arXiv 2306.13840, section 2)

and one backward pass is enough for an unbiased estimate of it: with signs r_tk = +-1 and s_t = sqrt(p_t) * r_t, the gradient at the logits
s_t - p_t (1's_t) has the covariance diag p_t - p_t p_t' of a sampled label's, and signs of different places are independent. Unlike in the
published code, labels belong to the place that predicts them, squares are taken per sequence, padding has no label, dropout is off and
the head is not tied to the input embedding.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from breadth.data.text.batches import TextBatch, TextSource, batch
from breadth.errors import MeasureError
from breadth.measure.embeddings import Embeddings, TaskEmbedding
from breadth.measure.fisher import Recording, chunk_size, features_of, record
from breadth.measure.memory import chunks
from breadth.measure.protocol import Protocol
from breadth.measure.store import EmbeddingStore
from breadth.measure.text.head import STEPS, TOKENS, tuned
from breadth.measure.text.probe import TextProbe
from breadth.measure.text.signs import pulled
from breadth.seeds import generator, integer
from breadth.version import __version__

__all__ = ["Text2Vec", "embed_draws", "embed_text", "protocol_of_text"]

Progress = Callable[[int, int], None]
# Sequences of one pass: activations of more do not stay in the caches.
TOGETHER = 8
# Goes up whenever the same batch gets another embedding.
STORED_AS = 3


@dataclass(frozen=True)
class Text2Vec:
    """``Text2Vec(probe)(batch)`` embeds one batch of sequences: tune the head, then take the Fisher of the body's weights.

    draws: backward passes with random signs, see the module; steps: of tuning the head, each on ``TOKENS`` tokens of the batch, 0 for
    the probe's own head. Random choices depend on ``seed``, the name of the batch's source and its sequences only. memory: bytes for
    the working set of a chunk of sequences; store: where finished embeddings are kept and found again.
    """

    probe: TextProbe
    draws: int = 1
    steps: int = STEPS
    seed: int = 0
    memory: int | None = None
    store: EmbeddingStore | None = None

    def __call__(self, given: TextBatch) -> TaskEmbedding:
        """Embed one batch: the mean of its draws. Raises MeasureError where its tokens do not fit the probe, or its Fisher is zero or not
        finite."""
        found = self.each(given)
        return replace(found[0], values=np.mean([e.values for e in found], 0))

    def each(self, given: TextBatch) -> tuple[TaskEmbedding, ...]:
        """Return one embedding a draw, whose differences are the noise of a draw. Raises as ``__call__``."""
        self._check(given)
        if self.store is None:
            return self._embedded(given)
        data = hashlib.sha256()
        for array in (given.tokens, given.mask, given.items):
            data.update(f"{array.dtype.str}{array.shape}".encode())
            data.update(np.ascontiguousarray(array).data)
        same = ["text", STORED_AS, self.probe.fingerprint, self.draws, self.steps, self.seed, given.source, data.hexdigest()]
        keys = [json.dumps([*same, k]) for k in range(self.draws)]
        found = tuple(e for key in keys if (e := self.store.get(key, self.probe.layers)) is not None)
        if len(found) < self.draws:
            found = self._embedded(given)
            for key, e in zip(keys, found, strict=True):
                self.store.put(key, e)
        return found

    def _check(self, given: TextBatch) -> None:
        size = self.probe.size
        if given.tokens.shape[1] > size.n_positions:
            raise MeasureError(
                f"'{given.source}' gives sequences of {given.tokens.shape[1]} tokens; probe '{self.probe.name}' takes at most "
                f"{size.n_positions}: use a shorter --length"
            )
        if int(given.tokens.max()) >= size.vocab_size:
            raise MeasureError(
                f"'{given.source}' holds token {int(given.tokens.max())}; probe '{self.probe.name}' knows {size.vocab_size}: use the tokeniser "
                "that the probe was trained with"
            )
        if not (given.mask[:, 1:]).any():
            raise MeasureError(f"a batch of '{given.source}' holds no two tokens in a row; expected something to predict")

    def _embedded(self, given: TextBatch) -> tuple[TaskEmbedding, ...]:
        probe = self.probe
        tokens = torch.from_numpy(given.tokens.astype(np.int64)).to(probe.device)
        # Place t predicts token t + 1, where there is one.
        real = torch.from_numpy(given.mask[:, 1:]).to(probe.device)
        seed = integer(self.seed, "text2vec", given.source, *given.items.tolist())
        fit = chunk_size(probe.body, tokens, self.draws, self.memory, probe.vocabulary)
        parts = chunks(len(tokens), min(fit, TOGETHER))
        kept = []
        if len(tokens) <= fit:
            kept = [record(probe.body, tokens[part], self.draws, probe.vocabulary) for part in parts]
            hidden = torch.cat([recording.features.detach() for recording in kept])
        else:
            hidden = torch.cat([features_of(probe.body, tokens[part]) for part in parts])
        head = self._head(hidden.view(*tokens.shape, -1)[:, :-1], real, tokens[:, 1:], seed)
        del hidden
        totals: dict[str, Tensor] = {}
        loss = doubt = 0.0
        for part in parts:
            recording = kept.pop(0) if kept else record(probe.body, tokens[part], self.draws, probe.vocabulary)
            states = recording.features.detach().view(part.stop - part.start, tokens.shape[1], -1)
            gradients = pulled(states, tokens[part], real[part], head, draws=self.draws, seed=seed, first=part.start)
            loss, doubt = loss + gradients.loss, doubt + gradients.doubt
            for name, squares in _squares(recording, gradients.at_states).items():
                term = squares.double().sum(1)
                totals[name] = totals[name] + term if name in totals else term
            # Else this graph would live on while the next one is recorded.
            del recording, states, gradients
        count = float(real.sum())
        found = {name: (total / count).cpu().numpy() for name, total in totals.items()}
        values = np.concatenate(
            [found[name] if name in found else np.zeros((self.draws, size)) for name, size in probe.layers], axis=1
        )
        if not np.isfinite(values).all() or not values.any(1).all():
            what = "zero everywhere" if np.isfinite(values).all() else "not finite"
            raise MeasureError(
                f"the Fisher information of a batch of '{given.source}' is {what}; expected positive numbers: use another probe"
            )
        return tuple(TaskEmbedding(v, probe.layers, given.items, loss / count, doubt / count) for v in values)

    def _head(self, states: Tensor, real: Tensor, after: Tensor, seed: int) -> Tensor:
        """The head that is tuned on some places of all sequences; states [n, t - 1, d], real and after [n, t - 1]."""
        places = real.flatten().nonzero()[:, 0]
        some = generator(seed, "head").permutation(len(places))[: self.steps * TOKENS]
        chosen = places[torch.from_numpy(some).to(places.device)]
        return tuned(states.flatten(0, 1)[chosen], after.flatten()[chosen], self.probe.head, steps=self.steps)


def _squares(recording: Recording, at_states: Tensor) -> dict[str, Tensor]:
    """Return layer -> [draws, n, out]. On a CPU a stacked pass costs more than one after the other."""
    if at_states.device.type != "cpu":
        return recording.stacked(at_states)
    each = [recording.backward(one) for one in at_states]
    return {name: torch.stack([squares[name] for squares in each]) for name in each[0]}


def protocol_of_text(source: TextSource, t2v: Text2Vec, *, tasks: int, sequences: int, seed: int) -> dict[str, object]:
    """Return how batches were drawn and embedded, JSON-able, as ``Protocol`` reads it: a task has one class, a batch its items."""
    protocol = Protocol(
        probe=t2v.probe.name,
        probe_fingerprint=t2v.probe.fingerprint,
        size=source.length,
        channels=1,
        estimator="signs",
        draws=t2v.draws,
        estimator_seed=t2v.seed,
        precision="float32",
        head=f"tuned in {t2v.steps} steps of {TOKENS} tokens" if t2v.steps else "the probe's",
        ridge=0.0,
        published="",
        convention="text",
        tasks=tasks,
        ways=1,
        per_class=sequences,
        seed=seed,
        version=__version__,
    )
    return {
        "measure": "Task2Vec of text",
        "source": source.name,
        "source_digest": source.digest,
        "vocabulary_rows": t2v.probe.vocabulary,
        **protocol.as_dict(),
        "comparable": protocol.comparable,
        "fingerprint": protocol.fingerprint,
    }


def embed_text(
    source: TextSource,
    t2v: Text2Vec,
    *,
    tasks: int = 20,
    sequences: int = 64,
    seed: int = 0,
    start: int = 0,
    progress: Progress | None = None,
) -> Embeddings:
    """Embed batches ``start`` to ``start + tasks - 1`` of ``source``, of ``sequences`` sequences each, no sequence in two of them.

    progress: called with (batches done, batches). Raises DataError where the source is too small, MeasureError as ``Text2Vec``.
    """
    return embed_draws(source, t2v, tasks=tasks, sequences=sequences, seed=seed, start=start, progress=progress)[0]


def embed_draws(
    source: TextSource,
    t2v: Text2Vec,
    *,
    tasks: int,
    sequences: int,
    seed: int,
    start: int = 0,
    again: int = 0,
    progress: Progress | None = None,
) -> tuple[Embeddings, np.ndarray]:
    """Return what ``embed_text`` does, and draws of single batches [m, k, D], which tell their noise.

    Of several draws: all behind the embeddings, m = tasks. Of one: two of each of the first ``again`` batches, the first is the embedding.
    """
    if tasks < 1 or sequences < 1 or start < 0:
        raise MeasureError(
            f"{tasks} batches of {sequences} sequences from number {start} were asked for; expected 1 or more of each"
        )
    twice = replace(t2v, draws=2)
    found, draws = [], []
    for i in range(tasks):
        given = batch(source, start + i, sequences=sequences, seed=seed)
        each = (twice if t2v.draws == 1 and i < again else t2v).each(given)
        if len(each) > 1:
            draws.append([e.values for e in each])
        found.append(each[: t2v.draws])
        if progress is not None:
            progress(i + 1, tasks)
    e = Embeddings(
        np.stack([np.mean([one.values for one in each], 0) for each in found]),
        np.stack([each[0].items for each in found]),
        ("",) * tasks,
        np.array([each[0].loss for each in found]),
        np.array([each[0].doubt for each in found]),
        dict(protocol_of_text(source, t2v, tasks=tasks, sequences=sequences, seed=seed)),
    )
    return e, np.array(draws).reshape(len(draws), max(2, t2v.draws), e.values.shape[1])
