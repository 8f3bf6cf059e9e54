"""The story of one run of text: specification -> files and record.

Probe: train, draw or copy a GPT-2. Measure: embed batches of a training set with it. Train: train one language model on one training set
and score it on the documents of the evaluation. Baseline: score what needs no training. Overlap: compare a training set with them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from math import log
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file

from breadth.data.text.overlap import text_overlap
from breadth.errors import SpecError
from breadth.learn.language import LanguageSettings, language_model_of, train_language
from breadth.learn.likelihood import DocumentScores, Likelihood, evaluate_language, of_model, of_trigrams
from breadth.measure.text.embed import Text2Vec, embed_draws
from breadth.measure.text.probe import TextProbe, text_probe_of
from breadth.measure.text.survey import noise, without_noise
from breadth.nets.gpt2 import Gpt2Size, gpt2, load_gpt2, save_gpt2
from breadth.study.measured import finish_measured
from breadth.study.runspec import RunSpec
from breadth.study.speed import Speed
from breadth.study.store import Store
from breadth.study.text_checks import BITS, NATS
from breadth.study.text_plan import TRIGRAMS, UNIFORM
from breadth.study.text_sources import (
    documents_of,
    evaluation_documents,
    fingerprint_of,
    packed_source,
    streams,
    tokeniser_of,
)

__all__ = ["TEXT_STEPS"]

Report = Callable[[int, int], None]


def _size(settings: dict[str, Any], form: dict[str, Any]) -> Gpt2Size:
    return Gpt2Size(form["vocabulary"], form["length"], settings["n_embd"], settings["n_layer"], settings["n_head"])


def _probe(run: RunSpec, store: Store, data_root: Path, device: str, report: Report) -> None:
    body, folder, form = run.body, store.folder(run), run.body["data"]["text"]
    size = replace(_size(body, form), tied=False)
    result: dict[str, Any] = {}
    if body["weights"] == "trained":
        stream = np.concatenate([*streams(body["data"], data_root).values()])
        settings = LanguageSettings(tokens=body["tokens"])
        trained = train_language(
            stream, size, settings, seed=body["seed"], folder=folder / "checkpoint", report=report, device=device
        )
        model = language_model_of(trained)
        result = {"cost": trained.cost, "history": trained.history[-1:]}
    elif body["weights"] == "random":
        model = gpt2(size, body["seed"])
    else:
        model = load_gpt2(data_root / body["folder"])
        held = model.body.size
        if held.vocab_size < size.vocab_size or held.n_positions < size.n_positions:
            raise SpecError(
                f"probe '{run.label}': the network in '{body['folder']}' knows {held.vocab_size} tokens and sequences of {held.n_positions}; "
                f"the study has {size.vocab_size} and {size.n_positions}: give another, or change [text]"
            )
    save_gpt2(model, folder)
    store.finish(run, {**result, "size": asdict(model.body.size)}, ("config.json", "model.safetensors"))


def _probe_network(run_id: str, store: Store, device: str) -> TextProbe:
    store.result(run_id)  # checks that the weights are what was written
    return text_probe_of(load_gpt2(store.folder(run_id)), f"GPT-2 ({run_id})", device=device)


def _measure(run: RunSpec, store: Store, data_root: Path, device: str, report: Report) -> None:
    body = run.body
    n, sequences, seed = body["tasks"], body["sequences"], body["seed"]
    source = packed_source(streams(body["data"], data_root), body["data"], sequences)
    t2v = Text2Vec(_probe_network(run.needs[0], store, device), draws=body["draws"], seed=seed)
    e, draws = embed_draws(source, t2v, tasks=n, sequences=sequences, seed=seed, progress=report)
    floor = noise(draws, t2v.draws)
    finish_measured(run, store, e, replace(floor, method=f"{floor.method}; taken out of the coefficient"), without_noise)


def _train(run: RunSpec, store: Store, data_root: Path, device: str, report: Report) -> None:
    body, folder, form = run.body, store.folder(run), run.body["data"]["text"]
    learner = body["learner"]
    stream = np.concatenate([*streams(body["data"], data_root).values()])
    settings = LanguageSettings(tokens=learner["tokens"], batch=learner["batch"], lr=learner["lr"], precision=learner["precision"])
    size, speed = _size(learner, form), Speed()

    def told(done: int, total: int) -> None:
        speed.note(done)
        report(done, total)

    trained = train_language(stream, size, settings, seed=body["seed"], folder=folder / "checkpoint", report=told, device=device)
    save_file(trained.weights, folder / "weights.safetensors")
    # Beside the CPU seconds, which are of all attempts: the rate of the one that came to the end.
    cost = {**trained.cost, "tokens_per_second": speed.rate}
    said = {"cost": cost, "stopped": "budget", "history": trained.history[-1:], "parameters": size.parameters()}
    likelihood = of_model(language_model_of(trained), device=device)
    _finish_scored(run, store, data_root, likelihood, said, ("weights.safetensors",))


def _finish_scored(
    run: RunSpec,
    store: Store,
    data_root: Path,
    likelihood: Likelihood,
    said: dict[str, Any],
    files: tuple[str, ...] = (),
) -> None:
    """Keep the scores of every document, in the order of the corpora; the record holds the means, and what else is ``said``."""
    evaluation = run.body["evaluation"]
    documents = evaluation_documents(evaluation, data_root)
    with_ends = tokeniser_of(evaluation["suite"]["text"], data_root)
    found: dict[str, DocumentScores] = {name: evaluate_language(likelihood, texts, with_ends) for name, texts in documents.items()}
    scores = {
        BITS: np.concatenate([s.bits_per_byte for s in found.values()]),
        NATS: np.concatenate([s.nats_per_token for s in found.values()]),
        **{f"{BITS} on {name}": s.bits_per_byte for name, s in found.items()},
    }
    arrays: dict[str, Any] = {f"{condition}:loss": v for condition, v in scores.items()}
    np.savez(store.folder(run) / "scores.npz", **arrays)
    result = {
        "suite": fingerprint_of(documents),
        "scores": {condition: {"loss": float(v.mean())} for condition, v in scores.items()},
        **said,
    }
    store.finish(run, result, ("scores.npz", *files))


def _of_uniform(vocabulary: int, documents: Sequence[np.ndarray]) -> list[float]:
    return [(len(tokens) - 1) * log(vocabulary) for tokens in documents]


def _baseline(run: RunSpec, store: Store, data_root: Path, device: str, report: Report) -> None:
    body = run.body
    vocabulary = body["evaluation"]["suite"]["text"]["vocabulary"]
    if body["name"] == TRIGRAMS:
        likelihood = of_trigrams(np.concatenate([*streams(body["data"], data_root).values()]), vocabulary)
    elif body["name"] == UNIFORM:
        likelihood = partial(_of_uniform, vocabulary)
    else:
        raise SpecError(f"unknown baseline '{body['name']}'; expected one of: {TRIGRAMS}, {UNIFORM}")
    report(1, 1)
    _finish_scored(run, store, data_root, likelihood, {})


def _overlap(run: RunSpec, store: Store, data_root: Path, device: str, report: Report) -> None:
    data, evaluation = run.body["data"], run.body["evaluation"]
    with_ends = tokeniser_of(data["text"], data_root)
    found = streams(data, data_root)
    texts = {name: [*documents_of(stream, with_ends)] for name, stream in found.items()}
    documents = [text for of_corpus in evaluation_documents(evaluation, data_root).values() for text in of_corpus]
    shared = text_overlap((text for of_part in texts.values() for text in of_part), documents)
    report(1, 1)
    result = {
        "overlap": shared.as_dict(),
        "tokens": {name: len(stream) for name, stream in found.items()},
        "documents": {name: len(of_part) for name, of_part in texts.items()},
    }
    store.finish(run, result)


TEXT_STEPS = {
    "text-probe": _probe,
    "text-measure": _measure,
    "text-train": _train,
    "text-baseline": _baseline,
    "text-overlap": _overlap,
}
