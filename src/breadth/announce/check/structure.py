"""T1-T5, T7 and L1, L2: number and order of the posts, what each must hold, how long it may be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import PurePosixPath

from breadth.announce.check.case import Case, Claim, View, clipped
from breadth.announce.check.length import LIMITS, PROSE, prose_length, too_long
from breadth.announce.check.words import GREETING, NUMBERING, URL, content, plain
from breadth.announce.thread import FURTHER, Problem

__all__ = [
    "l1_length",
    "t1_numbering",
    "t2_title",
    "t3_code",
    "t4_limitation",
    "t5_parts",
    "t7_files",
]

_REPOSITORY = re.compile(r"https?://(?:www\.)?(?:github|gitlab|bitbucket|codeberg|huggingface|zenodo|osf)\.", re.IGNORECASE)
_LIMITATION = re.compile(
    r"\blimit(?:ation|ations|ed)\b|\bcaveat|\bshortcoming|\bweakness|\bdrawback|\bonly (?:evaluate|test|consider|stud)",
    re.IGNORECASE,
)
_THANKS = re.compile(r"\b(?:thank|thanks|grateful|acknowledg\w+|credits?|shout-?out)\b", re.IGNORECASE)
_ORDER = ("title", "code", "context", "contribution", "item", "result", "implication", "limitation", "credits")
_OWN = 0.7  # share of a claim's words that its sentence of the source has in the same order, from which it is the source's own
_MOVES_FREELY = ("context", "item", "result")


def t1_numbering(case: Case) -> Iterator[Problem]:
    """T1: as many posts as were asked for, or fewer with the reason among what was left out; n/N as last lines, n from 1 to N."""
    count = len(case.views)
    if not case.least <= count <= case.most:
        said = f"the thread has {count} posts; {case.least} to {case.most} are wanted"
        why = dict(case.thread.left_out).get(FURTHER) if count < case.least else None
        yield case.problem("T1", "warning" if why else "error", None, f"{said}, but {why}" if why else said)
    for view in case.views:
        last = view.post.text.rstrip().rpartition("\n")[2].strip()
        wanted = f"{view.n}/{count}"
        if last != wanted:
            shown = f"'{clipped(last, 60)}'" if NUMBERING.fullmatch(last) else "no number"
            yield case.problem("T1", "error", view.n, f"its last line must be '{wanted}'; it has {shown}")
        inside = [m[0] for m in re.finditer(r"^\d+/\d+$", view.post.text.rstrip().rpartition("\n")[0], re.MULTILINE)]
        if inside:
            yield case.problem(
                "T1", "error", view.n, f"holds the number '{inside[0]}' once more: keep only its last line '{wanted}'"
            )


def t2_title(case: Case) -> Iterator[Problem]:
    """T2: the first post has the exact title, the paper's address, and one finding in plain words."""
    if not case.views:
        return
    view = case.views[0]
    text = plain(view.post.text.replace("**", ""))
    title = plain(case.facts.title or case.source.title)
    if title not in text:
        small = title.casefold() in text.casefold()
        yield case.problem(
            "T2",
            "warning" if small else "error",
            1,
            f"writes the title with other capitals; the source has '{title}'"
            if small
            else f"does not hold the title; it is '{title}'",
        )
    address = case.facts.paper_url or case.source.paper_url
    if address and address not in view.post.text:
        yield case.problem("T2", "warning", 1, f"does not link the paper: add {address}")
    elif not address and not URL.search(view.post.text) and "[FILL: paper" not in view.post.text:
        yield case.problem("T2", "warning", 1, "links no paper: give paper_url in the facts")
    if not any(len(c.stems) >= 3 and not GREETING.search(c.text) for c in view.claims):
        yield case.problem("T2", "warning", 1, "tells no finding: add one in plain words")


def t3_code(case: Case) -> Iterator[Problem]:
    """T3: the second post links the code, or says that its address is to be filled in, unless the facts say that there is none."""
    if case.facts.no_code:
        return
    known = case.facts.code_url or case.source.code_url
    links = case.source.links
    others = {x.url for x in links if x.in_references} - {x.url for x in links if not x.in_references} - set(case.facts.urls)
    holding = [v.n for v in case.views if _links_code(v, known, others)]
    if 2 in holding:
        return
    wanted = known or "[FILL: code url]"
    if holding:
        yield case.problem("T3", "error", holding[0], f"links the code ({wanted}), which belongs into post 2")
    else:
        yield case.problem(
            "T3",
            "error",
            2 if len(case.views) > 1 else None,
            f"the second post links no code: add {wanted}, or say that there is none",
        )


