"""``breadth thread``: from a paper or a study to a thread of posts; check one that was edited; send one."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from breadth.cli.options import AsJson, print_json, progress_bar
from breadth.cli.platforms import For, ForIts, To
from breadth.cli.writers import BaseUrl, By, Command, Model, Timeout, writer_from
from breadth.cli.written import checks_json, tell_posts, tell_problems, tell_thread, thread_json
from breadth.errors import AnnounceError, printable

if TYPE_CHECKING:
    from breadth.announce.facts import Facts
    from breadth.announce.read.crops import Crop
    from breadth.announce.source import Source
    from breadth.announce.thread import Platform, Thread
    from breadth.announce.write.models import Writer

__all__ = ["app", "check", "make", "post"]

LARGEST_MARKDOWN = 5_000_000  # bytes


class _Group(TyperGroup):
    """Words check and post are commands; everything else goes to the command that makes a thread."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = bool(args) and args[0] in self.commands
        return super().parse_args(ctx, args if named else ["make", *(args or ["--help"])])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return (None if name == "make" else name), command, rest  # so that help shows what a person types


app = typer.Typer(cls=_Group, rich_markup_mode=None, help="Turn a paper or a study into a truthful thread with its figures.")

FactsFile = Annotated[
    Path | None, typer.Option("--facts", help="TOML file of what only the author knows: handles, venue, links, hashtags, credits.")
]
Findings = Annotated[Path | None, typer.Option("--findings", help="findings.json of a study, instead of a paper or beside it.")]
Posts = Annotated[str, typer.Option("--posts", help="Fewest and most posts, or the one number.", metavar="N-M")]
CodeUrl = Annotated[str | None, typer.Option("--code-url", help="Address of the code, where the paper does not give it.")]
PaperUrl = Annotated[str | None, typer.Option("--paper-url", help="Address of the paper, where the paper does not print it.")]
NoCode = Annotated[bool, typer.Option("--no-code", help="There is no code to point to, so no post does.")]
Crops = Annotated[
    list[str] | None,
    typer.Option("--crop", help="Box of a figure or table, 'Figure 2=p2:x0,y0,x1,y1', in points from the top left; repeatable."),
]


