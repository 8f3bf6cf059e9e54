"""The story: a text -> what is there -> what is still to be done -> files in a folder, verified and recorded."""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from breadth.errors import FetchError, did_you_mean
from breadth.fetch import drive
from breadth.fetch.client import Answer, Client, StatusError, host_of
from breadth.fetch.direct import list_address
from breadth.fetch.download import Open, digests, download, usable_part
from breadth.fetch.extract import Limits, Unpacked, archive_stem, extract
from breadth.fetch.hub import list_repository
from breadth.fetch.listing import Listing, Remote
from breadth.fetch.places import Drive, Hub, Zenodo, place_of
from breadth.fetch.record import entry_of, locked, read_record, write_entry
from breadth.fetch.services import Services
from breadth.fetch.zenodo import list_record

__all__ = ["MAX_BYTES", "Outcome", "Plan", "Progress", "Step", "fetch", "look_up", "plan_fetch", "size_text"]

MAX_BYTES = 20 * 2**30
Progress = Callable[[float, float, str], None]  # fraction done, seconds left (nan where unknown), what is done now
Action = Literal["keep", "resume", "download"]


@dataclass(frozen=True)
class Step:
    """What is to be done for one file. have: bytes that are already there; sha256: of a file that is kept."""

    remote: Remote
    action: Action
    have: int
    sha256: str = ""


@dataclass(frozen=True)
class Plan:
    """What is to be done for all chosen files of a listing in a folder."""

    listing: Listing
    folder: Path
    steps: tuple[Step, ...]

    @property
    def total(self) -> int | None:
        """Bytes of all chosen files, or None where a size is not stated."""
        return _sum([s.remote.size for s in self.steps])

    @property
    def missing(self) -> int | None:
        """Bytes still to transfer, or None where a size is not stated."""
        return _sum([None if s.remote.size is None else s.remote.size - s.have for s in self.steps if s.action != "keep"])


@dataclass(frozen=True)
class Outcome:
    """What came of a plan. transferred: bytes that crossed the network now; unpacked: archive -> what it became now."""

    fetched: tuple[Path, ...]
    kept: tuple[Path, ...]
    transferred: int
    unpacked: Mapping[Path, Unpacked]


def look_up(text: str, services: Services, client: Client) -> Listing:
    """Return what the place that ``text`` names holds. Raises FetchError where it names none, or where the place cannot be read."""
    place = place_of(text)
    if isinstance(place, Zenodo):
        return list_record(place, text, services.zenodo, client)
    if isinstance(place, Hub):
        return list_repository(place, text, services, client)
    if isinstance(place, Drive):
        return drive.list_drive(place, text, services.drive, client)
    return list_address(place, text, client)


def plan_fetch(listing: Listing, folder: Path, only: Sequence[str] = ()) -> Plan:
    """Return what is still to be done for the files of a listing in ``folder``; files that are there are hashed.

    only: patterns as a shell has them ("*.pt"), for the path or the name of a file; none means all. Raises FetchError where none
    matches, and where another file stands where one of these belongs.
    """
    record = read_record(folder)
    chosen = [r for r in listing.files if not only or any(_matches(r, pattern) for pattern in only)]
    if not chosen:
        names = [r.name for r in listing.files]
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        raise FetchError(
            f"no file of {listing.source} is called {' or '.join(repr(o) for o in only)}; it holds {shown}{did_you_mean(only[0], names)}"
        )
    return Plan(listing, folder, tuple(_step(r, folder, entry_of(record, str(r.path))) for r in chosen))


def fetch(
    plan: Plan,
    services: Services,
    client: Client,
    *,
    max_bytes: int = MAX_BYTES,
    unpack: bool = False,
    report: Progress = lambda fraction, left, now: None,
) -> Outcome:
    """Do what a plan says: transfer, verify, record, and where asked unpack archives beside themselves.

    max_bytes: the most that is transferred now, and the most that one archive may become. Raises FetchError; what arrived before stays.
    """
    _check_room(plan, max_bytes)
    fetched, kept, unpacked = list[Path](), list[Path](), dict[Path, Unpacked]()
    meter = _Meter(plan, report)
    with locked(plan.folder) as workplace:
        for step in plan.steps:
            target = plan.folder / step.remote.path
            if step.action == "keep":
                kept.append(target)
                if not entry_of(read_record(plan.folder), str(step.remote.path)):  # it was there before the record was
                    entry = _entry(step.remote, step.have, step.sha256, came_from=None)
                    write_entry(plan.folder, plan.listing, str(step.remote.path), entry)
            else:
                arrived = download(
                    step.remote,
                    plan.folder,
                    client=client,
                    open_=_opener(plan.listing, services, client),
                    most=step.have + max_bytes - meter.transferred,
                    report=meter.of(step),
                )
                # The record first: a file that bears its final name is always one that the record knows.
                entry = _entry(step.remote, arrived.size, arrived.sha256, came_from=arrived.url)
                write_entry(plan.folder, plan.listing, str(step.remote.path), entry)
                arrived.settle(target)
                fetched.append(target)
                meter.finish(step, arrived.size)
            if unpack and archive_stem(target.name):
                done = _unpack(plan, step.remote, target, Limits(total=max_bytes), workplace)
                unpacked.update({target: done} if done else {})
    return Outcome(tuple(fetched), tuple(kept), meter.transferred, unpacked)


