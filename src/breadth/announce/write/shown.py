"""Figures and tables: which matter most, what can be said of each in its own words, and the text for who cannot see it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from breadth.announce.read.cues import about_prior, is_claim, section_is, set_up
from breadth.announce.source import Item, Quote, Sentence, Source
from breadth.announce.thread import Picture
from breadth.announce.write.adverse import taken_back
from breadth.announce.write.clean import clean
from breadth.announce.write.piece import ANY, Piece, overlap, piece_of, sentences_in
from breadth.announce.write.verbs import finite

__all__ = [
    "ALT",
    "READING",
    "VALUE",
    "caption_quotes",
    "continued",
    "importance",
    "is_set_up",
    "picture",
    "related",
    "sayings",
    "unlabelled",
]

ALT = 1000
REACH = 6  # sentences that a pointer to a figure opens
STUDY = 12.0  # what a study's finding is worth with the picture that it is drawn in
NEXT = 1.0  # what it counts that a sentence stands right behind one that cites the picture
TAKEN_BACK = 4.0  # how much less a sentence is worth that the next one takes back
MAIN = 1.5  # what it counts that a sentence is among the paper's main results
LONG = 200  # characters above which a heading needs no more
LEAST = -1.0  # worth below which a sentence only tells how to read a picture
_SETUP = re.compile(
    r"\b(?:hyper-?parameters?|configurations?|statistics|language codes?|notations?|definitions?|pseudo-?code|abbreviations?|"
    r"list of|glossary|"
    r"symbols|licen[cs]es?|training loss curve|search space|prompts? (?:template|used))\b",
    re.IGNORECASE,
)
_OVERVIEW = re.compile(
    r"\b(?:overview|framework|pipeline|process of|architecture|illustration|visuali[sz]ation of|schematic|our (?:method|"
    r"approach))\b",
    re.IGNORECASE,
)
_MAIN = re.compile(
    r"\b(?:main|results?|accurac\w+|performance|comparison|leaderboard|scores?|outperforms?|better|higher|evaluation)\b",
    re.IGNORECASE,
)
VALUE = re.compile(
    r"\d\s?%|(?<![A-Za-z\d.-])\d+\.\d|\d\s?[×x]\b|\btimes (?:higher|lower|more|faster|greater|smaller|larger|fewer|as)\b|"
    r"\bat most \d|\d+ out of \d+"
)
READING = re.compile(  # how to read the picture, not what it says
    r"\b(?:(?:red|blue|green|dashed|dotted|solid|shaded|black|gray|grey|orange|colou?red?)\b.{0,40}\b(?:lines?|curves?|areas?|"
    r"regions?|bars?|cells?|points?)?\b(?:denotes?|indicates?|represents?|shows?|depicts?|illustrates?)|"
    r"error bars|bold(?:face)?|underlined?|italics?|asterisks?|"
    r"legends?|axis|axes|cells? (?:in|colou?rs?)|standard (?:deviation|error)|shaded|refer to|stands for|note the|"
    r"denotes?|samples are|mapping of|see |prompt types:|averaged over \d)\b",
    re.IGNORECASE,
)
_POINTER = re.compile(
    r"^(?:(?:The )?(?:Fig(?:ure)?|Tab(?:le)?)s?\.?\s*[A-Z]?\d+\w?\s*(?:\([^)]*\)\s*)?(?:also )?(?:shows?|lists?|reports?|"
    r"provides?|presents?|"
    r"summari[sz]es?|gives?|displays?|plots?|depicts?|demonstrates?|illustrates?|compares?|contains?)\b)|"
    r"\b(?:displayed|shown|plotted|depicted|visuali[sz]ed|given|reported|listed|summari[sz]ed) (?:in|by) (?:Fig(?:ure)?|"
    r"Tab(?:le)?)\.?\s*\d+\w?\.$",
    re.IGNORECASE,
)
_RUN = re.compile(
    r"\b(?:is|are|was|were) (?:also )?(?:evaluated|measured|computed|trained|conducted|performed|sampled|plotted|obtained from)\b"
)
_DRAWN = re.compile(
    r"^[Ww]e (?:show|provide|report|list|present|refer)\b(?! that)|\b[Ww]e (?:plot(?:ted)?|visuali[sz]ed?|display(?:ed)?|"
    r"list(?:ed)?)\b|^(?:To|In order to)\b"
)
_LABEL = re.compile(r"\b(?:fig(?:ure)?|tab(?:le)?)s?\.?\s*\d", re.IGNORECASE)
_KINDS = (
    (r"\b(?:pipeline|overview|architecture|diagram|framework|schematic|process of)\b", "diagram"),
    (r"\b(?:histograms?)\b", "histogram"),
    (r"\b(?:heat ?maps?|confusion matri)", "heat map"),
    (r"\b(?:scatter)", "scatter plot"),
    (r"\b(?:bar (?:chart|plot|graph)s?)\b", "bar chart"),
    (r"\b(?:curves?|lines? denote|lines? show)\b", "line plot"),
)


def is_set_up(item: Item) -> bool:
    """Return whether it lists what something was run with, or how a thing is defined, rather than what came out."""
    return bool(_SETUP.search(item.caption)) and not is_claim(item.caption)


def importance(item: Item, source: Source) -> float:
    """Return how much a reader would miss the item: cited often, in results, a finding in its caption, an overview, the main results."""
    cites = [source.sentence(n) for n in item.cited_by]
    score = min(len(cites), 4) * 0.7
    score += 2.0 * any(section_is(s, "result", "experiment", "evaluation", "abstract", "introduction", "analys") for s in cites)
    score += 2.5 * any(finite(clean(q.text)) and is_claim(q.text) for q in caption_quotes(item, source))
    score += 2.0 * bool(_OVERVIEW.search(item.caption)) + 2.0 * bool(_MAIN.search(item.caption)) + 1.0 * (item.page <= 2)
    score += (STUDY if item.cited_by else -STUDY) * (item.file is not None)
    score -= 4.0 * is_set_up(item) + 20.0 * item.appendix
    return score


def caption_quotes(item: Item, source: Source) -> tuple[Quote, ...]:
    """Return the caption's sentences in their order, as evidence: those of the source where they are there, else split from the caption."""
    caption = _squeezed(unlabelled(item.caption))
    known = [
        s
        for s in source.sentences
        if s.role == "caption" and s.page == item.page and len(s.text) > 12 and _squeezed(unlabelled(s.text)) in caption
    ]
    if known:
        return tuple(q for s in known for q in sentences_in(source, Quote(s.page, s.text, (s.number,))))
    parts = re.split(r"(?<=[a-z)\]%][.!])\s+(?=[A-Z“\"(])", item.caption)
    return tuple(Quote(item.page, p.strip()) for p in parts if p.strip())


