"""A printed sentence made fit for a post: no citations, no references to figures and sections, no leading connective, no formulas."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["clean", "lowered"]

_REFERS = (
    r"(?:Figs?\.?|Figures?|Tabs?\.?|Tables?|Secs?\.?|Sections?|§|Apps?\.?|Appx\.?|Appendix|Appendices|Eqs?\.?|Eqns?\.?|"
    r"Equations?|Chapter|Supplement\w*|Supp\.?)"
)
_TARGET = (
    rf"(?i:{_REFERS})\s*~?(?:\(?[A-Z]?\.?\d*(?:\.\d+)*[A-Za-z]{{0,2}}\)?(?:\s*(?:,|and|&|[–-])\s*(?:\d+[A-Za-z]?|"
    rf"[A-Z]\b))*)(?:\s*\((?:top|bottom|left|right|middle|center)[^)]*\)|,? (?:top|bottom|left|right)\b)?"
)
_LEAD = re.compile(
    r"^(?:However|Moreover|Furthermore|Hence|Thus|Therefore|Consequently|Additionally|In addition|Besides|Finally|Lastly|"
    r"First(?:ly)?|Second(?:ly)?|"
    r"Third(?:ly)?|Next|Then|Notably|Importantly|Interestingly|Specifically|In particular|In summary|Overall|To summari[sz]e|"
    r"To conclude|In conclusion|"
    r"Nevertheless|Nonetheless|As a result|In other words|Further|Also|Meanwhile|For instance|For example|Prominently|Indeed|"
    r"Accordingly|"
    r"Similarly|Likewise|Intuitively|Formally|Empirically|Perhaps unsurprisingly|Surprisingly|Here|Experimentally|In the end|"
    r"As expected|Note that|"
    r"We (?:also )?note that|It is (?:worth noting|notable|important to note) that|We want to emphasi[sz]e that|In short|"
    r"Remarkably|Crucially|To this end|To do this|To test this|To address this|To achieve this|"
    r"Most importantly|On the one hand|On the other hand|By contrast|In contrast|Conversely|Instead|Lastly|Concretely|That is|"
    r"To be clear|Key (?:finding|result))\s*(?:,|:)?\s+(?=\S)"
)
# "Hence we show" needs no comma; "Then train the model" would lose its order, so these are cut only with one.
_NEEDS_COMMA = re.compile(
    r"^(?:Then|Next|Here|Also|Further|Overall|Finally|Instead|Similarly|Likewise|Indeed|Notably|First|Second|Third|"
    r"That is)\s+(?!we\b|I\b)"
)
_SHOWS = re.compile(
    rf"^(?:As (?:can be )?(?:shown|seen|illustrated|observed|explained|depicted|stated) (?:\w+ ){{0,3}}(?:in|by|from)|In|"
    rf"From)\s+(?:the )?{_TARGET}\s*,\s*|"
    rf"^(?:The )?(?:results (?:in|of) )?{_TARGET}\s+(?:also |clearly |further )?(?:shows?|demonstrates?|illustrates?|reveals?|"
    rf"indicates?|confirms?|suggests?)\s+(?:that\s+)?|"
    rf"^We (?:can )?(?:see|observe) (?:in|from) {_TARGET} that\s+"
)
_INNER = re.compile(
    rf",?\s*\(?\b(?:as|also)?\s*(?:shown|seen|illustrated|displayed|depicted|discussed|explained|described|"
    rf"detailed|reported|given|summari[sz]ed|listed|presented|defined)"
    rf"(?: \w+){{0,3}}? (?:in|by|on) (?:the )?{_TARGET}\)?(?=[,;:)]|\.(?!\d)|$)"
)
_NEEDED = re.compile(r"\b(?:by|from|in|of|to|with|following|see|as in|and|than|like|extends?|use|uses)\s*$", re.IGNORECASE)
_LOST = "\x02"
_EMPTY = re.compile(
    r"\b(?:is|are|was|were|be|can be) (?:also )?(?:shown|displayed|given|reported|found|listed|detailed|summari[sz]ed|"
    r"presented|illustrated|depicted)\s+(?:in|on)\s+(?:the )?$"
)
_FORMULA = re.compile(r"[=∑∏∫∇∈∀∃∝∼|ˆ∥⊂→←·\\{}^†‡§†‡§�]|(?<!\w)_|_(?!\w)|[𝐀-𝟿]|\(\w*[tnkx]\w*[,;]")
_SET_TO = re.compile(r"(?<![\w(])[A-Za-zα-ωΑ-Ω]{1,2} ?= ?\d[\d.]*")  # "at α = 0.01" is plain enough to say


@lru_cache(maxsize=16384)  # each sentence is looked at for many posts
def clean(text: str) -> str:
    """Return the sentence as a post may say it, or "" where nothing whole is left of it.

    Only cuts: no word is changed but the case of the first. Removed: citations and bare years in brackets, "(?)", brackets that point to
    figures, sections and the like, "as shown in Figure 2", a leading "However," and its kin, a footnote's number after the full stop.
    "" where a formula, a pointer or an unclosed bracket would stay behind.
    """
    said = re.sub(r"\s+", " ", text).strip()
    if said.endswith(":"):  # it opens a list or a formula that does not come along
        return ""
    said = re.sub(rf"^{_REFERS}\s*[A-Z]?\.?[\dIVX]+\s*[.:|–—-]\s*", "", said)
    said = re.sub(r"^(?:[•▪◦‣●∙–-]\s+|\(?(?:[A-Za-z]|\d{1,2}|i{1,3}|iv|v)\)\s+(?=[A-Z\"“<>≥≤~]))", "", said)
    said = re.sub(r"^[^:]{3,80}\b(?:as follows|the following)[^:]{0,20}:\s*\(?(?:1|i|a)[.)]\s*(?=[A-Z])", "", said)
    said = _without_brackets(said)
    said = re.sub(r"\s\?+(?=[\s.,;:)])|(?<=[\w”\"])\?{2,}(?=[.,;]|$)", "", said)
    said = _SHOWS.sub("", said)
    said = _INNER.sub("", said)
    said = _at_the_end(said)
    said = re.sub(r"(?<=[a-z][.!])\d{1,2}$", "", said)
    said = re.sub(r"^We (?:then|next|first|finally|now|also) (?=\w)", "We ", said)
    said = re.sub(r"(?<=\w) \([a-h]\)(?= [a-z])", "", said) if re.search(r"\w \(a\) [a-z].* \(b\) [a-z]", said) else said
    said = re.sub(r"\s+([,.;:!?)])", r"\1", re.sub(r"\s+", " ", said)).strip(" ,;")
    said = _without_lead(said)
    if not said or _broken(said):
        return ""
    said = said[0].upper() + said[1:] if not _cased(said) else said
    return said if said.endswith((".", "!", "?")) else said.rstrip(":") + "."


def lowered(text: str, plain: frozenset[str]) -> str:
    """Return the text with a small first letter where its first word is a plain one: one that the paper prints small elsewhere."""
    first = re.match(r"[A-Za-z'’-]+", text)
    return (
        text[0].lower() + text[1:]
        if first and ((first[0].lower() in plain and first[0][1:].islower()) or first[0] == "A")
        else text
    )


def _cased(text: str) -> bool:
    """Whether the first word keeps its own case ("mBERT", "iPhone")."""
    word = text.partition(" ")[0]
    return any(c.isupper() for c in word[1:]) or not word[0].isalpha()


def _without_brackets(text: str) -> str:
    """Cut brackets, innermost first, that hold a citation or point elsewhere in the paper."""

    def kept(m: re.Match[str]) -> str:
        inside = m[2]
        numbers = m[1].strip() == "[" and re.fullmatch(r"\s*\d+(?:\s*[,–-]\s*\d+)*\s*", inside)
        year = bool(re.search(r"\b(?:19|20)\d\d[a-z]?\b", inside))
        cites = bool(re.search(r"\bet al\b", inside)) or (
            year and (bool(re.search(r"[A-Za-z]{2}", inside)) or bool(re.fullmatch(r"[\s\d,;a-z]+", inside)))
        )
        points = re.search(
            rf"(?i:\b{_REFERS})\s*\.?\s*[A-Z]?\.?\d|\b(?i:appendix|app\.|appx\.|supplement)|^\s*(?:top|bottom|left|right|inset|ours|"
            r"black|colou?red|red|blue|green|gr[ae]y|orange|dashed|dotted|solid)\s*$",
            inside,
        )
        if numbers and _NEEDED.search(m.string[: m.start()]):  # "annotated by [37]": without it the words lose their other half
            return _LOST
        if _LOST in inside:
            return ""
        points = points or re.fullmatch(r"\s*\d+[a-h](?:\s*[-–,]\s*\d*[a-h])?\s*", inside)  # "(8a)": a panel
        return "" if numbers or cites or points or re.fullmatch(r"[\s?,;]*", inside) else f"{m[1]}\0{inside}\1"

    pattern = re.compile(r"(\s*[(\[])([^()\[\]\0\1]*)[)\]]")
    closing: dict[str, str] = {"(": ")", "[": "]"}
    for _ in range(4):
        text, n = pattern.subn(kept, text)
        if not n:
            break
    # What stays was masked so that it is not met again: the mask says which closing bracket it had.
    out, stack = [], []
    for i, c in enumerate(text):
        if c == "\0":
            stack.append(closing.get(text[i - 1], ")"))
        elif c == "\1":
            out.append(stack.pop() if stack else ")")
        else:
            out.append(c)
    return "".join(out)


def _at_the_end(text: str) -> str:
    """Cut "in Figure 3" at the end or before a comma, unless the sentence only says where something is shown: then nothing is left."""
    for m in reversed(list(re.finditer(rf"\s(?:in|from|of|on|see|by) (?:the )?{_TARGET}(?=[,;]|\.(?!\d)|\s*$)", text))):
        if _EMPTY.search(text[: m.start()] + " in ") or re.search(r"\b(?:of|by|from)\s*$", m[0].split()[0]):
            return ""
        text = text[: m.start()] + text[m.end() :]
    return text


def _without_lead(text: str) -> str:
    for _ in range(3):
        m = _LEAD.match(text)
        if m is None or (not m[0].rstrip().endswith((",", ":", "that")) and _NEEDS_COMMA.match(text)):
            return text
        text = text[m.end() :]
        text = text[:1].upper() + text[1:]
    return text


def _broken(text: str) -> bool:
    """Whether debris is left: a formula, a pointer, an unclosed bracket or quote, or words that lost their other half."""
    if (
        _LOST in text
        or "…" in text
        or text.count("(") != text.count(")")
        or text.count("[") != text.count("]")
        or len(re.findall('[“”"]', text)) % 2
    ):
        return True
    if (
        re.match(r"(?:[Aa]nd|[Oo]r|[Bb]ut|[Ww]here|[Ww]hich)\b", text)
        or _FORMULA.search(_SET_TO.sub("", text))
        or re.search(rf"\b{_REFERS}\s*~?\(?[A-Z]?\.?\d", text)
    ):
        return True
    if re.search(r"https?:|www\.|github\.|\b(?:Appendix|Appx)\b|\bdef\b|\(\s*\)|\b[Ii]n \([a-z]\)|\s,\s,|[a-z]\d[a-z]{3}", text):
        return True
    return (
        bool(
            re.search(r"\b(?:and|or|of|in|the|a|to|with|by|for|that|see|as|than|(?<!what )(?:is|are|was|were))[.,;]?$|-\.?$", text)
        )
        or len(text.split()) < 3
    )
