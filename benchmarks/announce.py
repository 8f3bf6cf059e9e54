"""What is read of papers, and what their threads are worth, beside gold lists made by hand; one core.

    python benchmarks/announce.py PAPERS_DIR [--mutations N] [--command] [--long PAGES] [--json FILE]

PAPERS_DIR holds NAME.pdf and NAME.gold.json: {"title", "authors", "code_url", "limitation": [{"page", "quote"}], "contributions":
{"page", "n"}, "results": [{"page", "quote", "numbers"}], "important": [labels], "items": [{"label", "page", "bbox"}]}, boxes in PDF
points from the top left, caption excluded. Papers without a gold list are timed only. For each paper, and for all:

- found: gold figures and tables of which label and page are found; IoU 0.7: those whose box overlaps the gold box so far (intersection
  over union); invented: items found that the gold list does not have;
- title, authors, code: whether exactly the gold ones (code: none where there is none); limit: whether a gold limitation was chosen, or none
  where there is none;
- important: important figures and tables that a post shows; contrib: gold contributions that a post states, at most as many as there are,
  counted as contributions read from that page or the next of which a sentence is evidence of a post; results: gold results of which a
  post holds every number, or 0.6 of the words where it has no number;
- errors, warnings: of the checks on the generated thread; s/page: CPU seconds a page of reading and writing, without the pictures.

--mutations N: N corruptions of each kind (corruptions.py) of the generated threads, spread over the papers, and how many are refused.
--command: CPU seconds a page of the whole command, with every picture and page that it writes.
--long PAGES: peak memory and time of a PDF of so many pages, made by repeating those of the folder's papers.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

from corruptions import KINDS, corrupt

from breadth.announce.check.markdown import as_thread, write_markdown
from breadth.announce.check.thread import check_thread
from breadth.announce.facts import Facts
from breadth.announce.read.paper import read_paper
from breadth.announce.source import Box, Source
from breadth.announce.thread import Problem, Thread
from breadth.announce.write.extractive import write_thread


@dataclass(frozen=True)
class Score:
    """Measures of one paper: (met, of) pairs, and plain numbers."""

    paper: str
    found: tuple[int, int]
    iou: tuple[int, int]
    invented: int
    title: tuple[int, int]
    authors: tuple[int, int]
    code: tuple[int, int]
    limitation: tuple[int, int]
    important: tuple[int, int]
    contributions: tuple[int, int]
    results: tuple[int, int]
    errors: int
    warnings: int
    pages: int
    seconds: float


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(0.0, width) * max(0.0, height)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def words(text: str) -> set[str]:
    """Content words of a text, in small letters."""
    return {w for w in re.findall(r"\w+", text.lower()) if len(w) > 2 or w.isdigit()}


def alike(gold: str, ours: str) -> float:
    """Share of the words of a gold quote that our text has."""
    wanted = words(gold)
    return len(wanted & words(ours)) / max(1, len(wanted))


def stated(result: dict[str, Any], thread: Thread) -> bool:
    """Whether a post states a gold result."""
    for post in thread.posts:
        if result["numbers"]:
            held = {n.rstrip("%x×") for n in re.findall(r"\d+(?:\.\d+)?\w*%?", post.text.replace(",", ""))}
            if all(n.rstrip("%x×") in held for n in result["numbers"]):
                return True
        elif alike(result["quote"], post.text) >= 0.6:
            return True
    return False


def covered(gold: dict[str, Any], source: Source, thread: Thread) -> int:
    """How many contributions that stand where the gold list says are the evidence of a post."""
    evidence = {n for post in thread.posts for quote in post.evidence for n in quote.sentences}
    pages = (gold["page"], gold["page"] + 1)
    return sum(q.page in pages and bool(evidence & set(q.sentences)) for q in source.contributions)


def limited(gold: list[dict[str, Any]], thread: Thread) -> bool:
    """Whether the thread's limitation is a gold one; where there is none, whether it has none."""
    ours = thread.limitation
    if ours is None or not gold:
        return ours is None and not gold
    return any(alike(g["quote"], ours.text) >= 0.6 or alike(ours.text, g["quote"]) >= 0.8 for g in gold)


