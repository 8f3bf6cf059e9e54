"""Words that tell whose work a sentence is about, and what it does: own, prior, future, set-up, or a claim."""

from __future__ import annotations

import re

from breadth.announce.source import Sentence

__all__ = [
    "about_future",
    "about_own",
    "about_prior",
    "citation_led",
    "introduces",
    "is_claim",
    "is_readable",
    "own_names",
    "section_is",
    "set_up",
]

_THING = r"(?:paper|work|study|report|article|thesis|survey|analysis)"
OWN = re.compile(
    rf"\b(?:[Ww]e|[Oo]urs?|[Uu]s)\b|\b[Tt]his {_THING}\b|\b[Tt]he (?:proposed|presented) \w+|\b[Tt]he (?:current|"
    rf"present) {_THING}\b"
)
_WHOSE = (
    r"(?:previous|prior|existing|recent|earlier|past|other|related|many|concurrent|several|traditional|current|classical|"
    r"most|these)"
)
_WHAT = (
    r"(?:works?|stud(?:y|ies)|papers?|methods?|approaches|research|efforts?|authors|literature|applications|algorithms|frameworks|"
    r"models|techniques|researchers|trends|attempts)"
)
PRIOR = re.compile(rf"\b{_WHOSE} (?:[\w-]+ ){{0,2}}{_WHAT}\b|\bcritics\b|\bpreviously\b", re.IGNORECASE)
CITED_SUBJECT = re.compile(r"^[A-Z][\w'’-]+(?: (?:and|&) [A-Z][\w'’-]+| et al\.?)\s*[(\[]")
FUTURE = re.compile(
    r"\bfuture (?:\w+ )?(?:work|research|stud(?:y|ies)|directions?|extensions?|investigations?|efforts?)\b|\bin (?:the )?future\b|"
    r"\b[Ww]e (?:plan|hope|leave|intend|anticipate|recommend|encourage|highly recommend)\b|\bwill (?:also )?be (?:further|"
    r"continuously|explored)\b|"
    r"\bwill (?:explore|investigate|extend|address|study)\b|\bleft (?:for|to)\b|\bcould (?:focus|be extended|explore)\b|"
    r"\bnext steps?\b"
)
SETUP = re.compile(
    r"\b(?:hyper-?parameters?|learning rate|batch[ _-]size|optimi[sz]er|warm-?up|random seeds? (?:are|is|were|was)|temperature|"
    r"tokenizer|"
    r"implemented in|is set to|are set to|was set to|we set|we added|we use[d]?|we train(?:ed)?\b(?! \w+ and)|we chose|we select(?:ed)?|"
    r"we adopt(?:ed)?|"
    r"we follow(?:ed)?|consists? of|is divided|are sampled|were sampled|is trained (?:for|on)|are trained (?:for|on)|GPUs?|"
    r"splits?)\b",
    re.IGNORECASE,
)
_CLAIM = (
    r"find|found|show|showed|shown|demonstrate[sd]?|observe[d]?|notice[d]?|reveal[s]?|outperform(?:s|ed|ing)?|achieve[sd]?|improve[sd]?|"
    r"obtain(?:s|ed)?|"
    r"confirm(?:s|ed)?|discover(?:ed)?|conclude[d]?|suggest[s]?|indicate[s]?|lead[s]? to|increase[sd]?|decrease[sd]?|"
    r"reduce[sd]?|exceed[s]?|"
    r"surpass(?:es)?|beat[s]?|match(?:es|ed)?|recover(?:s|ed)?|falls?|rises?|higher|lower|better|worse|best|faster|slower|fewer|"
    r"comparable|competitive|helps?|consistent(?:ly)?|significant(?:ly)?|disappear[s]?|evaporate[s]?|vanish(?:es)?|diminish(?:es)?|"
    r"correlate[sd]?|yield[s]?"
)
CLAIM = re.compile(rf"\b(?:{_CLAIM})\b", re.IGNORECASE)
INTRODUCES = re.compile(
    r"\b[Ww]e (?:\w+ ){0,2}?(?:propose|introduce|present|develop|construct|build|design|derive|formali[sz]e|release|provide|"
    r"describe|create|"
    r"evaluate|test|study|analy[sz]e|investigate|examine|compare|explore|explored|aim to|call into question|show|demonstrate|"
    r"find|discover|"
    r"prove|establish|characteri[sz]e|quantify|measure|benchmark|pretrain|train|place|address|identify|report|offer|contribute)\b|"
    rf"\b[Tt]his {_THING} (?:introduces|proposes|presents|describes|studies|investigates|provides|offers|shows|examines|"
    rf"addresses|develops)\b|"
    r"\b[Oo]ur (?:\w+ ){0,2}?(?:approach|method|framework|algorithm|model|system|metric|benchmark|dataset) (?:\w+ )?(?:is|"
    r"involves|has|uses|"
    r"consists|combines|builds|learns|achieves)\b|\b(?:is|are) (?:proposed|introduced|presented|developed)\b"
)
_NAMED = re.compile(
    r"(?:we (?:call|term|name|dub|refer to (?:it|this|the \w+) as)|(?:called|named|dubbed|termed)|henceforth|"
    r"model as)\s+(?:the |it |as )?"
    r"(?P<name>(?:[A-Z][\w-]*\s?){1,6})(?:\((?P<short>[A-Z][\w+-]+)\))?"
)
_PROPOSED = re.compile(
    r"\b(?:propose|introduce|present|construct|develop|release|build)\b(?:[^.]{0,120}?\((?P<short>[A-Z][\w+-]{2,})\)|"
    r" (?:the )?(?P<plain>[A-Z][\w+-]{2,})(?:,|:| is\b|\.$))"
)
_GLYPHS = re.compile(r"[=∑∏∫∇∈∀∃∝∼~|ˆ∥⊂→←·\\{}<>]|(?<!\w)_|_(?!\w)")
_WORD = re.compile(r"[A-Za-z]{2,}")


