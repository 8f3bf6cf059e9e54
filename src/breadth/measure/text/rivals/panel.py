"""All rival scores of a corpus in one call: means over samples of one size, each with an interval over documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from breadth.measure.rivals.panel import KERNELS, Rival
from breadth.measure.rivals.vendi import effective_number, spectrum
from breadth.measure.text.rivals.lexical import (
    compression_ratio,
    distinct_words,
    ngram_diversity,
    self_repetition,
    type_token_ratio,
)
from breadth.measure.text.rivals.pairs import mean_rouge_l, self_bleu
from breadth.measure.text.rivals.sample import Budget, Sample, samples
from breadth.measure.text.rivals.states import Embedder
from breadth.stats.interval import mean, t_estimate

__all__ = ["text_rivals"]

ORDERS = (1.0, 2.0)
MORE, LESS = "higher: more diverse", "higher: less diverse"


def text_rivals(
    documents: Iterable[str],
    embedder: Embedder | None = None,
    *,
    budget: Budget = Budget(),  # noqa: B008 a frozen value
    level: float = 0.95,
    seed: int = 0,
) -> tuple[Rival, ...]:
    """Return compression ratio, n-gram diversity, vocabulary, self-repetition, Self-BLEU, ROUGE-L and, by ``embedder``, Vendi scores.

    documents: of a corpus, as ``Corpus.documents()`` yields them. budget: the size of samples, the same for all corpora of a comparison.
    The value is the mean over samples that share no document, the interval t over them: for the score at this size. Scores of runs are
    nan, and say so, where a sample has too few; so is the interval where there is one sample (a corpus that is one document).
    Raises MeasureError for a corpus that does not fill one sample.
    """
    drawn = samples(documents, budget, seed)
    runs = f"{budget.runs} runs of {budget.run} tokens"
    scores: list[tuple[str, str, str, Callable[[Sample], float]]] = [
        ("compression ratio", f"{budget.bytes} bytes", f"{LESS}; zlib level 9", lambda s: compression_ratio(s.data)),
        ("n-gram diversity, n = 1 to 4", f"{budget.tokens} tokens", f"{MORE}; 0 to 4", lambda s: ngram_diversity(s.passages)),
        ("distinct words", f"{budget.tokens} tokens", f"{MORE}; case folded", lambda s: distinct_words(s.passages)),
        ("distinct bytes", f"{budget.bytes} bytes", f"{MORE}; of 256", lambda s: len(set(s.data))),
    ]
    of_runs: list[tuple[str, str, str, Callable[[Sample], float]]] = [
        ("type-token ratio", runs, f"{MORE}; within runs", lambda s: type_token_ratio(s.runs)),
        ("self-repetition, n = 4", runs, f"{LESS}; nats", lambda s: self_repetition(s.runs)),
        ("Self-BLEU", runs, f"{LESS}; BLEU-4, add-one from n = 2", lambda s: self_bleu(s.runs)),
        ("ROUGE-L self-similarity", runs, f"{LESS}; F1 of longest common subsequences", lambda s: mean_rouge_l(s.runs)),
    ]
    found = list[Rival]()
    for name, size, note, score in scores:
        found.append(_rival(name, [score(sample) for sample in drawn], size, note, level))
    short = not all(sample.runs for sample in drawn)
    for name, size, note, score in of_runs:
        values = [float("nan")] if short else [score(sample) for sample in drawn]
        found.append(_rival(name, values, size, note, level))
    if embedder is not None:
        for kernel in KERNELS:
            spectra = [] if short else [spectrum(embedder(sample.texts), kernel, sigma=embedder.width) for sample in drawn]
            note = f"{MORE}; {embedder.name}, {'far from the centre all looks alike' if kernel == 'cosine' else f'width {embedder.width:.4g}'}"
            for q in ORDERS:
                values = [float("nan")] if short else [effective_number(s, q) for s in spectra]
                found.append(_rival(f"Vendi q={q:g}, {kernel}", values, runs, note, level))
    return tuple(found)


def _rival(name: str, values: list[float], size: str, note: str, level: float) -> Rival:
    bias = f"fixed at {size}: compare corpora at that"
    if np.isnan(values).any():
        nan = t_estimate(float("nan"), float("nan"), 0, level=level, n=0, method="not computed")
        return Rival(name, nan, bias, f"the documents are too short: a sample has fewer than {size}; {note}")
    method = "samples of documents, no document in two"
    return Rival(name, mean(values, level, unit=method), bias, note)
