"""Abbreviations written out where a thread uses them first, in the words with which the paper introduces them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from breadth.announce.source import Quote, Source
from breadth.announce.write.planned import Planned

__all__ = ["introduced", "written_out"]

_GIVEN = re.compile(r"(?P<words>(?:[A-Za-z][\w’'-]*\s+){1,8})\((?P<short>[A-Z][A-Za-z-]{1,8}?)s?\)")
_KNOWN = frozenset(
    ["AI", "API", "BERT", "CNN", "CPU", "GPT", "GPU", "LLM", "LM", "ML", "NLP", "PCA", "PDF", "RL", "RNN", "SGD", "SVM"]
)


def introduced(source: Source) -> dict[str, tuple[str, Quote]]:
    """Return each abbreviation with its words and the sentence that introduces it: "Chain-of-Thought (CoT)"."""
    found: dict[str, tuple[str, Quote]] = {}
    for s in source.sentences:
        for m in _GIVEN.finditer(s.text) if s.role not in ("reference", "title") else ():
            words = _spelled(m["words"].split(), m["short"])
            if words:
                found.setdefault(m["short"], (words, Quote(s.page, s.text, (s.number,))))
    return found


def _spelled(words: list[str], short: str) -> str:
    """The last words whose parts begin with the letters of the abbreviation, "" where there are none."""
    letters = re.sub(r"[^a-z]", "", short.lower())
    for n in range(1, len(words) + 1):
        initials = "".join(part[0] for w in words[-n:] for part in re.split(r"[-–]", w.lower()) if part)
        if initials == letters:
            return " ".join(words[-n:])
    return ""


def written_out(posts: list[Planned], source: Source, title: str, length: Callable[[str], int], room: int) -> list[Planned]:
    """Return the posts with each abbreviation's words at its first use, where there is room; those that everyone knows stay."""
    given = {k: v for k, v in introduced(source).items() if k not in _KNOWN and not re.search(rf"\b{re.escape(k)}", title)}
    made: list[Planned] = []
    for post in posts:
        text, evidence = post.text, post.evidence
        for short, (words, quote) in list(given.items()):
            m = re.search(rf"(?<![\w(-]){re.escape(short)}(?P<s>s?)(?![\w-])", text)
            if m is None:
                if f"({short}" in text:
                    del given[short]
                continue
            del given[short]
            several = m["s"] if not words.endswith("s") else ""
            full = f"{text[: m.start()]}{words}{several} ({m[0]}){text[m.end() :]}"
            if f"({short}" not in text and words.casefold() not in text.casefold() and length(full) <= room:
                opening = not text[: m.start()].strip() or text[: m.start()].rstrip().endswith((".", "!", "?"))
                text = full[: m.start()] + (words[0].upper() if opening else words[0]) + full[m.start() + 1 :]
                evidence = (*evidence, quote)
        made.append(replace(post, text=text, evidence=evidence))
    return made
