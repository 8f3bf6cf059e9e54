"""F4: what the source says with care is not said without it, and nothing is praised that the source does not praise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from breadth.announce.check.added import added
from breadth.announce.check.align import Alignment, Token
from breadth.announce.check.case import Case, Claim, View
from breadth.announce.check.words import stem
from breadth.announce.thread import Level, Problem

__all__ = ["f4_hedges"]

_KINDS: Final = {
    "possibility": """may might could can suggest suggests suggested suggesting likely unlikely possibly perhaps probably potentially potential
        appear appears appeared seem seems seemed seemingly hypothesize hypothesise conjecture conjectured believe speculate tend tends
        arguably presumably plausible plausibly indicate indicates indicated""",
    "extent": """most some many several often usually typically generally mostly largely partially partly sometimes nearly almost roughly
        approximately somewhat slightly mainly occasionally frequently moderately relatively comparable fairly""",
    "average": "average averaged averages median",
}
_KIND: Final = {word: kind for kind, words in _KINDS.items() for word in words.split()}
_PHRASES: Final = {
    tuple(phrase.split()): kind
    for kind, phrases in {
        "bound": ("at least", "at most", "up to", "more than", "less than", "fewer than"),
        "average": ("on average",),
        "scope": ("in our experiments", "in our setting", "to our knowledge", "in this setting"),
        "extent": ("in part", "in most cases", "in some cases", "in many cases", "diminishing returns"),
    }.items()
    for phrase in phrases
}
_SIGNS: Final = {">": "bound", "<": "bound", ">=": "bound", "<=": "bound", "≥": "bound", "≤": "bound", "~": "extent"}
_RANKS: Final = (  # from little to much: who says "most" for "some" says more than the source
    "some several sometimes occasionally slightly somewhat may might could possibly perhaps potentially",
    "many often frequently likely probably presumably",
    "most mostly usually typically generally largely mainly nearly almost",
)
_RANK: Final = {word: rank for rank, words in enumerate(_RANKS) for word in words.split()}
_PRAISE: Final = re.compile(
    r"""\b(?:state[- ]of[- ]the[- ]art|sota|break-?through|groundbreaking|revolutionary|revolutioni[sz]es?|unprecedented
    |game[- ]chang(?:er|ing)|prov(?:e|es|ed|en|ing|ably)\b(?!\s+(?:difficult|hard|useful|to\ be))|guarantee[sd]?|always|never|perfect(?:ly)?
    |the\ (?:very\ )?first|(?:is|are)\ first|first[- ](?:ever|time)|first\ to|dramatic(?:ally)?|undoubtedly|definitive(?:ly)?
    |conclusive(?:ly)?|solve[sd]?|best[- ]ever|best\b[^.;]{0,20}\ ever|superhuman|flawless(?:ly)?|caus(?:e|es|ed|ing|al|ally)
    |huge(?:ly)?|massive(?:ly)?|enormous(?:ly)?|tremendous(?:ly)?|stunning(?:ly)?|incredibl[ey]|spectacular(?:ly)?|award(?:s|ed)?
    |unmatched|unrivall?ed|unparalleled|unbeatable|best-in-class|world-class|once\ and\ for\ all|beyond\ (?:any\ )?doubt
    |spotlight|oral\ (?:paper|presentation|talk))(?!\w)""",
    re.VERBOSE | re.IGNORECASE,
)
_NO_DEGREE: Final = (
    "test rest west interest request latest forest contest digest nearest quest invest manifest harvest honest modest guest"
)
_MOST: Final = re.compile(
    rf"\b(?:the|our|its) (?:very )?(?:(?!(?:{'|'.join(_NO_DEGREE.split())})\b)\w{{3,}}est"
    r"|most \w+(?:al|ant|ed|ent|ful|ic|ive|le|ous|te))\b|\bthe (?:best|worst|only)\b",
    re.IGNORECASE,
)
_WIDE: Final = re.compile(
    r"\b(?:all|every|everywhere|entirely|completely|significant(?:ly)?|vastly|massively|hugely|clearly|best|must|only)\b",
    re.IGNORECASE,
)


def f4_hedges(case: Case) -> Iterator[Problem]:
    """F4: a hedge over words that a post takes over stays with them; no "first", "SOTA", "proves", "always" unless the source says so."""
    for view in case.views:
        yield from added(case, view)
        for claim in view.claims:
            yield from _praise(case, view, claim)
            if claim.best is None or claim.nearest is None:
                continue
            if claim.best.verbatim:
                found, sure = _dropped(claim.best), True
            else:
                found, sure = _dropped_in_other_words(claim), claim.coverage >= 0.8
            if found:
                level = "error" if sure or claim.quotes is not None else "warning"
                yield case.problem("F4", "error" if level == "error" else "warning", view.n, f"drops '{found}'; {claim.says}")


def _praise(case: Case, view: View, claim: Claim) -> Iterator[Problem]:
    texts = [
        claim.quotes or "",
        *(p.text for p in (claim.passages if claim.quotes is not None else claim.passages[:4])),
        case.given,
    ]
    there = " \n ".join(texts).lower()
    for pattern, needs in ((_PRAISE, 0.0), (_WIDE, 0.6), (_MOST, 0.0)):
        for word in dict.fromkeys(m[0].lower() for m in pattern.finditer(claim.text)):
            root = stem(word.split()[-1])
            lone = " " not in word or pattern is _MOST
            same = lone and any(stem(w) == root for w in re.findall(r"[a-z-]+", there))
            if same or re.search(rf"\b{re.escape(word)}\b", there):
                continue
            quoted_by_author = re.search(rf"[\"']{re.escape(word)}[\"']", claim.text, re.IGNORECASE)
            if quoted_by_author or (pattern is _WIDE and (claim.coverage < needs or not (claim.best and claim.best.verbatim))):
                continue
            sure = pattern is not _MOST or bool(claim.best and claim.best.verbatim)
            level: Level = "error" if sure else "warning"
            yield case.problem("F4", level, view.n, f"says '{word}', which the source does not; {claim.says}")


def _hedges(tokens: tuple[Token, ...]) -> list[tuple[int, int, str]]:
    """(first place, place after, kind) of each hedge."""
    low = [t.text.lower() for t in tokens]
    found: list[tuple[int, int, str]] = []
    k = 0
    while k < len(low):
        phrase = next((p for p in _PHRASES if tuple(low[k : k + len(p)]) == p), None)
        if phrase:
            found.append((k, k + len(phrase), _PHRASES[phrase]))
            k += len(phrase)
            continue
        kind = _SIGNS.get(low[k]) or _KIND.get(low[k])
        if kind and not (low[k] in ("can", "may") and low[k + 1 : k + 2] == ["not"]) and not _superlative(low, k):
            found.append((k, k + 1, kind))
        elif low[k] in ("about", "around") and k + 1 < len(low) and (tokens[k + 1].number or low[k + 1] in ("half", "a")):
            found.append((k, k + 1, "extent"))
        elif low[k] in ("over", "above", "under", "below") and k + 1 < len(low) and tokens[k + 1].number:
            found.append((k, k + 1, "bound"))
        k += 1
    return found


def _superlative(low: list[str], k: int) -> bool:
    """Whether "most" belongs to an adjective or a comparison ("the most common"), and "mean" is no average."""
    return low[k] == "most" and k > 0 and low[k - 1] in ("the", "our", "its", "their", "is", "are")


def _dropped(laid: Alignment) -> str | None:
    mine = _hedges(laid.claim)
    taken = {laid.kept[j] for j in laid.kept}
    for start, end, kind in _hedges(laid.sentence):
        if any(j in laid.kept for j in range(start, end) if laid.sentence[j].text.lower() not in ("at", "to", "on", "in", "than")):
            continue
        after, before = _follows(laid.sentence, end), _precedes(laid.sentence, start)
        over = [j for j in after if j in laid.kept]
        under = [j for j in before if j in laid.kept]
        ends = end >= len(laid.sentence) or laid.sentence[end - 1].breaks or not over
        if kind in ("average", "scope", "extent") and ends and under and before[0] in laid.kept:
            bridged = True
        elif after and len(over) * 2 >= len(after) and after[0] in laid.kept:
            bridged = bool(under) or not before
        else:
            continue
        fresh = [h for h in mine if h[2] == kind and not taken & set(range(h[0], h[1])) and not _weaker(laid, h[0], start)]
        fresh = [h for h in fresh if not _stronger(laid, h[0], start)]
        if fresh or (not bridged and any(h[2] == kind for h in mine)):
            continue
        return " ".join(t.text for t in laid.sentence[start:end])
    return None


def _weaker(laid: Alignment, mine: int, theirs: int) -> bool:
    """Whether "can" stands for a word of doubt: what may be is not said to be possible."""
    return laid.claim[mine].text.lower() == "can" and laid.sentence[theirs].text.lower() not in ("can", "could")


def _stronger(laid: Alignment, mine: int, theirs: int) -> bool:
    """Whether a hedge stands for one of its kind that says less: "most" for "some", "likely" for "may"."""
    a, b = _RANK.get(laid.claim[mine].text.lower()), _RANK.get(laid.sentence[theirs].text.lower())
    return a is not None and b is not None and a > b


def _follows(tokens: tuple[Token, ...], end: int) -> list[int]:
    """Places of up to three words with meaning behind a hedge; a hedge that opens a sentence may have a comma behind it."""
    found: list[int] = []
    for k in range(end, min(len(tokens), end + 6)):
        if tokens[k].matters and tokens[k].text.lower() not in _KIND:
            found.append(k)
        if len(found) == 3 or (tokens[k].breaks and found):
            break
    return found


def _precedes(tokens: tuple[Token, ...], start: int) -> list[int]:
    """Places of up to two words with meaning before a hedge in its clause, the nearest first."""
    found: list[int] = []
    for k in range(start - 1, max(-1, start - 6), -1):
        if tokens[k].breaks:
            break
        if tokens[k].matters and tokens[k].text.lower() not in _KIND:
            found.append(k)
        if len(found) == 2:
            break
    return found


def _dropped_in_other_words(claim: Claim) -> str | None:
    """For a claim in other words: a hedge whose following words it has, where it has no hedge of that kind at all."""
    laid = claim.best
    if laid is None or claim.coverage < 0.6:
        return None
    kinds = {h[2] for h in _hedges(laid.claim)}
    keys = {t.key for t in laid.claim}
    for start, end, kind in _hedges(laid.sentence):
        after = _follows(laid.sentence, end)
        if kind not in kinds and len(after) >= 2 and all(laid.sentence[j].key in keys for j in after):
            return " ".join(t.text for t in laid.sentence[start:end])
    return None
