"""What a paper says against itself: sentences about a limitation of this work, never of earlier work."""

from __future__ import annotations

import re

from breadth.announce.read.cues import about_future, about_own, about_prior, citation_led, is_readable, own_names, section_is
from breadth.announce.source import Quote, Sentence

__all__ = ["LIMITED", "limitations"]

MOST = 6
NAMED = re.compile(
    r"\b(?:limitations?|drawbacks?|caveats?|shortcomings?|weakness(?:es)?|downsides?|disadvantages?)\b", re.IGNORECASE
)
LIMITED = re.compile(
    r"\b(?:limited (?:to|by|because|in|since)|(?:is|are|was|were|remains?) limited|restricted to|limits (?:our|us|the)|"
    r"due to (?:limited|constraints?|"
    r"(?:a |the )?lack|resource|computational|budget|our training)|could only|(?:were|was|are|is) only able|only able to|"
    r"unable to|not able to|"
    r"(?:can|could) not be (?:evaluated|tested|applied|verified)|beyond the scope|out of (?:our )?scope|admittedly|"
    r"at the (?:cost|expense) of|"
    r"(?:do|does|did) not (?:consider|account|address|generali[sz]e|hold|capture|cover|optimi[sz]e|scale|guarantee|claim|"
    r"evaluate|test)|"
    r"struggles?|underperform(?:s|ed)?|performed poorly|performs? poorly|fails? to|less accurate than|masks?|threats? to validity|"
    r"should (?:not|be taken|be interpreted)|nothing in this|we (?:acknowledge|caution|concede|note that we do not)|(?:slower|"
    r"worse|weaker) than)\b",
    re.IGNORECASE,
)
_STRONG = re.compile(
    r"\b(?:limitations? of (?:our|this|the (?:proposed|present|current))|(?:our|this) (?:\w+ ){0,3}limitations?|we (?:are|"
    r"were) (?:limited|only able)|"
    r"(?:our|we) [^.,;]{0,60}\b(?:limited|could only|only able)|we (?:are|were) unable|admittedly)\b",
    re.IGNORECASE,
)
# Said about a limitation, yet no limitation: that it is overcome, denied, of someone else, or only announced.
_NOT_ONE = re.compile(
    r"\b(?:overcome|overcomes|overcoming|address(?:es|ed|ing)?|mitigat\w+|alleviat\w+|circumvent\w*|resolv\w+|remed\w+|"
    r"avoid\w*|tackl\w+|eliminat\w+)"
    r" (?:\w+ ){0,3}(?:limitation|drawback|shortcoming|weakness|issue)|\breject\b|\bnot a (?:limitation|drawback)|"
    r"\bcapabilities and limitations\b|"
    r"\b(?:has|have|had) (?:\w+ )?(?:limitations|drawbacks|caveats)\.?$|\bdoes not (?:suffer|require|rely)|"
    r"\bwithout (?:\w+ )?(?:limitations?|being limited)\b|"
    r"\b(?:baseline|baselines|they|their)\b[^.;]*\b(?:fails?|struggles?|underperforms?|unable)\b",
    re.IGNORECASE,
)
_DEFENCE = re.compile(r"\b(?:intentional|by design|we argue|might seem|may seem|outweighed|nevertheless useful)\b", re.IGNORECASE)
_HEADING = ("limitation", "threats to validity", "caveat", "shortcoming")


def limitations(sentences: tuple[Sentence, ...]) -> tuple[Quote, ...]:
    """Return what speaks against this work, best first; () where the paper says nothing of the kind.

    Sentences under a heading "Limitations" go first, in the order of print. Elsewhere a cue word alone is not enough: the sentence has
    to be about this work (first person, "this work", "our method", "the proposed X", a name that the authors gave), and it counts for
    nothing in an introduction before the contributions or in related work. Future work is no limitation.
    """
    names = own_names(sentences)
    ranked: list[tuple[float, int, Sentence]] = []
    for s in sentences:
        score = _score(s, names)
        if score > 0:
            ranked.append((-score, s.number, s))
    ranked.sort(key=lambda r: r[:2])
    return tuple(Quote(s.page, s.text, (s.number,)) for _, _, s in ranked[:MOST])


def _score(s: Sentence, names: frozenset[str]) -> float:
    """How much a sentence says against this work; 0 where it does not."""
    text = s.text
    if s.role in ("title", "reference", "acknowledgement") or not is_readable(text) or _NOT_ONE.search(text) or about_future(text):
        return 0
    if text.rstrip().endswith((":", "?")) or section_is(s, "related work", "background", "acknowledg"):
        return 0
    if section_is(s, *_HEADING) and s.role not in ("caption", "footnote"):
        if about_prior(text) and not about_own(text, names):
            return 0
        return _under_heading(text, bool(NAMED.search(text) or LIMITED.search(text)), about_own(text, names))
    return _elsewhere(s, names)


def _elsewhere(s: Sentence, names: frozenset[str]) -> float:
    """Without the heading a sentence needs a cue and has to be about this work."""
    text, strong = s.text, bool(_STRONG.search(s.text))
    cue, own = bool(NAMED.search(text) or LIMITED.search(text)), about_own(text, names)
    others = (about_prior(text) and not strong) or citation_led(text)
    early = section_is(s, "introduction", "motivation", "preliminar") and not strong
    problem = s.role == "abstract" and bool(re.search(r"\b(?:however|existing|current)\b", text, re.IGNORECASE))
    if not cue or not own or others or early or problem:
        return 0
    where = 1.5 if section_is(s, "discussion", "conclusion", "concluding") else 0.0
    where -= 1.5 if s.role in ("caption", "footnote", "abstract") else 0.0
    where -= 1.0 if s.role == "appendix" and not section_is(s, "discussion") else 0.0
    named = 3.0 if NAMED.search(text) else 0.0
    return (
        2 + named + 2 * strong + where - 2 * bool(_DEFENCE.search(text)) - 1.0 * bool(re.match(r"(?:This|These|It|They)\b", text))
    )


def _under_heading(text: str, cue: bool, own: bool) -> float:
    """Under the heading every plain sentence counts; what only announces, defends or advises does not."""
    if re.search(r"\b(?:several|some|following|few|number of) (?:\w+ )?limitations\b", text, re.IGNORECASE) or _DEFENCE.search(
        text
    ):
        return 0
    return 20 + 2 * cue - 4 * bool(re.match(r"(?:This|These|It|They|Instead|Such)\b", text)) - 4 * (not cue and not own)
