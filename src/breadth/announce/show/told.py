"""Which figures and tables a thread shows, and which have letters too small to read there, in words."""

from __future__ import annotations

from breadth.announce.read.render import WIDTH, letter_height
from breadth.announce.source import Item
from breadth.announce.thread import Thread

__all__ = ["fine_print", "place", "shown_sentence"]

SMALLEST = 14.0  # pixels of a picture 1600 wide, which a feed shows at a third of its size or less


def shown_sentence(thread: Thread) -> str:
    """Return how many are shown: "5 of 5 figures and tables shown, 1 of 9 in the appendix"."""
    shown = {label for post in thread.posts for label in post.items}
    main, appendix = ([i.label in shown for i in thread.items if i.appendix is behind] for behind in (False, True))
    more = f", {sum(appendix)} of {len(appendix)} in the appendix" if appendix else ""
    return f"{sum(main)} of {len(main)} figures and tables shown{more}"


def fine_print(item: Item) -> str | None:
    """Return what is to be said of letters too small to read in a post, None where they are not or there are none."""
    height = letter_height(item)
    if height is None or height >= SMALLEST:
        return None
    return f"small print: letters of {height:.0f} pixels in a picture {WIDTH} wide"


def place(item: Item, thread: Thread) -> str:
    """Return where an item went: "post 4", "left out", "appendix", or "not shown" where the thread says nothing of it."""
    posts = [str(n) for n, post in enumerate(thread.posts, 1) if item.label in post.items]
    if posts:
        return f"post {', '.join(posts)}"
    if any(label == item.label for label, _ in thread.left_out):
        return "left out"
    return "appendix" if item.appendix else "not shown"