def size_text(size: int | None) -> str:
    """Return bytes as a person says them: "812 bytes", "3.4 MB", "20.0 GB" (powers of 1024); "?" where unknown."""
    if size is None:
        return "?"
    if size < 1024:
        return f"{size} bytes"
    power = min(int(math.log2(size)) // 10, 4)
    return f"{size / 1024**power:.1f} {' KMGT'[power]}B"


def _sum(sizes: Sequence[int | None]) -> int | None:
    known = [s for s in sizes if s is not None]
    return sum(known) if len(known) == len(sizes) else None


def _matches(remote: Remote, pattern: str) -> bool:
    return any(fnmatchcase(text, pattern) for text in (remote.name, str(remote.path), remote.path.name))


def _step(remote: Remote, folder: Path, entry: Mapping[str, Any]) -> Step:
    target = folder / remote.path
    if not os.path.lexists(target):
        have, _ = usable_part(folder, remote)
        return Step(remote, "resume" if have else "download", have)
    if not target.is_file():
        raise FetchError(f"{target} is not a file; move it away, or give another folder")
    size = target.stat().st_size
    sha256, checksum = digests(target, remote.checksum, size)
    if remote.checksum is not None and checksum == remote.checksum:
        return Step(remote, "keep", size, sha256)
    ours = entry.get("sha256") == sha256
    if remote.checksum is None and ours and entry.get("url") == remote.url and remote.size in (None, size):
        return Step(remote, "keep", size, sha256)
    if ours:
        raise FetchError(f"{target} was fetched at {entry.get('fetched_at')} and has changed at its source; give another folder")
    raise FetchError(f"{target} exists and is not what was published as {remote.name}; move it away, or give another folder")


def _check_room(plan: Plan, max_bytes: int) -> None:
    missing = sum((s.remote.size or s.have) - s.have for s in plan.steps if s.action != "keep")
    if missing > max_bytes:
        raise FetchError(
            f"{plan.listing.source}: {size_text(missing)} to download, more than the limit of {size_text(max_bytes)}; "
            "choose files (--only) or raise the limit (--max-bytes)"
        )
    place = plan.folder.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if missing > free:
        raise FetchError(
            f"{plan.folder}: {size_text(missing)} to download, {size_text(free)} free; make room, or give another folder"
        )


def _opener(listing: Listing, services: Services, client: Client) -> Open:
    secret = services.hub_secret if listing.service == "huggingface" else None

    def opened(remote: Remote, headers: Mapping[str, str]) -> Answer:
        try:
            if listing.service == "gdrive":
                return drive.open_file(remote, headers, client)
            return client.open(remote.url, headers, secret)
        except StatusError as error:
            if error.status not in (401, 403):
                raise
            token = ", and set HF_TOKEN" if listing.service == "huggingface" else ""
            raise FetchError(
                f"{remote.name}: {host_of(remote.url)} answers {error.status}; it is closed to you: "
                f"accept its terms or ask for access at {listing.page}{token}"
            ) from error

    return opened


def _entry(remote: Remote, size: int, sha256: str, came_from: str | None) -> dict[str, Any]:
    return {
        "name": remote.name,
        "url": remote.url,
        "came_from": came_from,
        "size": size,
        "sha256": sha256,
        "verified": None if remote.checksum is None else str(remote.checksum),
        "fetched_at": datetime.now(UTC).isoformat(timespec="seconds") if came_from else None,
    }


def _unpack(plan: Plan, remote: Remote, archive: Path, limits: Limits, workplace: Path) -> Unpacked | None:
    """Unpack an archive beside itself, unless that was done before with the same bytes."""
    entry = entry_of(read_record(plan.folder), str(remote.path))
    target = archive.with_name(str(archive_stem(archive.name)))
    if not os.path.lexists(target):
        # The record first, here too: a folder that a killed process had just finished is then known to be whole.
        write_entry(plan.folder, plan.listing, str(remote.path), {**entry, "unpacked": entry["sha256"]})
    elif entry.get("unpacked") == entry["sha256"] and target.is_dir():
        return None
    return extract(archive, target, limits, workplace)


class _Meter:
    """Counts bytes over all files of a plan, and what time they leave."""

    def __init__(self, plan: Plan, report: Progress) -> None:
        self.transferred = 0
        self._report, self._missing = report, plan.missing
        self._begin, self._now = time.monotonic(), 0

    def of(self, step: Step) -> Callable[[int], None]:
        def show(have: int) -> None:
            self._now = max(have - step.have, 0)
            done = self.transferred + self._now
            fraction = min(done / self._missing, 1.0) if self._missing else 0.0
            left = (time.monotonic() - self._begin) * (1 - fraction) / fraction if fraction else math.nan
            self._report(fraction, left, f"{size_text(done)}  {step.remote.path.name}")

        return show

    def finish(self, step: Step, size: int) -> None:
        self.transferred += max(size - step.have, 0)