@app.command("make", hidden=True)
def make(
    paper: Annotated[
        Path | None, typer.Argument(help="The paper; not needed with --findings.", metavar="PAPER.pdf", show_default=False)
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder to write into; made if missing.")] = None,
    facts: FactsFile = None,
    paper_url: PaperUrl = None,
    code_url: CodeUrl = None,
    no_code: NoCode = False,
    findings: Findings = None,
    platform: For = "x",
    writer: By = "extractive",
    model: Model = None,
    base_url: BaseUrl = None,
    command: Command = None,
    timeout: Timeout = None,
    posts: Posts = "8-13",
    crops: Crops = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the thread and what the checks say, write nothing, not into --out either.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a thread.md that was edited by hand.")] = False,
    as_json: AsJson = False,
) -> None:
    """Turn a paper, or a study's findings, into a thread: every figure and table shown, every number with its evidence, nothing invented.

    Works offline and without a language model. The folder then holds thread.md, thread.json, the pictures in figures/, contact_sheet.png
    (look there whether every figure is cut out well) and preview.html (looks like the thread, with the evidence beside each post).
    What only the author knows and did not say stays [FILL: ...], and the last lines say what to do about it. Nothing is posted.

    Edit thread.md as you like, then check it again: breadth thread check. Post it: breadth thread post.

    \b
    Examples:
      breadth thread paper.pdf --out thread
      breadth thread paper.pdf --out thread --facts facts.toml --code-url https://github.com/me/code
      breadth thread paper.pdf --out thread --crop "Figure 2=p2:343,220,541,300"
      breadth thread --findings my-report/findings.json --out thread
      breadth thread check thread/thread.md paper.pdf --facts facts.toml
      breadth thread paper.pdf --out sky --platform bluesky
      breadth thread post sky --to bluesky
    """
    from breadth.announce.check.thread import check_thread

    least, most = _posts(posts)
    known = _facts(facts, paper_url, code_url, no_code)
    boxes = _boxes(known, crops or ())
    model_writer = writer_from(writer, model, base_url, command, timeout)
    _need(paper, findings, "breadth thread paper.pdf --out thread")
    if crops and paper is None:
        raise AnnounceError(
            "--crop was given without a paper, whose figures it places; give PAPER.pdf beside --findings, or leave it out"
        )
    if out is None and not dry_run:
        raise AnnounceError("--out is missing; expected the folder to write into: --out thread (--dry-run writes nothing)")
    if out is not None and not dry_run and not force:
        from breadth.announce.show.export import refuse_edited

        refuse_edited(out)
    with _progress(as_json) as phase:
        source = _source(paper, findings, known, boxes, phase("reading", 0.0, 0.6))
        thread, note = _written(source, known, platform, model_writer, least, most)
        thread = replace(thread, problems=check_thread(thread, source, known, least=least, most=most))
        exported = None
        if out is not None and not dry_run:
            from breadth.announce.show.export import export  # loads Pillow and jinja2

            exported = export(thread, source, paper, out, force=force, report=phase("figures", 0.6, 1.0))
    if as_json:
        print_json(thread_json(thread, exported, note))
        return
    if exported is None:
        tell_posts(thread)
    tell_thread(thread, source, known, exported, note)


@app.command("check")
def check(
    markdown: Annotated[Path, typer.Argument(help="The thread, as breadth thread writes it or a person.", metavar="THREAD.md")],
    paper: Annotated[
        Path | None, typer.Argument(help="The paper; not needed with --findings.", metavar="PAPER.pdf", show_default=False)
    ] = None,
    facts: FactsFile = None,
    paper_url: PaperUrl = None,
    code_url: CodeUrl = None,
    no_code: NoCode = False,
    findings: Findings = None,
    platform: ForIts = None,
    posts: Posts = "8-13",
    update: Annotated[
        bool,
        typer.Option(
            "--update", help="Take the edited posts into thread.json and preview.html beside THREAD.md, even with errors."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check a thread that was edited by hand, or written without breadth, against its paper: numbers, links, title, lengths, pictures.

    An error is something false, broken or over the limit; a warning is a matter of taste. Exit code 1 where there is an error.
    breadth thread post sends what thread.json holds: --update takes the edits over, and leaves THREAD.md as it is.

    \b
    Examples:
      breadth thread check thread/thread.md paper.pdf
      breadth thread check thread/thread.md paper.pdf --facts facts.toml --update
    """
    from breadth.announce.check.foreign import is_foreign
    from breadth.announce.check.markdown import as_thread
    from breadth.announce.check.thread import check_thread
    from breadth.announce.show.export import platform_of, updated

    least, most = _posts(posts)
    known = _facts(facts, paper_url, code_url, no_code)
    _need(paper, findings, "breadth thread check thread.md paper.pdf")
    text = _text(markdown)
    with _progress(as_json) as phase:
        source = _source(paper, findings, known, _boxes(known, ()), phase("reading", 0.0, 0.9))
        thread = as_thread(text, source, known, platform or platform_of(markdown.parent) or "x")
        problems = check_thread(thread, source, known, least=least, most=most)
        if update:
            updated(replace(thread, problems=problems), source, paper, markdown, phase("figures", 0.9, 1.0))
    errors = sum(p.level == "error" for p in problems)
    if as_json:
        print_json({"errors": errors, "warnings": len(problems) - errors, "checks": checks_json(problems)})
    else:
        if is_foreign(thread, source, known):
            print("most sentences are not in this source: this may be another paper's PDF")
        tell_problems(problems, len(thread.posts))
    if errors:
        raise typer.Exit(1)


@app.command("post")
def post(
    folder: Annotated[Path, typer.Argument(help="Folder that breadth thread wrote.", metavar="DIR")],
    to: To,
    really: Annotated[
        bool, typer.Option("--really", help="Send. Without it, what would be sent is printed, and nothing else happens.")
    ] = False,
) -> None:
    """Print exactly what would be sent of a thread, or with --really send it; after a failure the same command goes on from there.

    Credentials are read from the environment: BLUESKY_HANDLE and BLUESKY_PASSWORD (an app password), or MASTODON_SERVER and
    MASTODON_TOKEN. A thread with errors, or with something left to fill in, is refused, and so is one that was written for another
    platform and does not fit.

    \b
    Examples:
      breadth thread post thread --to mastodon
      breadth thread post thread --to mastodon --really
    """
    from breadth.announce.send.send import send
    from breadth.announce.show.export import is_edited

    if is_edited(folder):
        raise AnnounceError(
            f"{folder / 'thread.md'} was edited after thread.json was written, which is what is posted; take the edits over first: "
            "breadth thread check THREAD.md PAPER.pdf --update"
        )
    send(folder, to, really=really, report=lambda words: print("\n".join(map(printable, words.split("\n"))), flush=True))


def _written(
    source: Source, known: Facts, platform: Platform, writer: Writer | None, least: int, most: int
) -> tuple[Thread, str | None]:
    """The thread, and why it is not the model's where one was asked."""
    if writer is None:
        from breadth.announce.write.extractive import write_thread

        return write_thread(source, known, platform, least=least, most=most), None
    from breadth.announce.write.repair import written

    return written(source, known, platform, writer, least=least, most=most)


def _posts(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,3})(?:-(\d{1,3}))?", text.strip())
    least, most = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= least <= most:
        raise AnnounceError(f"--posts is '{text}'; expected the fewest and the most posts, such as 8-13, or one number")
    return least, most


def _need(paper: Path | None, findings: Path | None, example: str) -> None:
    if paper is None and findings is None:
        raise AnnounceError(f"no paper was given; expected a PDF, or --findings findings.json: {example}")


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_MARKDOWN:
            raise AnnounceError(
                f"{path} is larger than {LARGEST_MARKDOWN // 10**6} MB, which no thread is; give the thread's Markdown"
            )
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise AnnounceError(f"{path} is not text in UTF-8; give the thread's Markdown") from error


def _facts(path: Path | None, paper_url: str | None, code_url: str | None, no_code: bool) -> Facts:
    """The facts of the file, with those of the command line before them."""
    from breadth.announce.facts import Facts, read_facts

    known = Facts() if path is None else read_facts(path)
    given: dict[str, Any] = {}
    for option, value in (("--paper-url", paper_url), ("--code-url", code_url)):
        if value is not None and not re.fullmatch(r"https?://[^\s/]+\.[^\s/]+(/\S*)?", value):
            raise AnnounceError(f"{option} is '{value}'; expected an address such as https://github.com/me/code")
    if paper_url is not None:
        given["paper_url"] = paper_url
    if code_url is not None:
        if no_code:
            raise AnnounceError("--code-url and --no-code were both given; expected one of them: leave one out")
        given |= {"code_url": code_url, "no_code": False}
    if no_code:
        given |= {"code_url": None, "no_code": True}
    if known.no_code and known.code_url is not None and "no_code" not in given:
        raise AnnounceError(f"facts '{path}': code_url and no_code = true were both given; expected one of them: leave one out")
    return known.model_copy(update=given)


def _boxes(known: Facts, crops: Sequence[str]) -> list[Crop]:
    """Boxes set by hand, those of the command line after those of the facts and so before them."""
    from breadth.announce.read.crops import parse_crop

    return [parse_crop(text) for text in (*(f"{label}={place}" for label, place in known.crops.items()), *crops)]


def _source(
    paper: Path | None, findings: Path | None, known: Facts, boxes: Sequence[Crop], report: Callable[[int, int], None]
) -> Source:
    """The paper, the study, or the study's findings beside the paper's words."""
    from breadth.announce.read.findings import merged, read_findings

    study = None if findings is None else read_findings(findings)
    if paper is None:
        assert study is not None  # one of the two was asked for
        return study
    from breadth.announce.read.crops import refuse_misplaced, with_crops
    from breadth.announce.read.paper import read_paper

    source = read_paper(paper, facts=known, report=report)
    refuse_misplaced(boxes, source, paper)
    source = replace(source, items=with_crops(source.items, boxes))
    return source if study is None else merged(source, study)


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[str, float, float], Callable[[int, int], None]]]:
    """Yield phase(name, from, to): how to report (done, all) of one part of the work as a share of the whole, with the time left."""
    begun = time.monotonic()
    with progress_bar("thread", quiet=quiet) as show:

        def phase(now: str, start: float, end: float) -> Callable[[int, int], None]:
            def report(done: int, of: int) -> None:
                share = start + (end - start) * done / max(1, of)
                left = (time.monotonic() - begun) * (1 - share) / share if share else float("nan")
                show(share, left, f"{now} {done} of {of}")

            return report

        yield phase