def score(pdf: Path) -> tuple[Score, Source, Thread] | None:
    """Read one paper, write its thread and compare with the gold list, if there is one."""
    start, seen = time.process_time(), [0]
    source = read_paper(pdf, report=lambda done, of: seen.append(of))
    thread = write_thread(source, Facts(), "x")
    problems = check_thread(thread, source, Facts())
    thread = replace(thread, problems=problems)
    seconds, pages = time.process_time() - start, max(seen)
    path = pdf.with_name(f"{pdf.stem}.gold.json")
    if not path.exists():
        print(f"{pdf.stem}: no gold list; {pages} pages, {seconds / max(1, pages):.3f} s a page")
        return None
    gold = json.loads(path.read_text())
    pairs = [(g, [i for i in source.items if i.label == g["label"] and i.page == g["page"]]) for g in gold["items"]]
    known = {(g["label"], g["page"]) for g in gold["items"]}
    shown = {label for post in thread.posts for label in post.items}
    for g, ours in pairs:
        best = max((overlap(tuple(g["bbox"]), i.bbox) for i in ours), default=None)
        if best is None or best < 0.7:
            print(f"  {pdf.stem} {g['label']} p{g['page']}: {'not found' if best is None else f'IoU {best:.2f}'}")
    return (
        Score(
            pdf.stem,
            (sum(bool(ours) for _, ours in pairs), len(pairs)),
            (sum(any(overlap(tuple(g["bbox"]), i.bbox) >= 0.7 for i in ours) for g, ours in pairs), len(pairs)),
            sum((i.label, i.page) not in known for i in source.items),
            (int(source.title == gold["title"]), 1),
            (int(list(source.authors) == gold["authors"]), 1),
            (int(source.code_url == gold["code_url"]), 1),
            (int(limited(gold["limitation"], thread)), 1),
            (len(shown & set(gold["important"])), len(gold["important"])),
            (min(covered(gold["contributions"], source, thread), gold["contributions"]["n"]), gold["contributions"]["n"]),
            (sum(stated(r, thread) for r in gold["results"]), len(gold["results"])),
            sum(p.level == "error" for p in problems),
            sum(p.level == "warning" for p in problems),
            pages,
            seconds,
        ),
        source,
        thread,
    )


def told(name: str, scores: list[Score]) -> str:
    """One line of the table."""

    def share(field: str) -> str:
        met, of = (sum(getattr(s, field)[k] for s in scores) for k in (0, 1))
        return f"{met}/{of}"

    cells = [share(f) for f in ("found", "iou")] + [str(sum(s.invented for s in scores))]
    cells += [share(f) for f in ("title", "authors", "code", "limitation", "important", "contributions", "results")]
    cells += [str(sum(s.errors for s in scores)), str(sum(s.warnings for s in scores))]
    cells += [f"{sum(s.seconds for s in scores) / sum(s.pages for s in scores):.3f}"]
    return f"{name:<16}" + "".join(f"{c:>10}" for c in cells)


def mutations(sources: list[Source], most: int) -> None:
    """Print, for each kind of corruption, the share that the checker refuses: with the evidence of each post, and as bare Markdown.

    Refused: there is an error that the true thread has not. A paper without an address of its own gets one, so that there is one to break.
    """
    threads = []
    for source in sources:
        facts = Facts(
            paper_url=source.paper_url or "https://arxiv.org/abs/2306.13840",
            code_url=source.code_url or "https://github.com/someone/code_of-this/tree/main",
        )
        threads.append((source, facts, write_thread(source, facts, "x")))

    def errors(thread: Thread, source: Source, facts: Facts, bare: bool) -> set[Problem]:
        held = as_thread(write_markdown(thread), source, facts, "x") if bare else thread
        return {p for p in check_thread(held, source, facts) if p.level == "error"}

    true = {(i, bare): errors(t, s, f, bare) for i, (s, f, t) in enumerate(threads) for bare in (False, True)}
    print(f"errors on the true threads: {sum(len(e) for (_, bare), e in true.items() if not bare)} with evidence, "
          f"{sum(len(e) for (_, bare), e in true.items() if bare)} as Markdown")  # fmt: skip
    print(f"{'refused':<16}{'evidence':>12}{'Markdown':>12}")
    for kind in KINDS:
        seen, refused = 0, [0, 0]
        for k in range(most):
            i = k % len(threads)
            source, facts, thread = threads[i]
            changed = corrupt(thread, source, kind, Random(f"{kind} {k}"))
            if changed is None:
                continue
            seen += 1
            for bare in (False, True):
                refused[bare] += bool(errors(changed, source, facts, bare) - true[i, bare])
        print(f"{kind:<16}" + "".join(f"{f'{r}/{seen}':>12}" for r in refused), flush=True)


