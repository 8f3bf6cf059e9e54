"""Before hours of work: do the corpora of a study of text have the tokens, batches and documents that it asks for?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from breadth.data.text.packed import tokens_held
from breadth.errors import DataError, SpecError
from breadth.study.plan import Plan
from breadth.study.text_sources import corpus_at, evaluation_documents, packed_source, streams, tokeniser_of
from breadth.study.text_tables import PYTHON, TextProbeSpec

__all__ = ["check_text_feasible"]


def _largest_shares(plan: Plan) -> dict[str, tuple[int, str]]:
    """Domain -> the most tokens that a training set takes of it, and which."""
    found: dict[str, tuple[int, str]] = {}
    for s in plan.sets:
        for share in s.shares:
            tokens = share.tokens or 0
            if tokens > found.get(share.domain, (0, ""))[0]:
                found[share.domain] = tokens, s.name
    return found


def check_text_feasible(plan: Plan) -> None:
    """Read all corpora of a plan, count their tokens, and draw the last batch of each training set; nothing is trained.

    Raises SpecError naming the part of the study that cannot be, and by how much a corpus is too short.
    """
    study, root = plan.study, Path(plan.study.data_root)
    assert study.text is not None
    parts = {p["name"]: p for run in plan.overlaps.values() for p in run.body["data"]["parts"]}
    form = next(iter(plan.overlaps.values())).body["data"]["text"]
    with_ends = tokeniser_of(form, root)
    for domain, (asked, name) in _largest_shares(plan).items():
        try:
            held = tokens_held(corpus_at(parts[domain], root), with_ends)
        except DataError as error:
            raise SpecError(f"data.{domain}: {error}") from None
        if held < asked:
            raise SpecError(
                f"data.{domain} holds {held:,} tokens, {asked - held:,} fewer than the {asked:,} that training set '{name}' takes of it, and "
                "no text is used twice; lower training.tokens, or leave this corpus out"
            )
    count, last = study.text.sequences, (study.measure.tasks - 1) * study.text.sequences
    # How many sequences there are follows from the numbers of tokens alone.
    tasks = [(f"training set '{s.name}'", {x.domain: np.zeros(x.tokens or 0, np.int32) for x in s.shares}) for s in plan.sets]
    suite = next(iter(plan.suites.values())).body["data"]
    for what, found in [*tasks, ("the evaluation corpora", streams(suite, root))]:
        try:
            packed_source(found, suite, count).take(last, count, study.measure.seed)
        except DataError as error:
            raise SpecError(f"measure: {study.measure.tasks} batches of {what} cannot be drawn: {error}") from None
    try:
        evaluation_documents(next(iter(plan.overlaps.values())).body["evaluation"], root)
    except DataError as error:
        raise SpecError(f"evaluation: {error}") from None
    for i, probe in enumerate(study.probe):
        assert isinstance(probe, TextProbeSpec)
        if probe.data == PYTHON and study.text.tokeniser != "bytes":
            raise SpecError(
                f"probe.{i}.data is \"{PYTHON}\", which comes as bytes; text.tokeniser is '{study.text.tokeniser}': name corpora instead"
            )
