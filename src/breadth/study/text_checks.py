"""What a study of text must say, what it cannot say, and the names of its conditions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, get_args

from breadth.errors import SpecError
from breadth.study.strict import Strict
from breadth.study.text_tables import TEXT_CONTROLS, TextControl

if TYPE_CHECKING:
    from breadth.study.runspec import RunSpec
    from breadth.study.spec import Study

__all__ = [
    "BITS",
    "NATS",
    "check_evaluation_outside",
    "check_text",
    "conditions_of_text",
    "repeats_of_text",
    "unit_of",
    "usual_controls",
    "without_images",
]

BITS, NATS = "bits-per-byte", "nats-per-token"
# Keys of shared tables that only images have, and whole tables (None); [data.*], [[train]] and [[probe]] stand for each of theirs.
_IMAGES: dict[str, tuple[str, ...] | None] = {
    "images": None,
    "architecture": None,
    "checkpoint": None,
    "baselines": None,
    "data": ("held_out", "recipe", "parts"),
    "train": ("classes", "images", "whole", "diversity"),
    "training": ("classes", "images", "convention"),
    "measure": ("ways", "per_class", "estimator", "ridge"),
    "evaluation": ("ways", "shots", "queries", "episodes", "batch_norm", "heads"),
    "controls": ("mixed_diversity",),
}
_TEXT: dict[str, tuple[str, ...] | None] = {
    "data": ("by", "text_col"),
    "training": ("tokens",),
    "evaluation": ("documents", "bytes"),
}


def check_evaluation_outside(overlaps: Iterable[RunSpec]) -> None:
    """Raise SpecError where models would be scored on a corpus that a training set is drawn from, under whatever name it goes.

    overlaps: the run that compares each training set with the evaluation.
    """
    for run in overlaps:
        held = {part["digest"]: part["name"] for part in run.body["data"]["parts"]}
        for part in run.body["evaluation"]["suite"]["parts"]:
            if part["digest"] in held:
                raise SpecError(
                    f"evaluation.data names '{part['name']}', which holds the same data as '{held[part['digest']]}', of which training set "
                    f"'{run.label}' is drawn; score models on corpora that no training set holds"
                )


def unit_of(condition: str) -> str:
    """Return the unit of a loss under a condition, in words."""
    return condition.split(" ", maxsplit=1)[0].replace("-", " ") if condition.startswith((BITS, NATS)) else "nats"


def conditions_of_text(study: Study) -> tuple[str, ...]:
    """Names of what a language model is scored by: mean over all documents in either unit, and in bits a byte for each corpus."""
    return (BITS, NATS, *(f"{BITS} on {name}" for name in study.evaluation.data))


def repeats_of_text(study: Study) -> tuple[str, ...]:
    """Say of each learner that meets its training texts more than once how often it does; it is no error, but a choice to know of."""
    held = study.training.tokens
    budgets = [(x.name, x.tokens) for x in study.learner if x.kind == "language"]
    return tuple(
        f"learner {name} predicts {tokens:,} tokens, and training sets hold {held:,}: about {tokens / held:.1f} passes over the same text"
        for name, tokens in budgets
        if held and tokens > held
    )


def usual_controls(raw: Any) -> Any:
    """Return the tables of a study file; one of text that does not say which controls must be equal gets those of text."""
    if not isinstance(raw, dict) or raw.get("text") is None:
        return raw
    given = raw.get("controls", {})
    return {**raw, "controls": {"equal": TEXT_CONTROLS, **given}} if isinstance(given, dict) else raw


def without_images(written: dict[str, Any]) -> dict[str, Any]:
    """Return what a study of text fixes, without the values of keys that mean nothing for it."""
    kept = {k: v for k, v in written.items() if _IMAGES.get(k, ()) is not None}
    for table, keys in _IMAGES.items():
        if keys is None or table not in kept:
            continue
        if table == "data":
            kept[table] = {name: _without(v, keys) for name, v in kept[table].items()}
        elif table == "train":
            kept[table] = [_without(v, keys) for v in kept[table]]
        else:
            kept[table] = _without(kept[table], keys)
    return kept


def _without(table: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {k: v for k, v in table.items() if k not in keys}


def _given(study: Study, keys: dict[str, tuple[str, ...] | None]) -> str | None:
    """The first of these keys and tables that the study's author wrote, by its place in the file."""
    for table, names in keys.items():
        if names is None:
            if table in study.model_fields_set:
                return table
            continue
        held: list[tuple[str, Strict]] = [(table, getattr(study, table))] if table not in ("data", "train") else []
        held += [(f"data.{name}", d) for name, d in study.data.items()] if table == "data" else []
        held += [(f"train.{i}", t) for i, t in enumerate(study.train)] if table == "train" else []
        for place, value in held:
            for key in names:
                if key in value.model_fields_set and getattr(value, key) is not None:
                    return f"{place}.{key}"
    return None


def check_text(study: Study) -> None:
    """Raise ValueError where a study of text says what only images have, lacks what text needs, or the other way round."""
    ours = [(f"learner.{i}", x.kind == "language") for i, x in enumerate(study.learner)]
    ours += [(f"probe.{i}", p.kind == "gpt2") for i, p in enumerate(study.probe)]
    if study.text is None:
        place = next((place for place, of_text in ours if of_text), None) or _given(study, _TEXT)
        if place:
            raise ValueError(f"{place} is for text, and the study has no [text] table; add one, or leave this out")
        wrong = [c for c in study.controls.equal if c in get_args(TextControl)]
        if wrong:
            raise ValueError(f"controls.equal names '{wrong[0]}', which only a study of text has; leave it out")
        return
    place = next((place for place, of_text in ours if not of_text), None)
    if place:
        what = 'kind = "language"' if place.startswith("learner") else 'kind = "gpt2"'
        raise ValueError(f"{place} is for images, and the study has a [text] table; give one of {what}")
    place = _given(study, _IMAGES)
    if place:
        raise ValueError(f"{place} is for images, and the study has a [text] table; leave one of them out")
    for place, value in (
        ("training.tokens", study.training.tokens),
        ("evaluation.documents", study.evaluation.documents),
        ("evaluation.bytes", study.evaluation.bytes),
    ):
        if value is None:
            raise ValueError(f"{place} is missing; a study of text needs it: add it")
    if study.evaluation.data == "own":
        raise ValueError('evaluation.data is "own", which is for images; name corpora that no training set holds')
    if study.hypothesis.outcome != "loss":
        raise ValueError('hypothesis.outcome is "accuracy"; a study of text has outcome = "loss"')
    image = [c for c in study.controls.equal if c not in TEXT_CONTROLS]
    if image:
        raise ValueError(
            f"controls.equal names '{image[0]}', which text does not have; expected some of: {', '.join(TEXT_CONTROLS)}"
        )
