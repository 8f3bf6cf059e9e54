"""``breadth fetch``: published checkpoints and data, from Zenodo, the Hugging Face Hub, Google Drive or an address, into a folder."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from breadth.cli.options import AsJson, bytes_of, print_json, progress_bar
from breadth.fetch import fetch as fetching
from breadth.fetch.client import Client
from breadth.fetch.extract import archive_stem
from breadth.fetch.fetch import Outcome, Plan, size_text
from breadth.fetch.listing import RECORD
from breadth.fetch.services import from_environment

__all__ = ["fetch"]


def fetch(
    source: Annotated[
        str,
        typer.Argument(help="zenodo:RECORD, hf:USER/REPO[@REVISION], gdrive:ID, a DOI, or an https address.", metavar="SOURCE"),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for the files; made if missing.")],
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Only files whose path matches, as in '*.pt'; repeatable.")
    ] = None,
    max_bytes: Annotated[
        str, typer.Option("--max-bytes", help="The most to download, and the most an archive may become.")
    ] = "20G",
    extract: Annotated[
        bool, typer.Option("--extract/--no-extract", help="Unpack zip and tar archives, each into a folder beside it.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the files and what would be done, and stop.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring published checkpoints or data into a folder: resumed where broken off, verified, and with a record of where they came from.

    Files that are there and verified are skipped. Sizes are checked, and the checksums that the service states (MD5 on Zenodo, SHA-256 or
    git's on the Hugging Face Hub; Google Drive and plain addresses state none). Nothing unverified gets its final name. fetched.json in
    the folder holds addresses, times, SHA-256 and licence. Stopped at any instant, the same command goes on from there.

    For a gated or private repository, set HF_TOKEN; it is sent to the Hub's own host only. HF_ENDPOINT, BREADTH_ZENODO_URL and
    BREADTH_DRIVE_URL name mirrors.

    \b
    Examples:
      breadth fetch zenodo:8247898 --out checkpoints --dry-run
      breadth fetch zenodo:8247898 --out checkpoints --only "*.zip" --extract
      breadth fetch hf:USER/REPO@v1.0 --out weights --only "*.safetensors"
      breadth fetch hf:datasets/USER/NAME --out data --max-bytes 50G
      breadth fetch https://drive.google.com/drive/folders/ID --out drive
    """
    most = bytes_of("--max-bytes", max_bytes, "800M or 50G")
    services, client = from_environment(), Client(wait=_wait)
    plan = fetching.plan_fetch(fetching.look_up(source, services, client), out, only or ())
    if dry_run:
        if as_json:
            print_json(_planned(plan))
        else:
            _tell_plan(plan, most)
        return
    if not as_json:
        print(f"{source}: {_summary(plan)}", file=sys.stderr)
    with progress_bar("fetch", quiet=as_json) as show:
        outcome = fetching.fetch(plan, services, client, max_bytes=most, unpack=extract, report=show)
    if as_json:
        print_json(_done(plan, outcome))
    else:
        _tell_outcome(plan, outcome, extract)


def _wait(seconds: float, why: str) -> None:
    print(f"{why}; trying again in {seconds:.0f} s" if seconds else f"{why}; starting again", file=sys.stderr, flush=True)
    time.sleep(seconds)


def _summary(plan: Plan) -> str:
    keep = sum(s.action == "keep" for s in plan.steps)
    there = f", {keep} there and verified" if keep else ""
    return f"{_count(len(plan.steps), 'file')}, {size_text(plan.total)}{there}; {size_text(plan.missing)} to download"


def _tell_plan(plan: Plan, most: int) -> None:
    for step in plan.steps:
        said = {"keep": "there", "download": "download", "resume": f"resume at {size_text(step.have)}"}[step.action]
        print(f"{size_text(step.remote.size):>10}  {said:<10}  {step.remote.path}")
    for note in plan.listing.notes:
        print(note)
    print(_summary(plan))
    print(f"licence: {plan.listing.licence or 'not stated'}; {plan.listing.page}")
    if plan.missing is not None and plan.missing > most:
        print(f"more than the limit of {size_text(most)}: choose files (--only) or raise it (--max-bytes)")


def _tell_outcome(plan: Plan, outcome: Outcome, extract: bool) -> None:
    for note in plan.listing.notes:
        print(note)
    for archive, unpacked in outcome.unpacked.items():
        print(f"{archive.name}: {_count(unpacked.files, 'file')}, {size_text(unpacked.size)}, unpacked into {unpacked.folder}")
    print(
        f"{plan.folder}: {_count(len(outcome.fetched), 'file')} fetched ({size_text(outcome.transferred)}), "
        f"{len(outcome.kept)} there before; licence: {plan.listing.licence or 'not stated'}; see {plan.folder / RECORD}"
    )
    unverified = sum(s.remote.checksum is None for s in plan.steps)
    if unverified:
        print(f"{_count(unverified, 'file')} without a checksum at the source: only the size could be checked, where it was stated")
    if not extract and any(archive_stem(s.remote.path.name) for s in plan.steps):
        print("--extract unpacks the archives")


def _planned(plan: Plan) -> dict[str, Any]:
    listing = plan.listing
    return {
        "source": listing.source,
        "service": listing.service,
        "page": listing.page,
        "title": listing.title,
        "licence": listing.licence,
        "revision": listing.revision,
        "notes": list(listing.notes),
        "folder": str(plan.folder),
        "total_bytes": plan.total,
        "missing_bytes": plan.missing,
        "files": [
            {
                "path": str(s.remote.path),
                "name": s.remote.name,
                "url": s.remote.url,
                "size": s.remote.size,
                "checksum": None if s.remote.checksum is None else asdict(s.remote.checksum),
                "action": s.action,
                "have": s.have,
            }
            for s in plan.steps
        ],
    }


def _done(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    return {
        **_planned(plan),
        "fetched": [str(p) for p in outcome.fetched],
        "kept": [str(p) for p in outcome.kept],
        "transferred_bytes": outcome.transferred,
        "unpacked": {
            str(archive): {"folder": str(u.folder), "files": u.files, "bytes": u.size} for archive, u in outcome.unpacked.items()
        },
        "record": str(plan.folder / RECORD),
    }


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
