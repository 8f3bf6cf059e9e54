"""The questions a strict reviewer asks of a diversity study, each answered from what the analysis holds."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Literal

from breadth.report.words import find_estimate, left_out, number, primary_series
from breadth.stats.interval import Estimate
from breadth.study.finding import Analysis, AuditRow

__all__ = ["Answer", "checklist"]

# Which audit row speaks of which property: the first pattern that matches the control's name claims the row.
_ROWS = {
    "overlap": r"overlap|leak|duplicate|contamin|unfair",
    "alignment": r"alignment",
    "complexity": r"complexity",
    "size": r"^images\b(?! of)|^items\b|per class|tokens|training[- ]set size",
    "classes": r"^classes\b|number of classes",
    "vocabulary": r"^shared vocabulary",
    "trigram": r"trigram",
}
# Rows that are said beside the answer without deciding it: equal names need not mean equal images.
_ALSO = {"overlap": r"class names"}
_QUESTIONS = {
    "size": "Is it only the amount of data?",
    "classes": "Is it only the number of classes?",
    "vocabulary": "Is it only words that training and evaluation share?",
    "trigram": "Is it only what counting three tokens at a time finds, too?",
    "alignment": "Is it only likeness of training and evaluation data?",
    "complexity": "Is it only harder or richer single tasks?",
    "overlap": "Did evaluation items leak into the training data?",
    "domain": "Does one domain carry the result?",
    "unmeasured": "Could something that nobody recorded undo it?",
    "probe": "Does it depend on the probe network?",
    "metric": "Does it depend on the metric?",
    "corpus": "Does one evaluation corpus carry the result?",
}


@dataclass(frozen=True)
class Answer:
    """One question and how the study dealt with it."""

    question: str
    status: Literal["controlled", "adjusted", "violated", "depends", "not addressed"]
    detail: str


def _covariates(analysis: Analysis) -> str:
    """Names that the adjusted estimates say they adjust for, as one searchable text; only estimates that exist count."""
    texts = [
        f"{name} {e.method}"
        for s in analysis.series
        for name, e in s.estimates.items()
        if re.search(r"adjust|partial|given", name, re.IGNORECASE) and not math.isnan(e.value)
    ]
    if texts:  # a list of covariates counts only where something was adjusted with it
        texts += [
            json.dumps(analysis.protocol[key], default=str)
            for key in ("covariates", "adjust", "adjusted_for")
            if key in analysis.protocol
        ]
    return " ".join(texts).casefold()


def _topic(row: AuditRow) -> str | None:
    return next((topic for topic, pattern in _ROWS.items() if re.search(pattern, row.control, re.IGNORECASE)), None)


def _from_audit(analysis: Analysis, topic: str, adjusted: str) -> Answer:
    rows = [row for row in analysis.audit if _topic(row) == topic]
    question = _QUESTIONS[topic]
    also = [row for row in analysis.audit if topic in _ALSO and re.search(_ALSO[topic], row.control, re.IGNORECASE)]
    said = "; ".join(f"{r.control}: {r.status}{f' ({r.detail})' if r.detail else ''}" for r in rows + also)
    if any(r.violation for r in rows):
        return Answer(question, "violated", said)
    if rows and all(r.status == "equal" for r in rows):
        return Answer(question, "controlled", said)
    word = {"size": r"size|images|items", "classes": r"class(?!ifi)"}.get(topic, topic)
    if re.search(word, adjusted):
        return Answer(question, "adjusted", "among the covariates of an adjusted estimate" + (f"; {said}" if said else ""))
    return Answer(question, "not addressed", said or "no control and no adjusted estimate names it")


def _domain(analysis: Analysis) -> Answer:
    question = _QUESTIONS["domain"]
    main = primary_series(analysis)
    whole = find_estimate(main, "slope per SD") if main else None
    without = [e.value for name, e in left_out(main).items() if not math.isnan(e.value)] if main else []
    if whole is not None and without and not math.isnan(whole.value):
        said = f"slope per SD without any one of {len(without)} domains: {number(min(without))} to {number(max(without))}"
        alike = all(math.copysign(1.0, v) == math.copysign(1.0, whole.value) for v in without)
        return Answer(question, "controlled" if alike else "depends", f"{said}; with all: {number(whole.value)}")
    blocks = (
        sorted({e.method for e in main.estimates.values() if "domain" in e.method.casefold() and not math.isnan(e.value)})
        if main
        else []
    )
    if blocks:
        return Answer(question, "adjusted", f"intervals respect domains: {blocks[0]}")
    return Answer(question, "not addressed", "no estimate leaves a domain out or treats domains as blocks")


def _unmeasured(analysis: Analysis) -> Answer:
    """It always could: the answer says how strong it would have to be, and is never that it is controlled."""
    found = next((f.robustness for f in analysis.findings if f.robustness is not None), None)
    if found is None or math.isnan(found.value):
        return Answer(_QUESTIONS["unmeasured"], "not addressed", found.sentence if found else "no robustness value was computed")
    return Answer(_QUESTIONS["unmeasured"], "depends", found.sentence)


def _agreement(analysis: Analysis, what: Literal["probe", "metric"]) -> Answer:
    main = primary_series(analysis)
    question = _QUESTIONS[what]
    if main is None:
        return Answer(question, "not addressed", "no series")
    other = "metric" if what == "probe" else "probe"
    alike = [
        s
        for s in analysis.series
        if s.learner == main.learner and s.condition == main.condition and getattr(s, other) == getattr(main, other)
    ]
    seen = {getattr(s, what): find_estimate(s, "pearson") for s in alike}
    if len(seen) < 2:
        return Answer(question, "not addressed", f"one {what} only: {getattr(main, what)}")
    said = ", ".join(f"{name}: r = {number(e.value) if e else 'not computed'}" for name, e in seen.items())
    # A lower loss is better: its correlation points the same way when its sign is the other one.
    flip = {name: -1.0 if what == "metric" and name == "loss" else 1.0 for name in seen}
    signs = [math.copysign(1.0, flip[name] * e.value) for name, e in seen.items() if e is not None and not math.isnan(e.value)]
    if len(signs) < len(seen):
        return Answer(question, "not addressed", f"cannot be told ({said})")
    if len(set(signs)) > 1:
        return Answer(question, "depends", f"{len(seen)} {what}s do not point the same way ({said})")
    return Answer(question, "controlled", f"{len(seen)} {what}s point the same way ({said})")


def _corpora(analysis: Analysis) -> Answer:
    """Whether the primary condition points the same way on each corpus of the evaluation."""
    main = primary_series(analysis)
    question = _QUESTIONS["corpus"]
    alone: dict[str, Estimate | None] = {}
    if main is not None:
        start = f"{main.condition} on "
        alike = [s for s in analysis.series if (s.learner, s.metric, s.probe) == (main.learner, main.metric, main.probe)]
        alone = {s.condition.removeprefix(start): find_estimate(s, "pearson") for s in alike if s.condition.startswith(start)}
    if not alone:
        return Answer(question, "not addressed", "no corpus was scored by itself")
    said = ", ".join(f"{name}: r = {number(e.value) if e else 'not computed'}" for name, e in alone.items())
    signs = {math.copysign(1.0, e.value) for e in alone.values() if e is not None and not math.isnan(e.value)}
    if any(e is None or math.isnan(e.value) for e in alone.values()):
        return Answer(question, "not addressed", f"cannot be told ({said})")
    if len(signs) > 1:
        return Answer(question, "depends", f"{len(alone)} corpora do not point the same way ({said})")
    return Answer(question, "controlled", f"{len(alone)} corpora point the same way ({said})")


def checklist(analysis: Analysis) -> tuple[Answer, ...]:
    """Return one answer for each of: size, classes, alignment, complexity, overlap, domain, the unmeasured, probe and metric dependence;
    of a study of text, shared vocabulary and a trigram model instead of classes, and evaluation corpora instead of metrics."""
    adjusted = _covariates(analysis)
    of_text = "text" in analysis.protocol
    kind = ("vocabulary", "trigram") if of_text else ("classes",)
    return (
        *(_from_audit(analysis, topic, adjusted) for topic in ("size", *kind, "alignment", "complexity", "overlap")),
        _domain(analysis),
        _unmeasured(analysis),
        _agreement(analysis, "probe"),
        _corpora(analysis) if of_text else _agreement(analysis, "metric"),
    )
