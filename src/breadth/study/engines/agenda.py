"""What is left to do: which run may start next, which are done (here or by others in the same folder), how long the rest may take."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from breadth.errors import BreadthError, StoreError
from breadth.study.engines.claim import Watch, current
from breadth.study.plan import RunSpec
from breadth.study.store import Store

__all__ = ["Agenda", "AtWork", "Outcome", "Progress", "Report", "Ticket"]

# Seconds after which a run that another process has is looked at again.
LOOK_AGAIN = 1.0
# Runs that train a language model; they count tokens.
OF_TOKENS = ("text-probe", "text-train")


@dataclass(frozen=True)
class Progress:
    """How far the whole is: runs done of total, fraction of the estimated work, seconds left (nan at first), what runs now.

    tokens_per_second: of all language models that are trained here, together; None where there are none or nothing is known yet.
    """

    done: int
    total: int
    fraction: float
    seconds_left: float
    running: tuple[str, ...]
    tokens_per_second: float | None = None


Report = Callable[[Progress], None]


@dataclass(frozen=True)
class Ticket:
    """Leave to try a run: the number of the claim to make."""

    run: RunSpec
    number: int


@dataclass(frozen=True)
class AtWork:
    """A run that an engine has at work, the fraction of it that is done, and what it does of what it counts a second, where known."""

    run: RunSpec
    fraction: float = 0.0
    rate: float | None = None

    @property
    def tokens_per_second(self) -> float | None:
        """The rate of a language model's training."""
        return self.rate if self.run.kind in OF_TOKENS else None

    def __str__(self) -> str:
        rate = self.tokens_per_second
        return f"{self.run.kind} {self.run.label}" + ("" if rate is None else f", {rate:,.0f} tokens/s")


@dataclass(frozen=True)
class Outcome:
    """How an attempt at a run ended. taken: another process has it or has done it; failed, crashed: content says why."""

    kind: Literal["done", "taken", "failed", "crashed"]
    content: str = ""


def name_of(run: RunSpec) -> str:
    """Id and label, for messages."""
    return f"{run.run_id} ({run.label})"


class Agenda:
    """The runs without a record, in the order in which an engine is to start them, and what became of them.

    Raises StoreError where a run needs one that is neither among ``runs`` nor done.
    """

    def __init__(self, runs: Sequence[RunSpec], store: Store, report: Report | None = None) -> None:
        self.runs, self.store = tuple(runs), store
        self.executed = 0
        self.finished = {r.run_id for r in runs if store.is_done(r)}
        self.missing = tuple(r for r in runs if r.run_id not in self.finished)
        known = {r.run_id for r in runs}
        for run in self.missing:
            if any(need not in known and not store.is_done(need) for need in run.needs):
                raise StoreError(f"{run.run_id} needs runs that the plan does not hold: {', '.join(run.needs)}")
            self.finished.update(need for need in run.needs if need not in known)
        self._waiting = sorted(self.missing, key=self._order)
        self._look_at: dict[str, float] = {}
        self._watch = Watch()
        self._report = report
        # Runs that go on from a checkpoint, and the work of theirs that was done before, once it is known.
        self._resumed: set[str] = set()
        self._before: dict[str, float] = {}
        self._started = time.monotonic()
        self._work = sum(r.seconds for r in self.missing) or 1.0

    @staticmethod
    def _order(run: RunSpec) -> tuple[bool, float]:
        # Probes first, for what is wrong with one should be known soon; then the longest, so that none is left alone at the end.
        return not run.kind.endswith("probe"), -run.seconds

    @property
    def waiting(self) -> bool:
        """Whether any run is neither done nor handed out."""
        return bool(self._waiting)

    def next(self) -> Ticket | None:
        """Hand out a run whose needs are done and which nobody has; None where there is none at present."""
        now = time.monotonic()
        for run in tuple(self._waiting):
            if not self.finished.issuperset(run.needs) or self._look_at.get(run.run_id, now) > now:
                continue
            if self.store.is_done(run):
                self._waiting.remove(run)
                self.finished.add(run.run_id)
                continue
            number = self._watch.free(self.store.folder(run))
            if number is not None:
                self._waiting.remove(run)
                if (self.store.folder(run) / "checkpoint").is_dir():
                    self._resumed.add(run.run_id)
                return Ticket(run, number)
            self._look_at[run.run_id] = now + LOOK_AGAIN
        return None

    def settle(self, run: RunSpec, outcome: Outcome) -> None:
        """Note how the attempt at a run that was handed out ended. Raises its error where it failed."""
        if outcome.kind == "failed":
            raise BreadthError(outcome.content)
        if outcome.kind == "crashed":
            raise StoreError(f"run {name_of(run)} crashed; this is a fault of breadth, please report it:\n{outcome.content}")
        if outcome.kind == "done":
            self.executed += 1
            self.finished.add(run.run_id)
        else:
            self._look_at[run.run_id] = time.monotonic() + LOOK_AGAIN
            self._waiting.append(run)
            self._waiting.sort(key=self._order)

    def sweep(self) -> int:
        """For an engine whose workers hand out runs themselves: note all runs that are done by now and return how many are new."""
        new = [r for r in self._waiting if self.store.is_done(r)]
        for run in new:
            self._waiting.remove(run)
            self.finished.add(run.run_id)
        return len(new)

    def claimed(self) -> tuple[str, ...]:
        """Return what others in this folder work on, with their hosts."""
        seen = ((r, current(self.store.folder(r))) for r in self._waiting)
        return tuple(f"{r.kind} {r.label} @{s.claim.host}" for r, s in seen if s and not s.is_over())

    def tell(self, running: Sequence[AtWork] = (), elsewhere: Sequence[str] = ()) -> None:
        """Report progress: the runs at work here, and what is known of other places."""
        if self._report is None:
            return
        work = sum(r.seconds for r in self.missing if r.run_id in self.finished)
        work += sum(w.run.seconds * w.fraction for w in running)
        elapsed = time.monotonic() - self._started
        for w in running:
            if w.run.run_id in self._resumed and w.fraction > 0:
                self._before.setdefault(w.run.run_id, w.run.seconds * w.fraction)
        now = work - sum(self._before.values())
        left = elapsed * (self._work - work) / now if now > 0.005 * self._work and elapsed > 3 else float("nan")
        done = sum(r.run_id in self.finished for r in self.missing)
        names = (*(str(w) for w in running), *elsewhere)
        rates = [w.tokens_per_second for w in running if w.tokens_per_second is not None]
        self._report(Progress(done, len(self.missing), work / self._work, left, names, sum(rates) if rates else None))
