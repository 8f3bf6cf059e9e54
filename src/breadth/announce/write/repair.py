"""A model's thread is checked, sent back with what is wrong, at most twice, and refused if it is still false."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from breadth.announce.check.length import too_long
from breadth.announce.check.thread import check_thread
from breadth.announce.facts import Facts
from breadth.announce.source import Source
from breadth.announce.thread import Platform, Problem, Thread
from breadth.announce.write.answer import SCHEMA, thread_from
from breadth.announce.write.extractive import thread_of
from breadth.announce.write.models import Message, Writer
from breadth.announce.write.one_text import joined, platform_of_parts
from breadth.announce.write.plan import plan
from breadth.announce.write.prompt import evidence_of, prompt_of
from breadth.errors import AnnounceError

__all__ = ["ROUNDS", "asked", "written"]

T = TypeVar("T")

ROUNDS = 2
MOST_COMPLAINTS = 30
LONGEST_ECHO = 20_000
# A person may paraphrase freely and choose addresses; a model may not.
STRICT = ("F0", "K1")


def written(
    source: Source, facts: Facts, platform: Platform, writer: Writer, *, least: int = 8, most: int = 13
) -> tuple[Thread, str | None]:
    """Return a thread and None, or the extractive thread and why it was written instead of the model's."""
    planned = plan(source, facts, platform, least=least, most=most)
    least = min(least, len(planned.posts))  # a short paper is not padded
    evidence = evidence_of(source, planned)
    by_post = platform_of_parts(platform)

    def plain() -> Thread:
        return joined(thread_of(planned, source, facts, by_post), facts, platform)

    def accept(text: str) -> tuple[Thread | None, tuple[str, ...]]:
        thread, wrong = thread_from(text, source, facts, by_post, planned, evidence)
        if thread is None:
            return None, wrong
        problems = check_thread(thread, source, facts, least=least, most=most)
        whole = joined(thread, facts, platform)
        false = [_told(p) for p in problems if p.level == "error" or (p.id in STRICT and not _allowed(p, facts))]
        return whole, (*false, *(f"L2: {why}" for _, why in (too_long(whole.posts, platform) if platform != by_post else ())))

    try:
        prompt = prompt_of(source, facts, platform, planned, least=least, most=most)
        thread, wrong = asked(writer, prompt, SCHEMA, accept)
    except AnnounceError as error:
        return plain(), f"the model gave no answer ({error})"
    if thread is None:
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        why = f"the model's thread was still wrong after {ROUNDS} rounds of repair ({wrong[0]}{more})"
        return plain(), why
    return thread, None


def asked(
    writer: Writer, prompt: str, schema: dict[str, Any], accept: Callable[[str], tuple[T | None, tuple[str, ...]]]
) -> tuple[T | None, tuple[str, ...]]:
    """Return what ``accept`` makes of a model's answer, or None and what is wrong with the last one.

    accept: text -> (result, what is wrong with it); a result with faults is never returned, but asked for again, at most ROUNDS times.
    """
    messages: tuple[Message, ...] = (Message("user", prompt),)
    wrong: tuple[str, ...] = ()
    for _ in range(1 + ROUNDS):
        answer = writer.ask(messages, schema)
        result, wrong = accept(answer)
        if not wrong:
            return result, ()
        complaint = "\n".join(["Wrong, and to be put right; give the whole answer again:", *wrong[:MOST_COMPLAINTS]])
        echo = answer.strip()[:LONGEST_ECHO] or "(nothing)"
        messages = (messages[0], Message("assistant", echo), Message("user", complaint))
    return None, wrong


def _allowed(problem: Problem, facts: Facts) -> bool:
    """Whether it only tells that another paper is linked whose address the author gave."""
    given = re.findall(r"arxiv\.org/\w+/(\d{4}\.\d{4,5})", " ".join(facts.urls))
    return problem.id == "K1" and any(f"links arXiv {number};" in problem.message for number in given)


def _told(problem: Problem) -> str:
    return f"{problem.id}{f', post {problem.post}' if problem.post else ''}: {problem.message}"
