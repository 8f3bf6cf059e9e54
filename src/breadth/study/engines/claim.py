"""Claims: which process has which run, in a folder that any number of machines may share.

A claim is the file ``claim-N`` in the run's folder, N = 1, 2, ...; the one with the highest N counts. Who makes it has the run, touches
it every few seconds while at work, and removes all claims of the run once ``record.json`` stands. The rules, and why they suffice:

1. ``claim-N`` is made with O_EXCL, so exactly one of any number of processes that try has it.
2. ``claim-(N+1)`` is made only where claim N is over: given back, its process dead, or untouched for its stated time. No claim is ever
   replaced or removed before the record, so nobody can remove a claim that another has just made: a number is won once, by one process.
3. Who has won looks for the record once more, and finds it where the run was finished, and its claims removed, in between. Listing the
   folder in which it has just made a file, it sees what other machines did there, whatever its own cache held.
4. On one machine a claim is over when its process is: exact, at once, no clock. Processes are told apart by machine (host, boot and
   process namespace), id and start time. A process that lives but is stopped keeps its run.
5. From another machine a claim is over when its time of change did not move for ``stale_after`` seconds of the watcher's own clock. Times of
   different machines are never compared, so clocks may differ. A file system that caches attributes is no trouble: files are opened
   to be looked at, and the time is many heartbeats long.
6. A process that was frozen for longer than that (a virtual machine put to sleep) has lost its run. It notices at its next heartbeat or
   report, and at the latest right before it writes the record, and leaves the run to the new owner. Only a freeze in the milliseconds between
   that look and the record goes unnoticed; the checksums in the record then tell files of one owner from those of the other.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import re
import socket
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

__all__ = ["STALE_AFTER", "Claim", "ClaimLost", "Held", "Watch", "current", "give_back", "take"]

# Seconds without a heartbeat after which other machines take a run over; eight heartbeats, and twice what NFS may cache attributes.
STALE_AFTER = 120.0
BEATS = 8

_NAME = re.compile(r"claim-([1-9][0-9]*)")


class ClaimLost(Exception):
    """The run belongs to another process now; never shown to a person."""


@dataclass(frozen=True)
class Claim:
    """Who has a run. started: start time of the process, as the kernel tells it; since: seconds since 1970 on the owner's clock.

    ``machine`` is empty where the system does not tell processes of one machine from those of another: only time ends such a claim.
    """

    host: str = "?"
    machine: str = ""
    pid: int = 0
    started: str = ""
    since: float = 0.0
    stale_after: float = STALE_AFTER
    given_back: bool = False


@dataclass(frozen=True)
class Seen:
    """A claim as found: its number and the time of its last heartbeat in ns, by the clock of the file system."""

    number: int
    beat: int
    claim: Claim

    def is_over(self) -> bool:
        """Whether the claim is known to be over without waiting: given back, or made by a process of this machine that is no more."""
        c = self.claim
        return c.given_back or (c.machine != "" and c.machine == _machine() and not _lives(c.pid, c.started))


@functools.cache
def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:  # not Linux
        return ""
    return hashlib.sha256(f"{socket.gethostname()} {boot} {namespace}".encode()).hexdigest()[:16]


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the third on; empty where it cannot be read."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _lives(pid: int, started: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    fields = _stat(pid)
    return not fields or (fields[0] not in "ZX" and fields[19] == started)


def _mine() -> Claim:
    fields = _stat(os.getpid())
    return Claim(socket.gethostname(), _machine(), os.getpid(), fields[19] if fields else "", round(time.time(), 3))


def _read(path: Path) -> tuple[int, Claim] | None:
    try:
        with path.open(encoding="utf-8") as stream:  # opened, not only asked for: a network file system then looks at the server
            text, beat = stream.read(), os.fstat(stream.fileno()).st_mtime_ns
    except OSError:
        return None
    try:
        return beat, Claim(**json.loads(text))
    except (ValueError, TypeError):  # made, and not yet written: someone's
        return beat, Claim()


def _numbers(names: list[str]) -> list[int]:
    return sorted(int(found[1]) for name in names if (found := _NAME.fullmatch(name)))


def _path(folder: Path, number: int) -> Path:
    return folder / f"claim-{number}"


def current(folder: Path) -> Seen | None:
    """Return the claim that counts in a run's folder; None where there is none, or no folder."""
    try:
        numbers = _numbers(os.listdir(folder))
    except OSError:
        return None
    found = _read(_path(folder, numbers[-1])) if numbers else None
    return Seen(numbers[-1], *found) if found else None


