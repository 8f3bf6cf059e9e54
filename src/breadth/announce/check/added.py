"""F4 too: what is added to the source's own words. A clause that makes light of them, or one that the source does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from breadth.announce.check.align import Alignment, Token
from breadth.announce.check.case import Case, Claim, View
from breadth.announce.check.structure import is_limitation
from breadth.announce.check.words import content, stem, word_set
from breadth.announce.thread import Level, Problem

__all__ = ["added"]

SAID: Final = 0.5  # share of an added clause, by weight, that what the post rests on must say
_LIGHT: Final = re.compile(
    r"""\b(?:hardly|barely|scarcely|negligibl[ey]|irrelevant|immaterial|unimportant|inconsequential|insignificant|trivial(?:ly)?
    |of\ (?:no|little|minor)\ (?:\w+\ )?(?:consequence|importance|relevance|concern|interest|significance)
    |(?:(?:does|do|did|will|should)\ not|(?:does|do|did|should)n't|won't|never)\ (?:really\ |much\ )?(?:matter|change\ much|affect\ anything)
    |(?:(?:is|are)\ not|isn't|aren't|never)\ (?:really\ )?(?:an?\ )?(?:\w+\ )?(?:problem|concern|issue|important|big\ deal|limitation)
    |no\ (?:real\ |practical\ |big\ |serious\ )?(?:problem|concern|issue|matter|deal|worry)
    |(?:minor|small|mere|pure)\ (?:issue|point|detail|matter|formality|nuisance)|nothing\ to\ worry
    |(?:easily|readily|soon|quickly)\ (?:be\ )?(?:fixed|solved|overcome|addressed|remedied|lifted|resolved)|(?:safely|easily)\ (?:be\ )?ignored
    )(?!\w)""",
    re.VERBOSE | re.IGNORECASE,
)
_WHERE: Final = word_set("on in for with without across under over from at during despite")
_RIDER: Final = re.compile(r"(?:which|that|though|although|but|yet|and|so|as|this|it|these|even)\b", re.IGNORECASE)


def added(case: Case, view: View) -> Iterator[Problem]:
    """What a post adds to the source's own sentences: what makes light of them is an error in a post of the limitation and as a clause
    behind such a sentence, else a warning; so is any other clause of which what the post rests on says less than half."""
    ground = " \n ".join([case.given, *(_ground(case, claim) for claim in view.claims)])
    told = content(ground)
    known = {stem(w) for w in re.findall(r"[\w'-]{7,}", ground)}  # negligible, negligibly
    for claim in view.claims:
        verbatim = claim.best is not None and claim.best.verbatim
        clauses = _behind(claim.best) if verbatim and claim.best else []
        light = _LIGHT.search(claim.text)
        if light and light[0].lower() not in ground.lower() and stem(light[0]) not in known:
            sure = is_limitation(view) or any(light[0].split()[0] in words.split() for words in clauses)
            level: Level = "error" if sure else "warning"
            why = f"makes light of what the source says, with '{light[0]}', which it does not say; {claim.says}"
            yield case.problem("F4", level, view.n, why)
            continue
        for words in clauses:
            stems = content(words)
            if stems and case.library.coverage(stems, told) < SAID:
                yield case.problem("F4", "warning", view.n, f"adds '{words}', which the source does not say there; {claim.says}")


def _ground(case: Case, claim: Claim) -> str:
    """What a claim rests on, with the sentences beside it."""
    passages = claim.passages if claim.quotes is not None else claim.passages[:3]
    near = [q.text for p in (*passages, *([claim.nearest] if claim.nearest else [])) for q in case.library.around(p)]
    return " \n ".join([claim.quotes or "", *near])


def _behind(laid: Alignment) -> list[str]:
    """The clauses of a claim ("which hardly matters") that begin behind a comma, a bracket or a stop and have no word of the sentence but
    those of grammar, and what says where or for what ("on real data") and has none either."""
    own = set(laid.kept.values())
    found = _qualified(laid, own)
    clauses: list[list[tuple[int, Token]]] = [[]]
    for i, token in enumerate(laid.claim):
        clauses[-1].append((i, token))
        if token.breaks:
            clauses.append([])
    for clause in clauses[1:]:
        new = [i for i, token in clause if i not in own]
        foreign = not any(i in own and token.matters for i, token in clause)
        if foreign and len(new) > 1 and _RIDER.match(clause[0][1].text):
            found.append(" ".join(token.text for _, token in clause))
    return list(dict.fromkeys(found))


def _qualified(laid: Alignment, own: set[int]) -> list[str]:
    """The stretches of a claim that begin with a word such as "on" or "for", say something, and have no word of the sentence."""
    found: list[list[Token]] = [[]]
    for i, token in enumerate(laid.claim):
        if i in own:
            found.append([])
        elif found[-1] or token.text.lower() in _WHERE:
            found[-1].append(token)
    return [" ".join(t.text for t in stretch) for stretch in found if any(t.matters for t in stretch[1:])]