def about_own(text: str, names: frozenset[str] = frozenset()) -> bool:
    """Return whether the authors speak of their own work: first person, "this paper", or a name that they gave it."""
    return bool(OWN.search(text)) or any(re.search(rf"(?<![\w-]){re.escape(n)}(?![\w-])", text) for n in names)


def citation_led(text: str) -> bool:
    """Return whether a cited author is the subject ("Wang et al. (2022) showed ...")."""
    return bool(CITED_SUBJECT.match(text))


def about_prior(text: str) -> bool:
    """Return whether a sentence speaks of others' work, named or cited as its subject."""
    return bool(PRIOR.search(text)) or citation_led(text)


def about_future(text: str) -> bool:
    """Return whether a sentence says what may come, which is no limitation and no result."""
    return bool(FUTURE.search(text))


def set_up(text: str) -> bool:
    """Return whether a sentence tells how something was run rather than what came out."""
    return bool(SETUP.search(text))


def is_claim(text: str) -> bool:
    """Return whether a sentence holds a word of finding or comparing."""
    return bool(CLAIM.search(text))


def introduces(text: str) -> bool:
    """Return whether the authors say what they did or made."""
    return bool(INTRODUCES.search(text))


def is_readable(text: str, *, longest: int = 600) -> bool:
    """Return whether it is a sentence for people: words rather than cells of a table, labels of axes or formulas."""
    tokens = text.split()
    if not len(tokens) >= 4 or len(text) > longest:
        return False
    words = sum(bool(_WORD.search(t)) for t in tokens)
    whole = text[0].isupper() and text.endswith(".")  # "The R2 is high, with values 0.952 and 0.898."
    return words >= (0.65 if whole else 0.7) * len(tokens) and len(_GLYPHS.findall(text)) <= max(2, len(text) // 60)


def section_is(sentence: Sentence, *names: str) -> bool:
    """Return whether the heading above a sentence holds one of ``names`` (lower case, as the start of a word)."""
    heading = sentence.section.lower()
    return any(re.search(rf"\b{re.escape(n)}", heading) for n in names)


def own_names(sentences: tuple[Sentence, ...]) -> frozenset[str]:
    """Return the names that the authors give to what they made ("which we call X", "we propose ... (X)")."""
    found: set[str] = set()
    for s in sentences:
        if s.role in ("reference", "acknowledgement"):
            continue
        if s.role == "title" and (head := re.match(r"([A-Z][\w+-]+): ", s.text)):
            found.add(head[1])
        for m in _PROPOSED.finditer(s.text):
            if OWN.search(s.text):
                found.add(m["short"] or m["plain"])
        for m in _NAMED.finditer(s.text):
            found.update(n for n in (m["short"], m["name"].strip() if m["short"] is None else None) if n and len(n) > 2)
    return frozenset(found)