class Watch:
    """Watches claims and says when a run may be taken. Lives as long as the process that hands out runs, for it must see time pass."""

    def __init__(self) -> None:
        self._unchanged: dict[Path, tuple[int, int, float]] = {}  # number, last heartbeat, since when neither moved

    def free(self, folder: Path) -> int | None:
        """Return the number of the claim to make next; None while the run is someone's."""
        seen = current(folder)
        if seen is None:
            return 1
        now = time.monotonic()
        number, beat, since = self._unchanged.get(folder, (0, 0, 0.0))
        if (number, beat) != (seen.number, seen.beat):
            self._unchanged[folder] = (seen.number, seen.beat, since := now)
        stale = now - since > seen.claim.stale_after
        if seen.claim.machine and seen.claim.machine == _machine():
            stale = False  # that machine is this one: the process itself tells
        return seen.number + 1 if stale or seen.is_over() else None


def take(folder: Path, number: int, *, stale_after: float = STALE_AFTER) -> Held | None:
    """Make claim ``number``, which a ``Watch`` found free, in a run's folder (made if missing); None where another has made it."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(_path(folder, number), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        return None
    claim = replace(_mine(), stale_after=stale_after)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(asdict(claim), stream)
    return Held(folder, number, claim)


def give_back(folder: Path, number: int, pid: int) -> None:
    """Say that claim ``number`` is over, where process ``pid`` of this machine, which is dead or asks for it, has made it."""
    found = _read(_path(folder, number))
    if found and found[1].pid == pid and found[1].machine == _machine():
        with contextlib.suppress(OSError):
            _path(folder, number).write_text(json.dumps(asdict(replace(found[1], given_back=True))), encoding="utf-8")


class Held:
    """A claim that this process has; a thread of it beats until ``give_back`` or ``remove``."""

    def __init__(self, folder: Path, number: int, claim: Claim) -> None:
        self.folder, self.number, self.claim = folder, number, claim
        self.lost = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"claim {folder.name}", daemon=True)
        self._thread.start()

    def _names(self) -> list[str]:
        return os.listdir(self.folder)

    def _is_mine(self, names: list[str]) -> bool:
        numbers = _numbers(names)
        return bool(numbers) and numbers[-1] == self.number

    def _beat(self) -> None:
        while not self._over.wait(self.claim.stale_after / BEATS):
            # A share that is out of reach for a while comes back; whether the run was taken meanwhile is seen then.
            with contextlib.suppress(OSError):
                self.lost = not self._is_mine(self._names())
                if self.lost:
                    return
                os.utime(_path(self.folder, self.number))

    def is_done(self) -> bool:
        """Whether the run has its record, seen past any cache of this machine."""
        return "record.json" in self._names()

    def still_held(self) -> None:
        """Raise ClaimLost where the last heartbeat found that the run is another's. Costs nothing."""
        if self.lost:
            raise ClaimLost

    def confirm(self) -> None:
        """Look, and raise ClaimLost where the run is another's or done."""
        names = self._names()
        if not self._is_mine(names) or "record.json" in names:
            raise ClaimLost

    def _end(self) -> None:
        self._over.set()
        self._thread.join()

    def give_back(self) -> None:
        """Let anyone take the run at once."""
        self._end()
        give_back(self.folder, self.number, self.claim.pid)

    def remove(self) -> None:
        """Remove all claims of the run, whose record must stand."""
        self._end()
        for number in _numbers(self._names()):
            _path(self.folder, number).unlink(missing_ok=True)
