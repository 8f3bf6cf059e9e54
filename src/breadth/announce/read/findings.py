"""A study's ``findings.json`` as a source: its statements with their verdicts, what speaks against them, and its figures."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from breadth.announce.source import Item, Quote, Sentence, Source
from breadth.errors import AnnounceError
from breadth.study.finding import Verdict

__all__ = ["merged", "read_findings"]

LARGEST = 200_000_000  # bytes; a study of thousands of training sets has a tenth of that
# The figures that ``breadth report`` writes beside the findings, and what they show.
_FIGURES = (
    ("figure.png", "Diversity coefficient of the training sets against the score on the evaluation suite."),
    ("figure-dose.png", "Number of domains of the training sets against diversity and score."),
)
# Of the primary finding's caveats, sentences that say what explains it: results themselves.
_EXPLAINS = re.compile(r"^adjusted for .* is |\bpredicts the outcome\b")
_AGAINST = re.compile(r"\b(?:but|not|cannot|unknown|differ|only|no|could explain|too few|violat\w+)\b")


class _Finding(BaseModel):
    """What is needed of ``Finding.as_dict()``; points and run ids stay where they are."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    name: str
    statement: str
    verdict: Verdict
    caveats: tuple[str, ...]


class _Told(BaseModel):
    """What ``analysis.json`` says beside the findings."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    title: str = ""
    question: str = ""


_LIST = TypeAdapter(tuple[_Finding, ...])


def read_findings(path: Path) -> Source:
    """Return a study's findings as a source; AnnounceError where the file is none that ``breadth report`` writes.

    Results: the primary finding and what explains it, then one of each learner and metric, then comparisons of learners. Limitations:
    caveats of the primary finding, those that deny or restrict first. Figures: those that lie beside the file. The title is that of
    ``analysis.json`` or ``tables.md`` there, else of the folder.
    """
    found = _read(path)
    sentences: list[Sentence] = []
    numbers: dict[str, int] = {}
    for f in found:
        for text in (f.statement, *(f.caveats if f.name == found[0].name else ())):
            where = f"{path.name}: {f.name}"
            sentences.append(Sentence(len(sentences) + 1, None, re.sub(r"\s+", " ", text).strip(), f.verdict, "finding", where))
            numbers.setdefault(f.name, len(sentences))
    quotes = {name: Quote(None, sentences[n - 1].text, (n,)) for name, n in numbers.items()}
    against = sentences[1 : 1 + len(found[0].caveats)]
    against.sort(
        key=lambda s: (not re.search(r"\bbut\b|could explain|not separated", s.text), not _AGAINST.search(s.text), s.number)
    )
    explained = [Quote(None, s.text, (s.number,)) for s in sentences[1 : 1 + len(found[0].caveats)] if _EXPLAINS.search(s.text)]
    told = _told(path.parent / "analysis.json")
    return Source(
        kind="study",
        name=path.parent.name,
        title=told.title or _heading(path.parent / "tables.md") or f"Study {path.resolve().parent.name}",
        authors=(),
        venue=None,
        abstract=(),
        sentences=tuple(sentences),
        contributions=(),
        results=(quotes[found[0].name], *explained, *(quotes[f.name] for f in _main(found)[1:])),
        limitations=tuple(Quote(None, s.text, (s.number,)) for s in against if _AGAINST.search(s.text)),
        items=_figures(path.parent),
        links=(),
        code_url=None,
        paper_url=None,
    )


def _read(path: Path) -> tuple[_Finding, ...]:
    what = f"findings '{path}'"
    try:
        if path.stat().st_size > LARGEST:
            raise AnnounceError(f"{what} has more than {LARGEST} bytes; expected what breadth report writes: make it again")
        found = _LIST.validate_python(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise AnnounceError(f"{what}: {error.strerror}; give the findings.json that breadth report writes") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            why = f"{'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}"
        else:
            why = "it is no JSON"
        raise AnnounceError(f"{what}: {why}; expected the findings.json that breadth report writes") from error
    if not found:
        raise AnnounceError(f"{what} holds no finding; expected at least the primary one: run breadth report again")
    return found


def _told(path: Path) -> _Told:
    try:
        return _Told.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # it lies there or not; without it the title comes from elsewhere
        return _Told()


def _heading(path: Path) -> str:
    try:
        first = path.read_text(encoding="utf-8").lstrip().split("\n", 1)[0]
    except (OSError, UnicodeDecodeError):
        return ""
    return first[2:].strip() if first.startswith("# ") else ""


def _main(found: tuple[_Finding, ...]) -> list[_Finding]:
    """The primary finding, then the first of each learner and metric and each comparison that is no repetition of these."""
    kept, seen = [found[0]], {_kind(found[0])}
    for f in found[1:]:
        if _kind(f) not in seen:
            seen.add(_kind(f))
            kept.append(f)
    return kept


def _kind(f: _Finding) -> str:
    """Learner and metric at the head of a statement ("MAML second order accuracy"), else the finding's own name."""
    m = re.match(r"(.+? (?:accuracy|loss)) (?:\(|changes)", f.statement)
    return m[1] if m else f.name


def _figures(folder: Path) -> tuple[Item, ...]:
    """The figures beside the findings; the first is about the primary finding, which stands as the first sentence."""
    there = [(folder / name, caption) for name, caption in _FIGURES if (folder / name).is_file()]
    return tuple(
        Item(
            f"Figure {n}", 1, (0.0, 0.0, 0.0, 0.0), caption, 1.0, cited_by=(1,) if path.name == "figure.png" else (), file=str(path)
        )
        for n, (path, caption) in enumerate(there, 1)
    )


def merged(paper: Source, study: Source) -> Source:
    """Return a paper with a study's findings behind its own evidence; the study's figures are counted on as "Figure S1"."""
    shift = len(paper.sentences)

    def moved(quote: Quote) -> Quote:
        return replace(quote, sentences=tuple(n + shift for n in quote.sentences))

    items = tuple(
        replace(i, label=i.label.replace("Figure ", "Figure S"), cited_by=tuple(n + shift for n in i.cited_by)) for i in study.items
    )
    return replace(
        paper,
        sentences=paper.sentences + tuple(replace(s, number=s.number + shift) for s in study.sentences),
        results=paper.results + tuple(map(moved, study.results)),
        limitations=paper.limitations + tuple(map(moved, study.limitations)),
        items=paper.items + items,
        problems=paper.problems + study.problems,
    )