def cost(*arguments: str) -> tuple[float, int]:
    """Run breadth with these arguments; return CPU seconds and peak memory in KiB, both with the process that draws pages."""
    # In a process between, whose children are this one alone: ru_maxrss holds the largest of all that were waited for.
    code = (
        "import json, resource, subprocess, sys; r = subprocess.run(sys.argv[1:], capture_output=True, text=True); "
        "u = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(json.dumps([r.returncode, u.ru_utime + u.ru_stime, u.ru_maxrss, r.stderr]))"
    )
    command = [sys.executable, "-c", code, sys.executable, "-m", "breadth", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    status, seconds, peak, said = json.loads(done.stdout)
    if status:
        raise SystemExit(f"breadth {arguments[0]} ended with {status}: {said}")
    return seconds, peak


def whole_command(papers: list[tuple[Path, int]]) -> None:
    """Print CPU seconds of `breadth thread PAPER.pdf --out DIR`, all pictures written, for papers of so many pages."""
    start = min(cost("thread", "--help")[0] for _ in range(3))
    print(
        f"{'whole command':<16}{'pages':>10}{'s':>10}{'s/page':>10}   the start of Python and the command line, {start:.2f} s, taken off"
    )
    spent = 0.0
    for path, pages in papers:
        with tempfile.TemporaryDirectory() as folder:
            seconds = cost("thread", str(path), "--out", folder, "--no-code", "--force")[0] - start
        spent += seconds
        print(f"{path.stem:<16}{pages:>10}{seconds:>10.2f}{seconds / pages:>10.3f}", flush=True)
    print(f"{'all':<16}{sum(n for _, n in papers):>10}{spent:>10.2f}{spent / sum(n for _, n in papers):>10.3f}")


def long_paper(papers: list[Path], pages: int) -> None:
    """Print peak memory and time of reading and writing about a PDF of so many pages, in a process of its own."""
    import pypdfium2

    with tempfile.TemporaryDirectory() as folder:
        path, made = Path(folder) / "long.pdf", pypdfium2.PdfDocument.new()
        while len(made) < pages:
            for paper in papers:
                with pypdfium2.PdfDocument(paper) as part:
                    made.import_pages(part, list(range(min(len(part), pages - len(made)))))
        made.save(str(path))
        made.close()
        seconds, peak = cost("thread", str(path), "--out", str(Path(folder) / "out"), "--no-code")
        size = path.stat().st_size / 2**20
        print(f"{pages} pages, {size:.0f} MB: {seconds:.0f} s of CPU with all pictures, peak {peak / 1024:.0f} MB")


def main() -> None:
    given = argparse.ArgumentParser(description="Measures of breadth thread on papers with gold lists.")
    given.add_argument("papers", type=Path)
    given.add_argument("--mutations", type=int, default=0)
    given.add_argument("--command", action="store_true")
    given.add_argument("--long", type=int, default=0)
    given.add_argument("--json", type=Path)
    options = given.parse_args()
    papers = sorted(options.papers.glob("*.pdf"))
    if not papers:
        raise SystemExit(f"{options.papers} holds no PDF; give a folder with NAME.pdf and NAME.gold.json")
    scored = [s for s in map(score, papers) if s is not None]
    heads = ["found", "IoU 0.7", "invented", "title", "authors", "code", "limit", "important", "contrib", "results"]
    heads += ["errors", "warnings", "s/page"]
    print(f"{'':<16}" + "".join(f"{h:>10}" for h in heads))
    for s, _, _ in scored:
        print(told(s.paper, [s]))
    if scored:
        print(told("all", [s for s, _, _ in scored]))
    if options.json:
        options.json.write_text(json.dumps([asdict(s) for s, _, _ in scored], indent=1) + "\n")
    if options.mutations:
        mutations([source for _, source, _ in scored], options.mutations)
    if options.command and scored:
        whole_command([(options.papers / f"{s.paper}.pdf", s.pages) for s, _, _ in scored])
    if options.long:
        long_paper(papers, options.long)


if __name__ == "__main__":
    main()
