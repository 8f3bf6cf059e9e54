"""One sentence made to fit its room: whole where it fits, else cut at the ends of clauses, and never where a cut would change what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from breadth.announce.check.length import PROSE
from breadth.announce.write.verbs import finite

__all__ = ["best_fit", "dangling", "statement", "variants"]

# Words that a cut must not take away: hedges, negations, conditions, bounds, exceptions, contrasts.
_KEEP = re.compile(
    r"\b(?:may|might|could|can|should|would|likely|possibl[ey]|perhaps|seem(?:s|ingly)?|appears?|suggests?|approximately|about|"
    r"around|roughly|nearly|almost|"
    r"on average|averag\w+|mostly?|often|usually|typically|generally|tends?|some|several|many|partly|partially|at (?:most|"
    r"least)|up to|only|not?|never|n't|none|without|"
    r"except|unless|if|when|whenever|where|until|assuming|provided|given|under|but|yet|although|though|however|despite|while|"
    r"whereas|rather|instead|compared|"
    r"than|even|potential(?:ly)?|conjecture\w*|hypothes\w+|limited|relative(?:ly)?|slight(?:ly)?|admittedly|for (?:all|most|"
    r"some|each|every))\b|n['’]t\b",
    re.IGNORECASE,
)
_CLAIMS = re.compile(
    r"(?<![\w-])\d[\d.,]*\s?[%×BMK]?|\b(?:outperform|better|worse|higher|lower|faster|improve|achieve|demonstrate|competitive|"
    r"increase|"
    r"decrease|reveal)\w*"
)
_TAILS = (
    re.compile(r"\s*[—–]\s*(?:[^—–]+)(?=\.$)"),
    re.compile(r"\s*;\s*[^;]+(?=\.$)"),
    re.compile(r",\s+which\s[^,]+(?=\.$)"),
    re.compile(
        r",\s+(?:e\.g\.|i\.e\.|for example|for instance|such as|including|especially|particularly|in particular|namely|"
        r"totall?ing)[ ,][^;]+(?=\.$)"
    ),
    re.compile(
        r",\s+(?:also |further |thereby |thus |hence |therefore )?(?!(?:show|demonstrat|find|prov)ing\b)[a-z]+ing\s[^;]+(?=\.$)"
    ),
    re.compile(
        r",\s+and\s+(?:that|(?:thus|hence|therefore|also|then|further)|we|our|it|they|this|these|the \w+ (?:is|are|has)|"
        r"is|are|has|have|highlights?|demonstrates?|shows?|finds?|found|compares?|proposes?|propose|provides?)\s[^;]+(?=\.$)"
    ),
    re.compile(r",\s+(?:a|an|the)\s[^,;]+(?=\.$)"),
    re.compile(r",\s+(?:by|via|drawn from)\s[^,;]+(?=\.$)"),
    re.compile(r",\s+(?:as|so that|so|because|since|due to|thanks to)\s[^;]+(?=\.$)"),
)
_INSIDE = (
    re.compile(r"\s+\((?!or\b|and\b)[^()]*\)"),
    re.compile(r"\s*—[^—]+—(?=\s|\w)"),
    re.compile(r",\s+(?:e\.g\.|i\.e\.|which|including|such as|called|termed|namely)[ ,][^,;()]+,(?=\s(?!(?:and|or|but)\b))"),
)
# "A—and B when C": the condition bounds what goes with it; a negation or contrast would bound what stays.
_ADDED = re.compile(
    r"[\s—–]*and (?!.*\b(?:only|not?|never|without|but|although|though|however|despite|while|whereas|instead|unless)\b)"
)
_KIND = re.compile(r"^(?P<whole>[^,;:]*\b(?:is|are) an? [^,;:]*?\w) that \w+[^,;:]*\.$")  # what is "a Y that Z" is a Y
_PUFFED = re.compile(r"(?P<verb>We (?:\w+ )??\w+ )an? (?:\w+ )?(?:set|series|range|suite) of (?=(?:\w+ ){0,4}\w+s\b)")
_OPENS = (
    re.compile(r"^In (?:this|the present) (?:paper|work|study|report|article),\s+"),
    re.compile(r"^(?:To|In order to) [^,]{5,120},\s+(?=we\b|this\b|our\b|the\b)"),
    re.compile(r"^(?:Via|Through|Using|By|Based on|Following|Building on|Inspired by) [^,]{3,120},\s+(?=we\b|this\b|our\b)"),
    re.compile(r"^(?:Via|Through) [^,]{3,60},\s+(?=we\b)"),
)
# A longer aside hedges only itself with "most" or "about"; what it may not take away is what bounds the sentence around it.
_HELD = re.compile(
    r"\b(?:may|might|could|likely|seems?|suggests?|on average|at (?:most|least)|up to|only|not?|never|without|except|unless|if|"
    r"when|until|assuming|"
    r"provided|given|under|but|although|though|however|despite|while|whereas|instead|limited|admittedly)\b|n['’]t\b",
    re.IGNORECASE,
)
_SECOND = re.compile(  # "We compare A with B, and demonstrate that ...": what is demonstrated stands alone
    r"^We [^.;:]*?,? and (?P<verb>(?:finally |further |thus )?(?:demonstrate|show|find|found|observe|observed|confirm|conclude|"
    r"discover|reveal|prove)) that (?!(?:it|its|they|their|this|these|both)\b)"
)
_SAYS = re.compile(
    r"^(?:In (?:this|the present) (?:paper|work|study|report), )?(?:(?:[Ww]e|[Oo]ur (?:\w+ ){0,2}(?:results?|analys[ie]s|"
    r"experiments?|findings?)|[Rr]esults|[Ee]xperiments) "
    r"(?:then |also |further |quantitatively |empirically |therefore |experimentally |consistently )*"
    r"(?:find|found|show|shows|showed|demonstrate|demonstrates|demonstrated|observe|observed|conclude|confirm|confirmed|reveal|"
    r"reveals|discover|discovered|see)) that\s+"
)
_DANGLING = re.compile(
    r"^(?:This|That|These|Those|Such|It|They|Its|Their|Both|Either|He|She|There|Others|Another|Each of|The (?:former|latter|"
    r"same|above|other|two|three|first|second|third|one|scheme|rest)|"
    r"Many of|One (?:is|of|can|such)|Some of|All (?:three|four|five|two)|The following|Here|Neither|So|Doing so|Of these|"
    r"In (?:such|this|these|both|that|addition)|For this|To this|At this|With this|On this|"
    r"From this|By this|Under this|As such|Compared to this|Unlike this|If so)\b(?! (?:paper|work|study|report|article|thesis|"
    r"is (?:no|little|growing)|are (?:no|few|many)|exists?))"
)
_INNER_DANGLING = re.compile(
    r"\b(?:aforementioned|the above|as above|the (?:former|latter)|this (?:approach|limitation|problem|dispute|issue|"
    r"phenomenon|end|question|gap|result|finding|case|setting|step|process|observation|reason|regime|dependence|biologist)|"
    r"these (?:\w+ )?(?:results?|findings?|limitations?|issues?|questions?|tasks?|models?|datasets?|two|three|four|five|"
    r"predictions?|errors?|methods?|settings?|components?|cases|experiments|observations)|those \w+|such (?!as\b)\w+|"
    r"mentioned (?:above|earlier|before)|the following|as follows|below|preceding|(?:first|second|third) half of our|"
    r"their (?:algorithm|method|approach|model|technique|framework|system|work|paper)s?|"
    r"our (?:first|second|third|fourth) (?:prediction|hypothesis|question))\b",
    re.IGNORECASE,
)


def dangling(text: str) -> bool:
    """Return whether the sentence leans on one before it: "This", "These results", "it" at its start, "the former", "as above"."""
    return bool(_DANGLING.match(text) or _INNER_DANGLING.search(text))


def statement(text: str) -> str:
    """Return what a sentence states without "We find that" or "Our results show that"; the sentence itself where it opens otherwise.

    "We suggest", "we argue" and the like stay: they say how sure the authors are.
    """
    m = _SAYS.match(text)
    if m is None:
        return text
    rest = text[m.end() :]
    return rest[:1].upper() + rest[1:] if finite(rest) and not dangling(rest[:1].upper() + rest[1:]) else text


@lru_cache(maxsize=16384)  # each sentence is cut for many posts
def variants(text: str) -> tuple[str, ...]:
    """Return the sentence and every shorter one that cutting brackets, asides, further clauses and openings leaves; the whole first.

    What is cut never holds a hedge, a negation, a condition, a bound, an exception or a contrast; what stays has a finite verb.
    """
    found, new = [text], [text]
    whole = finite(text)
    while new and len(found) < 60:
        fresh: list[str] = []
        for t in new:
            for cut in _cuts(t):
                if cut not in found and cut not in fresh and (finite(cut) or not whole) and len(cut.split()) >= 4:
                    fresh.append(cut)
        found += fresh
        new = fresh
    return tuple(found[:60])


def _cuts(text: str) -> list[str]:
    out = []
    for pattern in (*_TAILS, *_INSIDE):
        for m in pattern.finditer(text):
            added = m[0].lstrip()[:1] in "—–" and _ADDED.match(m[0])
            held = (_HELD if len(m[0].split()) > 6 and pattern in _INSIDE else _KEEP).search(_said(m[0]))
            if (held and not added) or _in_a_list(text, m) or _amid_quote(text, m):
                continue
            joint = " " if text[m.end() :][:1].isalnum() else ""
            out.append(re.sub(r"\s+([,.;])", r"\1", text[: m.start()] + joint + text[m.end() :]))
    kind = _KIND.match(text)
    if kind and not _HELD.search(text):
        out.append(kind["whole"] + ".")
    puffed = _PUFFED.match(text)
    if puffed:
        out.append(puffed["verb"] + text[puffed.end() :])
    second = _SECOND.match(text)
    if second and not _KEEP.search(text[: second.start("verb")]):
        out.append("We " + text[second.start("verb") :])
    for pattern in _OPENS:
        opening = pattern.match(text)
        if opening and not _KEEP.search(re.sub(r"^(?:In order to|To|Using|Based on)", "", opening[0])):
            rest = text[opening.end() :]
            out.append(rest[:1].upper() + rest[1:])
    return out


def _said(cut: str) -> str:
    """What a cut takes away, without the words that only join it on."""
    return re.sub(r"^[,;\s—–(]*(?:such as|e\.g\.|i\.e\.|so that|which)?", "", cut)


def _in_a_list(text: str, m: re.Match[str]) -> bool:
    """Whether the comma of a cut stands between members of one list ("A, B, and C"), which a cut would break."""
    if not m[0].startswith(","):
        return False
    tail = m[0]
    if re.match(r",\s+(?:a|an|the)\s", tail):  # "X, a Y that ..." is an aside only where no list is open before or after it
        return bool(re.search(r",\s+(?:and|or)\s", tail)) or text[: m.start()].count(",") > 0
    if re.match(r",\s+and\s", tail):
        before = re.split(r"[;:]|\b(?:that|which)\b", text[: m.start()])[-1]
        return "," in before and not re.search(r"\s(?:and|or)\s", before.partition(",")[2])
    return bool(re.match(r",\s+[a-z]+ing\s", tail) and re.search(r",\s+(?:and|or)\s+[a-z]+ing\b", tail))


def _amid_quote(text: str, m: re.Match[str]) -> bool:
    """Whether a cut would open a quote or bracket, or take away the main statement after a colon."""
    rest = text[: m.start()] + text[m.end() :]
    return rest.count("(") != rest.count(")") or len(re.findall('[“”"]', rest)) % 2 == 1 or bool(re.search(r"[:,;—–]\.?$", rest))


def best_fit(
    text: str,
    length: Callable[[str], int],
    room: int,
    *,
    target: int = PROSE,
    plain: bool = False,
    allowed: Callable[[str], bool] = bool,
) -> str:
    """Return the variant that is ``allowed``, fits ``room`` by ``length`` and reads best, "" where none does.

    Whole sentences win where they are near the target; above it, each character costs more than one that a cut takes away. plain: also
    try it without "We find that".
    """
    options = list(variants(text))
    if plain:
        options += [v for v in (statement(o) for o in tuple(options)) if v not in options]
        options += [v for v in variants(statement(text)) if v not in options]
    fitting = [v for v in options if allowed(v) and length(v) <= room]
    return min(fitting, key=lambda v: (_cost(v, text, length(v), target), options.index(v)), default="")


def _cost(variant: str, text: str, long: int, target: int) -> float:
    lost = len(text) - len(variant)
    claims = len(_CLAIMS.findall(text)) - len(_CLAIMS.findall(variant))
    return 25 * claims + 1.2 * max(0, long - target) + (8 + 0.4 * lost if lost > 1 else 0) + max(0, 45 - len(variant))
