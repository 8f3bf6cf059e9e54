"""``breadth poster``: the ad for a poster slot in three lengths, what is missing or doubtful, and feedback on the author's draft."""

from __future__ import annotations

import datetime
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from breadth.cli.options import AsJson, print_json
from breadth.cli.writers import BaseUrl, By, Command, Model, Timeout, writer_from
from breadth.errors import AnnounceError, printable

if TYPE_CHECKING:
    from breadth.announce.poster import Poster

__all__ = ["poster"]

LARGEST_DRAFT = 10_000


def poster(
    facts: Annotated[
        Path | None,
        typer.Argument(help="TOML file with title, date, room and the like.", metavar="FACTS.toml", show_default=False),
    ] = None,
    draft: Annotated[Path | None, typer.Option("--draft", help="Your own draft, for feedback; may be empty.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for poster.md and poster.json; made if missing.")] = None,
    writer: By = "extractive",
    model: Model = None,
    base_url: BaseUrl = None,
    command: Command = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Write the ad for a poster slot, for X, for LinkedIn and in one line, from facts that are kept character for character.

    FACTS.toml holds any of: name, title, authors, topic, one_line, date, weekday, start, end, zone, room, board, event, paper_url,
    code_url, handles, hashtags. What is needed and not known stays [FILL: room]; a fact given as "" is left out on purpose. A draft
    that changes a fact is refused with the difference; what only the draft says is read from it and told.

    Exit code 1 where a draft changes a fact or an ad does not fit, 3 where something is to be filled in.

    \b
    Examples:
      breadth poster poster.toml
      breadth poster poster.toml --draft draft.md --out ad
      breadth poster --draft draft.md --json
    """
    from breadth.announce.poster import PosterFacts, read_poster_facts
    from breadth.announce.poster import poster as made
    from breadth.announce.poster.model import worded

    if facts is None and draft is None:
        raise AnnounceError("no facts were given; expected a TOML file, or --draft: breadth poster FACTS.toml --draft draft.md")
    asked = writer_from(writer, model, base_url, command, timeout)
    known = PosterFacts() if facts is None else read_poster_facts(facts)
    text = "" if draft is None else _text(draft)
    done = made(known, text, today=datetime.date.today())
    note = None
    if asked is not None:
        done, note = worded(done, text, asked)
    content = _content(done, note)
    if out is not None and done.ads is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "poster.md").write_text(_markdown(done), encoding="utf-8")
        (out / "poster.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if as_json:
        print_json(content)
    else:
        _tell(done, note, out)
    if any(p.level == "error" for p in done.problems):
        raise typer.Exit(1)
    if done.missing:
        raise typer.Exit(3)


def _text(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise AnnounceError(f"draft '{path}': {error.strerror}; give a text file, which may be empty") from error
    except UnicodeDecodeError as error:
        raise AnnounceError(f"draft '{path}' is not text in UTF-8; save it as UTF-8") from error
    if len(text) > LARGEST_DRAFT:
        raise AnnounceError(f"draft '{path}' has {len(text)} characters, at most {LARGEST_DRAFT} are read; an ad is shorter")
    return text


def _content(done: Poster, note: str | None) -> dict[str, Any]:
    from breadth.announce.check.length import weighted_length

    ads = None
    if done.ads is not None:
        ads = {
            "x": {"text": done.ads.x, "length": weighted_length(done.ads.x, "x")},
            "linkedin": {"text": done.ads.linkedin, "length": len(done.ads.linkedin)},
            "one_line": {"text": done.ads.one_line, "length": len(done.ads.one_line)},
        }
    return {
        "ads": ads,
        "missing": list(done.missing),
        "from_draft": done.from_draft,
        "feedback": [asdict(f) for f in done.feedback],
        "draft": {"has": list(done.has), "lacks": list(done.lacks)},
        "checks": [{"id": p.id, "level": p.level, "message": p.message} for p in done.problems],
        "note": note,
    }


def _markdown(done: Poster) -> str:
    assert done.ads is not None
    parts = (("X", done.ads.x), ("LinkedIn", done.ads.linkedin), ("One line", done.ads.one_line))
    return "\n".join(f"# - {name}\n{text}\n" for name, text in parts)


def _tell(done: Poster, note: str | None, out: Path | None) -> None:
    content = _content(done, note)
    limits = {"x": ("X", " of 280"), "linkedin": ("LinkedIn", " of 3000"), "one_line": ("one line", "")}
    for name, ad in (content["ads"] or {}).items():
        title, limit = limits[name]
        print(f"--- {title} ({ad['length']}{limit})")
        print("\n".join(map(printable, ad["text"].split("\n"))))
    if done.ads is None:
        print("no ad: settle first what differs")
    else:
        print("---")
    lines = [f"{p.level:<8} {p.id:<3} {p.message}" for p in done.problems]
    lines += [f"read from the draft: {field} = {json.dumps(text, ensure_ascii=False)}" for field, text in done.from_draft.items()]
    lines += [f"the facts' own words were taken: {note}"] if note else []
    if done.has or done.lacks:
        lacks = f"; it lacks {', '.join(done.lacks)}" if done.lacks else ""
        lines += [f"feedback on the draft: it has {', '.join(done.has) or 'nothing of an ad'}{lacks}"]
        lines += [] if done.feedback else ["  nothing to change in its wording"]
    for remark in done.feedback:
        lines += [f"  “{' '.join(remark.quoted.split())}” {remark.why}; {remark.suggestion}"]
    lines += [f"to fill in: {', '.join(done.missing)}"] if done.missing else []
    lines += [f"written to {out}"] if out is not None and done.ads is not None else []
    for line in lines:
        print(printable(line))