def _links_code(view: View, known: str | None, others: set[str]) -> bool:
    """Whether a post links the code: the known address, or, where none is known, a repository that the paper does not only cite."""
    urls = [u.rstrip(".,;:)") for u in URL.findall(view.post.text)]
    if known:
        return known in urls or any(u.startswith((known + "/", known + "#")) for u in urls)
    return "[FILL: code" in view.post.text or any(_REPOSITORY.match(u) for u in urls if u not in others)


def t4_limitation(case: Case) -> Iterator[Problem]:
    """T4: a post states a limitation; it is the last one, or the one before thanks."""
    stated = [v.n for v in case.views if is_limitation(v)]
    count = len(case.views)
    if not stated:
        yield case.problem("T4", "error", None, "no post states a limitation of the work: add one, or [FILL: limitation]")
        return
    thanks = bool(case.views) and (case.views[-1].post.role == "credits" or bool(_THANKS.search(case.views[-1].prose)))
    if max(stated) < count - thanks:
        yield case.problem(
            "T4", "warning", max(stated), f"the limitation stands in post {max(stated)} of {count}; it belongs at the end"
        )


def is_limitation(view: View) -> bool:
    """Return whether a post states a limitation: it was written as one, or says so."""
    if view.post.role is not None:
        return view.post.role == "limitation"
    return "[FILL: limitation]" in view.post.text or bool(_LIMITATION.search(view.prose))


def t5_parts(case: Case) -> Iterator[Problem]:
    """T5: contributions and results are there, each contribution is covered or listed as left out, and the parts keep their order."""
    roles = [v.post.role for v in case.views]
    if case.written and None not in roles:
        if "contribution" not in roles:
            yield case.problem("T5", "warning", None, "no post states a contribution")
        if sum(r in ("result", "item") for r in roles) < 2:
            yield case.problem("T5", "warning", None, "fewer than two posts state results")
        places = [(_ORDER.index(v.post.role), v.n) for v in case.views if v.post.role and v.post.role not in _MOVES_FREELY]
        for (rank, _), (after, n) in pairwise(places):
            if after < rank:
                yield case.problem(
                    "T5", "warning", n, f"a post of the kind '{_ORDER[after]}' stands behind one of the kind '{_ORDER[rank]}'"
                )
    said = [frozenset(s for c in v.claims for s in c.stems) for v in case.views]
    left_out = content(" ".join(f"{what} {why}" for what, why in case.thread.left_out))
    for quote in case.source.contributions:
        stems = content(quote.text)
        if stems and max((case.library.coverage(stems, s) for s in [*said, left_out]), default=0.0) < 0.35:
            yield case.problem(
                "T5", "warning", None, f"the contribution '{clipped(quote.text)}' is in no post: add it or list it as left out"
            )


def t7_files(case: Case) -> Iterator[Problem]:
    """T7: pictures are files inside the thread's folder."""
    for view in case.views:
        for picture in view.post.pictures:
            path = PurePosixPath(picture.file)
            if picture.file and (path.is_absolute() or ".." in path.parts or "\\" in picture.file or ":" in picture.file):
                yield case.problem(
                    "T7",
                    "error",
                    view.n,
                    f"the picture '{clipped(picture.file)}' is not inside the thread's folder, such as figures/figure-2.png",
                )


def l1_length(case: Case) -> Iterator[Problem]:
    """L1 (X) and L2 (the others): no post above its platform's limit; and which have long prose in words that are not the source's own,
    whose sentences stay whole."""
    id = "L1" if case.thread.platform == "x" else "L2"
    for n, why in too_long(case.thread.posts, case.thread.platform):
        yield case.problem(id, "error", n, why)
    worded = [v for v in case.views if any(_reworded(case, v, c) for c in v.claims)]
    above = [f"{v.n} ({length})" for v in worded if (length := prose_length(_taste(v))) > PROSE]
    if above and case.thread.platform in LIMITS:
        yield case.problem(
            id, "warning", None, f"prose of more than {PROSE} characters in posts {', '.join(above)}: shorter reads better"
        )


def _reworded(case: Case, view: View, claim: Claim) -> bool:
    """Whether a claim is in other words than a sentence of the source, and neither a greeting nor what the author gave."""
    own = bool(claim.best and claim.best.share >= _OWN) or claim.text in plain(case.given)
    return len(claim.stems) > 1 and not own and not (view.n == 1 and GREETING.search(claim.text))


def _taste(view: View) -> str:
    return " ".join(c.text for c in view.claims) if view.n == 1 else " ".join(view.prose.split())