def _squeezed(text: str) -> str:
    return re.sub(r"\W+", "", text)


def sayings(item: Item, source: Source, length: Callable[[str], int], room: int) -> tuple[Piece, ...]:
    """Return what may be said with the picture, best first: from its caption or from a sentence that cites it, nothing else."""
    found: list[tuple[float, int, Piece]] = []
    captions = caption_quotes(item, source)
    main = {n for q in source.results[:12] for n in q.sentences}
    quotes = [(q, True) for q in captions] + [(Quote(s.page, s.text, (s.number,)), False) for s in _about(item, source)]
    for at, (quote, own) in enumerate(quotes):
        piece = piece_of(quote, length, room, plain=True)
        worth = LEAST if piece is None else STUDY if quote.page is None and not own else _worth(piece.text, quote.text, own, at)
        if piece is not None and worth > LEAST:
            worth += 0.0 if own else MAIN * bool(set(quote.sentences) & main) + NEXT * (quote.sentences[0] - 1 in item.cited_by)
            worth -= TAKEN_BACK * (taken_back(source, quote) is not None)
            found.append((-worth, at, replace(piece, worth=worth)))
    if not found and captions:  # a bare heading, where nothing better can be said
        heading = clean(captions[0].text)
        found += [(0.0, 0, Piece(heading, captions[0]))] if heading and length(heading) <= room else []
    found.sort(key=lambda f: f[:2])
    return tuple(p for _, _, p in found)


def continued(piece: Piece, item: Item, source: Source, length: Callable[[str], int], room: int) -> list[Piece]:
    """Return a caption's heading with the sentences of the caption right after it, as far as they fit and tell what is to be seen."""
    captions = caption_quotes(item, source)
    if finite(piece.text) or not captions or piece.quote != captions[0]:
        return [piece]
    pieces = [piece]
    for quote in captions[1:]:
        text = " ".join(p.text for p in pieces)
        more = piece_of(quote, length, room - length(text) - 1, leaning=ANY)
        if more is None or READING.search(more.text) or not finite(more.text) or len(f"{text} {more.text}") > LONG:
            break
        pieces.append(more)
    return pieces


