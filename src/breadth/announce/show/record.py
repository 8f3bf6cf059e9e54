"""A thread as JSON: the shape that other programs read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from breadth.announce.check.length import weighted_length
from breadth.announce.thread import Thread

__all__ = ["as_dict"]


def as_dict(thread: Thread, crops: Sequence[str], *, edited: bool = False) -> dict[str, Any]:
    """Return the content of thread.json.

    crops: the picture file of each of ``thread.items``, relative to the folder; edited: whether a person has edited the posts.
    """
    limitation = thread.limitation
    return {
        "title": thread.title,
        "authors": list(thread.authors),
        "code_url": thread.code_url,
        "limitation": None if limitation is None else {"page": limitation.page, "quote": limitation.text},
        "items": [
            {
                "label": item.label,
                "page": item.page,
                "bbox": [round(v, 2) for v in item.bbox],
                "caption": item.caption,
                "crop": crop,
                "confidence": round(item.confidence, 3),
            }
            for item, crop in zip(thread.items, crops, strict=True)
        ],
        "posts": [
            {
                "n": n,
                "text": post.text,
                "weighted_length": weighted_length(post.text, thread.platform),
                "images": [{"file": p.file, "alt": p.alt} for p in post.pictures],
                "evidence": [{"page": q.page, "quote": q.text} for q in post.evidence],
            }
            for n, post in enumerate(thread.posts, 1)
        ],
        "left_out": [{"label": label, "why": why} for label, why in thread.left_out],
        "checks": [{"id": p.id, "level": p.level, "post": p.post, "message": p.message} for p in thread.problems],
        "platform": thread.platform,
        "edited": edited,
    }
