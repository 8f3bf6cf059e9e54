"""K1 and K2: each address is one of the source or the facts, byte for byte; tags are few, handles only the author's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from breadth.announce.check.case import Case, View
from breadth.announce.check.words import URL
from breadth.announce.thread import Problem
from breadth.errors import did_you_mean

__all__ = ["k1_links", "k2_tags"]

_ARXIV = re.compile(r"arxiv\.org/(?:abs|pdf|html)/(\d{4}\.\d{4,5})", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"X{3,}|x{4,}|<[^>]*>|\{[^}]*\}|\bexample\.(?:com|org)\b|your[-_]|\bTBD\b|TODO", re.ASCII)
_TAG = re.compile(r"(?<![\w&/])#(\w+)")
_HANDLE = re.compile(r"(?<![\w@/.])@([\w][\w.-]*(?:@[\w.-]+)?)")
_TAGS = 3
_DOMAIN = re.compile(
    r"""(?<![\w@/.:#-])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:com|org|net|edu|gov|io|ai|ly|dev|app|co|me|gg|xyz|info|sh|to|tv|page|site|tech
    |eu|de|fr|uk|ch|at|it|es|nl|ca|cn|jp|kr|in|us)(?:/[^\s<>"]*)?(?![\w-])(?!\.\w)""",
    re.VERBOSE | re.IGNORECASE,
)
_MAIL = re.compile(r"(?<![\w@/.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def k1_links(case: Case) -> Iterator[Problem]:
    """K1: an address is one that the source links or the facts give, whole and unescaped; an arXiv number of another paper is told."""
    s, f = case.source, case.facts
    known = [*f.urls, f.paper_url, f.code_url, s.paper_url, s.code_url, *(link.url for link in s.links)]
    allowed = {u for u in known if u}
    own = _arxiv(f.paper_url) or _arxiv(s.paper_url)
    for view in case.views:
        yield from _without_scheme(case, view, allowed)
        for url in _urls(view):
            yield from _judge(case, view, url, allowed)
            theirs = _arxiv(url)
            if theirs and own and theirs != own:
                yield case.problem(
                    "K1", "warning", view.n, f"links arXiv {theirs}; this paper is arXiv {own}: change it if it should be this one"
                )
            elif theirs and not own and url not in allowed:
                yield case.problem(
                    "K1",
                    "warning",
                    view.n,
                    f"links arXiv {theirs}, and the source does not say which arXiv number is its own: check it",
                )


def _without_scheme(case: Case, view: View, allowed: set[str]) -> Iterator[Problem]:
    """Addresses that platforms make links of though they begin without https://, and e-mail addresses."""
    text = re.sub(r"\[FILL:[^\]\n]*\]", " ", URL.sub(" ", view.post.text))
    known = {re.sub(r"^https?://(?:www\.)?", "", u).rstrip("/").casefold() for u in allowed}
    words = " \n ".join([case.given, *(s.text for s in case.source.sentences)]).casefold()
    for pattern, what in ((_DOMAIN, "address"), (_MAIL, "e-mail address")):
        for found in pattern.findall(text):
            bare = found.rstrip(".,;:!?)'\"*/").casefold()
            if bare not in known and bare not in words:
                why = (
                    f"the {what} '{found}' is neither in the source nor in the facts; leave it out, or add it to urls in the facts"
                )
                yield case.problem("K1", "error", view.n, why)


def _judge(case: Case, view: View, url: str, allowed: set[str]) -> Iterator[Problem]:
    bare = url.rstrip(".,;:!?)'\"*")
    if "\\" in url:
        why = f"the address '{url}' holds a backslash, which breaks it: write '{url.replace(chr(92), '')}'"
    elif _PLACEHOLDER.search(url) and url not in {u for u in (case.facts.paper_url, case.facts.code_url, *case.facts.urls) if u}:
        why = f"the address '{url}' is a placeholder: give the real one"
    elif url in allowed:
        return
    elif bare in allowed:
        why = f"the address '{url}' ends in punctuation, which breaks it: write '{bare}' and a space"
    else:
        near = did_you_mean(bare, sorted(allowed))
        why = f"the address '{url}' is neither linked in the source nor in the facts{near}; if it is right, add it to urls in the facts"
    yield case.problem("K1", "error", view.n, why)


def _urls(view: View) -> list[str]:
    """The addresses of a post; a closing bracket that opens before the address is not part of it."""
    text = re.sub(r"\[FILL:[^\]\n]*\]", " ", view.post.text)
    return [
        u[:-1] if u.endswith(")") and u.count("(") < u.count(")") and text[max(0, text.find(u) - 1)] == "(" else u
        for u in URL.findall(text)
    ]


def _arxiv(url: str | None) -> str | None:
    found = _ARXIV.search(url or "")
    return found[1] if found else None


def k2_tags(case: Case) -> Iterator[Problem]:
    """K2: at most three hashtags a post, the year in one is that of the venue, and handles are those of the facts, credits included."""
    venue = case.facts.venue or case.source.venue or ""
    years = set(re.findall(r"\b(?:19|20|21)\d\d\b", venue))
    mine = {t.lstrip("#") for t in case.facts.hashtags}
    handles = {h.lstrip("@") for h in case.facts.handles.values()}
    handles |= {h.rstrip(".-") for h in _HANDLE.findall(case.facts.credits or "")}
    for view in case.views:
        text = URL.sub(" ", view.post.text)
        tags = _TAG.findall(text)
        if len(tags) > _TAGS:
            yield case.problem("K2", "warning", view.n, f"has {len(tags)} hashtags; {_TAGS} are enough")
        for tag in tags:
            dated = re.fullmatch(r"(\D+)((?:19|20|21)\d\d)", tag)
            if not dated or tag in mine:
                continue
            if years and dated[2] not in years:
                yield case.problem("K2", "error", view.n, f"the hashtag '#{tag}' has another year than the venue, '{venue}'")
            elif dated[1].casefold() not in venue.casefold():
                yield case.problem(
                    "K2",
                    "warning",
                    view.n,
                    f"the hashtag '#{tag}' names a venue that neither the source nor the facts give: set venue",
                )
        for handle in _HANDLE.findall(text):
            if handle.rstrip(".-") not in handles:
                sure = bool(handles) or case.written
                near = did_you_mean(f"@{handle}", sorted(f"@{h}" for h in handles))
                yield case.problem(
                    "K2",
                    "error" if sure else "warning",
                    view.n,
                    f"the handle '@{handle}' is not in the facts{near}; only the author knows handles",
                )