def _about(item: Item, source: Source) -> list[Sentence]:
    """Sentences that cite an item; after one that only points at it ("Table 4 shows the scores.") also those that claim something
    or hold numbers, up to the end of the section or the next figure."""
    found: list[Sentence] = []
    for n in item.cited_by:
        s = source.sentence(n)
        if s.role in ("reference", "caption"):
            continue
        found.append(s)
        for x in source.sentences[n : n + REACH] if _POINTER.search(s.text) else ():
            if (x.section, x.role) != (s.section, s.role) or x.number in item.cited_by or _LABEL.search(x.text):
                break
            if VALUE.search(x.text) or is_claim(x.text):
                found.append(x)
    return list(dict.fromkeys(found))


def _worth(text: str, printed: str, own: bool, at: int) -> float:
    verb, claim = finite(text), is_claim(text)
    worth = 3.0 * verb + 2.0 * (verb and claim) + 1.0 * (verb and bool(VALUE.search(text)))
    worth += 3.0 * (own and at == 0 and verb) + 1.5 * (own and at == 0) + 0.5 * own
    worth -= (
        2.0 * (len(text) < 40 and verb)
        + 5.0 * bool(READING.search(text))
        + 1.0 * (len(text) > 200)
        + 2.0 * (not own and about_prior(text))
    )
    worth -= 2.0 * set_up(text) + 2.0 * bool(_RUN.search(text)) + 1.0 * ("et al" in text)
    worth -= 1.5 * bool(re.match(r"(?:Top|Bottom|Left|Right|Middle|Center)\b|[A-Z][\w ]+ = ", text)) + 1.5 * bool(
        re.match(r"(?:If|Suppose|Let|Given)\b", text)
    )
    worth -= 3.0 * bool(_DRAWN.search(text))
    return worth - 2.0 * (bool(_POINTER.match(printed)) and not claim)


def related(a: Item, b: Item, source: Source) -> float:
    """Return how well two may share a post: 0 not at all, above 1 well. By their captions' words, their place and who cites them."""
    if a.label.split()[0] != b.label.split()[0] or abs(a.page - b.page) > 2:
        return 0.0
    close = abs(_number(a) - _number(b)) == 1
    same = overlap(unlabelled(a.caption), unlabelled(b.caption))
    together = bool(set(a.cited_by) & set(b.cited_by))
    sections = {source.sentence(n).section for n in a.cited_by} & {source.sentence(n).section for n in b.cited_by}
    return 1.5 * same + 0.6 * close + 0.5 * together + 0.4 * bool(sections) if close or same > 0.5 else 0.0


def unlabelled(caption: str) -> str:
    """Return a caption without its label ("Figure 2: ")."""
    return re.sub(r"^\s*(?:Fig(?:ure)?|Tab(?:le)?)\.?\s*[A-Z]?[\dIVXivx]+\s*[.:|–—-]?\s*", "", caption, flags=re.IGNORECASE)


def _number(item: Item) -> int:
    digits = re.search(r"\d+", item.label)
    return int(digits[0]) if digits else -9


def picture(item: Item) -> Picture:
    """Return the picture's file name and its text for who cannot see it: what kind it is, then what the caption says, nothing else."""
    stem = re.sub(r"[^a-z0-9]+", "-", item.label.lower()).strip("-")
    kind = next((k for pattern, k in _KINDS if re.search(pattern, item.caption, re.IGNORECASE)), "")
    head = (
        f"{item.label} of the paper" + (f", a {kind}" if kind and item.label.startswith("Figure") else "")
        if item.file is None
        else item.label
    )
    alt = f"{head}: {unlabelled(item.caption).strip() or 'no caption is printed'}"
    if len(alt) > ALT:
        cut = alt[: ALT - 1]
        end = max(cut.rfind(". "), cut.rfind("; "))
        alt = cut[: end + 1] if end > ALT // 2 else cut[: cut.rfind(" ")] + "…"
    return Picture(f"figures/{stem}.png", re.sub(r"\s+", " ", alt))
