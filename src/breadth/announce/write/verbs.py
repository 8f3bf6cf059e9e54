"""Whether words are a sentence: a finite verb, told by a list of the verbs that papers use."""

from __future__ import annotations

import re

__all__ = ["finite"]

_VERBS = """
    mask present address hinder rest answer cost save spend detect classify adapt encode run read solve
    achieve align allow appear argue attain avoid beat become begin behave benefit break bring capture cause change close
    collapse come compare complicate compute conclude confirm contain contribute converge correlate correspond decrease degrade
    demonstrate depend describe determine differ diminish disappear discover display dominate drive drop embed emerge enable
    enhance ensure equal evaporate exceed exhibit exist explain fail fall find follow form generalize generate get give go grow
    guarantee happen help hold hurt imply improve include increase indicate induce infer introduce involve keep know lack lead
    learn lie lose maintain make match mean need obtain occur offer outperform overfit perform persist predict prefer prevent
    proceed produce promote prove provide rank reach receive recover reduce reflect rely remain remove require reveal rise
    saturate say scale see seem serve show shrink signal solve stabilize stay struggle succeed suffer suggest support surpass
    take tend transfer uncover underperform use vary widen work yield
""".split()  # noqa: SIM905
_AUXILIARY = (
    r"is|are|was|were|has|have|had|does|do|did|can|cannot|may|might|could|should|will|would|must|isn't|aren't|doesn't|don't|can't"
)
# Nouns too ("changes", "increases", "results"): they count as verbs only where a plain noun cannot stand.
_AMBIGUOUS = frozenset(
    {
        "address",
        "answer",
        "benefit",
        "change",
        "cost",
        "decrease",
        "drop",
        "form",
        "increase",
        "lack",
        "match",
        "rank",
        "run",
        "scale",
        "signal",
        "support",
        "transfer",
        "use",
        "work",
    }
)
_PAST = (
    r"outperformed|achieved|showed|found|led|fell|rose|obtained|beat|matched|produced|improved|discovered|revealed|"
    r"exceeded|surpassed|failed|became"
)


def _third(verb: str) -> str:
    if verb.endswith(("s", "x", "z", "ch", "sh", "go", "do")):
        return verb + "es"
    return verb[:-1] + "ies" if verb.endswith("y") and verb[-2] not in "aeiou" else verb + "s"


_FINITE = re.compile(
    rf"\b(?:{_AUXILIARY}|{_PAST}|\w+ly \w+(?:s|ed)|asymptotes|"
    r"\w\w\w+s (?:the|a|an|faster|better|worse|more|fewer|less|no|all|both)\b|"
    + "|".join(_third(v) for v in _VERBS if v not in _AMBIGUOUS)
    + r")\b|\b[Ww]e \w+|\b(?:benefits|increases|decreases|changes|shows|leads|matches|supports|helps) (?:\w+ly |more |as |to |that |"
    r"with |the |a |from |by )"
    + r"|\w+s (?:\w+ly |almost always |do |also |only |tend to )?(?:"
    + "|".join(v for v in _VERBS if v not in ("close", "form", "rank", "change", "work", "use", "mean", "lie", "scale"))
    + r")\b",
)


def finite(text: str) -> bool:
    """Return whether the text has a finite verb, as far as a word list can tell: whether it is a sentence and no bare heading."""
    return bool(_FINITE.search(text))
