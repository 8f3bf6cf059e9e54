"""What a model answers: read with a bound and a schema, and made into a thread; a claim without evidence does not get that far."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from breadth.announce.facts import Facts
from breadth.announce.source import Quote, Source
from breadth.announce.thread import Platform, Post, PostRole, Thread
from breadth.announce.write.planned import Plan
from breadth.announce.write.shown import picture

__all__ = ["SCHEMA", "Answer", "read_json", "thread_from"]

LONGEST_TEXT = 3000
JOINERS = "\u200d\ufe0f"  # within an emoji


class Said(BaseModel):
    """One post as a model gives it, without its number."""

    model_config = ConfigDict(extra="forbid")
    role: PostRole
    text: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
    evidence: Annotated[list[int], Field(max_length=20)]
    items: Annotated[list[str], Field(max_length=4)]


class Answer(BaseModel):
    """A model's thread."""

    model_config = ConfigDict(extra="forbid")
    posts: Annotated[list[Said], Field(min_length=1, max_length=60)]


SCHEMA: dict[str, Any] = Answer.model_json_schema()


def read_json(text: str) -> str:
    """Return the JSON of an answer without the fence that models like to put around it."""
    fenced = re.fullmatch(r"\s*```(?:json)?\s*\n(.*?)\n\s*```\s*", text, re.DOTALL)
    return fenced[1] if fenced else text.strip()


def first_wrong(error: ValidationError) -> str:
    """Return the first fault of an answer's form in one line."""
    fault = error.errors()[0]
    place = ".".join(map(str, fault["loc"]))
    return f"the answer is not of the asked form: {f'{place}: ' if place else ''}{fault['msg']}"


def thread_from(
    text: str, source: Source, facts: Facts, platform: Platform, plan: Plan, evidence: dict[int, str]
) -> tuple[Thread | None, tuple[str, ...]]:
    """Return (thread, what is wrong with the answer's form); None where no thread can be made of it. The posts are numbered here."""
    try:
        answer = Answer.model_validate_json(read_json(text))
    except ValidationError as error:
        return None, (first_wrong(error),)
    items = {i.label: i for i in source.items}
    wrong = []
    for n, said in enumerate(answer.posts, 1):
        wrong += [f"post {n}: evidence {k} was not given; use numbers of the evidence" for k in said.evidence if k not in evidence]
        wrong += [f"post {n}: there is no '{label}'; use labels of the plan" for label in said.items if label not in items]
        if any(not (c.isprintable() or c == "\n" or c in JOINERS) for c in said.text):
            wrong.append(f"post {n}: the text holds control characters; leave them out")
    if wrong:
        return None, tuple(wrong)
    count = len(answer.posts)
    posts = []
    for n, said in enumerate(answer.posts, 1):
        body = re.sub(r"\s*\n\s*\(?\d+/\d+\)?\s*$", "", said.text.strip())
        quotes = tuple(Quote(source.sentence(k).page, source.sentence(k).text, (k,)) for k in dict.fromkeys(said.evidence))
        shown = tuple(dict.fromkeys(said.items))
        posts.append(Post(f"{body}\n\n{n}/{count}", tuple(picture(items[i]) for i in shown), quotes, said.role, shown))
    told = {label for post in posts for label in post.items}
    return (
        Thread(
            title=facts.title or source.title,
            authors=facts.authors or source.authors,
            platform=platform,
            posts=tuple(posts),
            code_url=None if facts.no_code else facts.code_url or source.code_url,
            limitation=next((q for p in posts if p.role == "limitation" for q in p.evidence), None),
            items=source.items,
            left_out=tuple((what, why) for what, why in plan.left_out if what not in told),
        ),
        (),
    )
