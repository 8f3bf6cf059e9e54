"""What ``breadth thread`` says of a thread: posts, problems, what is left to fill in, and where the files are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from breadth.errors import printable

if TYPE_CHECKING:
    from breadth.announce.facts import Facts
    from breadth.announce.show.export import Exported
    from breadth.announce.source import Source
    from breadth.announce.thread import Problem, Thread

__all__ = ["checks_json", "tell_posts", "tell_problems", "tell_thread", "thread_json"]


def thread_json(thread: Thread, exported: Exported | None, note: str | None) -> dict[str, Any]:
    """The content of thread.json, and beside it what to fill in, the files that were written, and why no model's thread was."""
    from breadth.announce.show.fills import fills
    from breadth.announce.show.pictures import file_names
    from breadth.announce.show.record import as_dict

    files = {} if exported is None else {k: str(v) for k, v in vars(exported).items() if k != "crops"}
    return {**as_dict(thread, file_names(thread)), "fill": fills(thread), "files": files, "note": note}


def checks_json(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """The checks as thread.json holds them."""
    return [{"id": p.id, "level": p.level, "post": p.post, "message": p.message} for p in problems]


def tell_posts(thread: Thread) -> None:
    """Print the posts as they would be written."""
    from breadth.announce.check.markdown import write_markdown

    print("\n".join(map(printable, write_markdown(thread).split("\n"))))


def tell_problems(problems: Sequence[Problem], posts: int) -> None:
    """Print one line a problem, errors first, and the counts."""
    errors = sum(p.level == "error" for p in problems)
    warnings = len(problems) - errors
    print(f"{_count(posts, 'post')}: {_count(errors, 'error')}, {_count(warnings, 'warning')}")
    for p in sorted(problems, key=lambda p: (p.level != "error", p.post or 0)):
        print(printable(f"  {p.level:<8} {'thread' if p.post is None else f'post {p.post}':<8} {p.id:<4} {p.message}"))


def tell_thread(thread: Thread, source: Source, known: Facts, exported: Exported | None, note: str | None) -> None:
    """Print what became of the paper: counts, problems, uncertain crops, files, and last what only the author can do."""
    from breadth.announce.read.crops import place_of
    from breadth.announce.show.fills import fills
    from breadth.announce.show.sheet import LOW
    from breadth.announce.show.told import fine_print, place, shown_sentence

    print(printable(thread.title))
    if note:
        print(printable(f"the paper's own sentences were taken: {note}"))
    if thread.items:
        print(shown_sentence(thread))
    tell_problems(thread.problems, len(thread.posts))
    for problem in source.problems:
        print(printable(f"  reading  {problem}"))
    low = [i for i in thread.items if i.confidence < LOW]
    if low:
        names = ", ".join(f"{i.label} on p. {i.page} ({i.confidence:.2f})" for i in low)
        print(printable(f"uncertain crops, look at contact_sheet.png: {names}"))
        print(f'  where a box is wrong: --crop "{printable(low[0].label)}={place_of(low[0])}" with the right numbers')
    fine = [(i, words) for i in thread.items if place(i, thread).startswith("post") and (words := fine_print(i))]
    for item, words in fine:
        print(printable(f'{item.label} on p. {item.page}: {words}; to show a part of it: --crop "{item.label}={place_of(item)}"'))
    if exported is not None:
        print(f"thread:  {exported.markdown}\npreview: {exported.preview}")
    unused = known.unused([post.text for post in thread.posts])
    for name, handle in unused.items():
        why = (
            "the first post has room for fewer authors"
            if name in thread.authors
            else "no author has this name; thank them in credits"
        )
        print(printable(f"unused: {handle} of {name} stands in no post ({why})"))
    missing = fills(thread)
    if missing:
        print("to fill in:")
        for mark, advice in missing.items():
            print(printable(f"  {mark} {advice}"))


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
