"""What headings are called: the names that papers share, their numbers, and which of them begin what is no part of the text."""

from __future__ import annotations

import re

__all__ = ["ACKNOWLEDGEMENT", "APPENDIX", "ASIDE", "KNOWN", "NUMBERED", "REFERENCES", "names_section"]

KNOWN = re.compile(
    r"(?:abstract|introduction|background|related works?|preliminaries|methods?|methodology|approach|experiments?|"
    r"experimental (?:setup|results)|"
    r"evaluation|results?|results and discussion|discussion|conclusions?|concluding remarks|conclusions? and .{3,40}|discussion and .{3,40}|"
    r"limitations?|limitations and .{3,40}|ethics statement|ethical considerations|broader impacts?(?: statement)?|impact statement|"
    r"reproducibility statement|acknowledge?ments?(?: and .{3,60})?|references|bibliography|literature cited|works cited|"
    r"appendix|appendices|supplementary materials?|supplemental materials?|supporting information|author contributions|funding|"
    r"data availability(?: statement)?|code availability|competing interests|declarations|keywords|ccs concepts|contents|future work|"
    r"neurips paper checklist|checklist)",
    re.I,
)
NUMBERED = re.compile(
    r"^(?:(?:\d{1,2}|[A-Z])(?:\.\d{1,2}){0,3}\.?|[IVX]{1,5}\.|(?:Appendix|Section|APPENDIX) [A-Z\d]{1,3}[.:]?)\s+(?=[^\W\d_])"
)
REFERENCES = re.compile(r"(?:references(?: and notes)?|bibliography|literature cited|works cited|literature)$", re.I)
ACKNOWLEDGEMENT = re.compile(r"acknowledge?ments?\b|author contributions|funding|disclosure of funding|competing interests", re.I)
APPENDIX = re.compile(
    r"append(?:ix|ices)\b|supplement(?:ary|al)\b|supporting information|technical appendi|(?:neurips )?(?:paper )?checklist\b", re.I
)
ASIDE = re.compile(
    r"(?:key ?words?|index terms|ccs concepts|acm reference format|general terms|contents|table of contents)\b", re.I
)


def names_section(text: str) -> bool:
    """Return whether a text is a common heading, with or without its number."""
    return KNOWN.fullmatch(NUMBERED.sub("", text.strip()).rstrip(".:").lower()) is not None
