"""What ``breadth measure`` found, told in a terminal, mixed as asked, and written as a page."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from breadth.cli.options import print_json
from breadth.errors import MeasureError, printable
from breadth.measure.measurement import Measurement, TaskPair
from breadth.measure.text.measurement import TextMeasurement
from breadth.measure.unlabelled import FeatureMeasure
from breadth.stats.interval import Estimate

__all__ = ["Mixed", "as_dict", "asked_weights", "finish", "mixture_of", "tell", "tell_features", "write_page"]


# Share of redraws that turn an order beyond which nothing is known of it.
COIN = 0.4


@dataclass(frozen=True)
class Mixed:
    """A mixture that was asked for.

    gains: what each source would add to the diversity, per unit of weight moved to it; corrected: the diversity without the estimator's
    noise where the sources are text, of which the gains are then, too.
    """

    weights: dict[str, float]
    diversity: Estimate
    gains: dict[str, float]
    corrected: Estimate | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields, JSON-able."""
        corrected = {} if self.corrected is None else {"corrected": self.corrected.as_dict()}
        return {"weights": self.weights, "diversity": self.diversity.as_dict(), **corrected, "gains": self.gains}

    def __str__(self) -> str:
        parts = ", ".join(f"{100 * weight:.3g}% {printable(name)}" for name, weight in self.weights.items() if weight)
        d, best = self.corrected or self.diversity, max(self.gains, key=lambda name: self.gains[name])
        more = f"\n  more of      {printable(best)} would add most" if self.gains[best] > 1e-6 else ""
        plain = "" if self.corrected is None else f"   plain {self.diversity.value:.4f}"
        return f"mixture of {parts}\n  diversity    {d.value:.4f} [{d.low:.4f}, {d.high:.4f}]{plain}{more}"


def mixture_of(result: Measurement | TextMeasurement, weights: list[float] | Literal["best"]) -> Mixed:
    """Return the mixture of the sources by ``weights`` in their order, or the most diverse one."""
    mix = result.mixture()
    judged = result.mixture_without_noise() if isinstance(result, TextMeasurement) else mix
    w = list(judged.best().weights) if weights == "best" else weights
    corrected = None if judged is mix else judged.diversity(w)
    return Mixed(dict(zip(mix.names, w, strict=True)), mix.diversity(w), judged.gains(w), corrected)


def as_dict(result: Measurement | TextMeasurement, mixed: Mixed | None) -> dict[str, Any]:
    """Return what is printed as JSON and written beside the page."""
    return result.as_dict() | ({} if mixed is None else {"mixture": mixed.as_dict()})


def asked_weights(text: str, names: list[str]) -> list[float] | Literal["best"]:
    """Return the weights that ``text`` names: "best", or "NAME=WEIGHT,NAME=WEIGHT" (sources that are not named have weight 0).

    Raises MeasureError for one source alone, another text, or weights that are no mixture, before anything is measured.
    """
    if len(names) < 2:
        raise MeasureError(
            f"--mixture is '{text}' for the source '{names[0]}' alone; expected two or more sources: add one, or leave it out"
        )
    if text == "best":
        return "best"
    given: dict[str, float] = {}
    rest = text
    while rest:
        # Names may hold "=" and ",", so each is looked for as a whole, the longest first.
        name = next((n for n in sorted(names, key=len, reverse=True) if rest.startswith(f"{n}=")), None)
        value, _, rest = rest[len(name) + 1 :].partition(",") if name is not None else (rest, "", "")
        try:
            if name is None or name in given:
                raise ValueError
            given[name] = float(value)
        except ValueError:
            raise MeasureError(
                f"--mixture is '{text}'; expected best, or NAME=WEIGHT,... with each name once, of: {', '.join(names)}"
            ) from None
    if not all(weight >= 0 for weight in given.values()) or abs(sum(given.values()) - 1) > 1e-6:
        raise MeasureError(f"--mixture is '{text}'; expected weights of at least 0 that sum to 1")
    return [given.get(name, 0.0) for name in names]


def tell(result: Measurement, precision: float | None = None) -> None:
    """Print every source, every distance, what a reader must know and what to do next; precision: the one asked of "auto"."""
    for s in result.sources:
        print(s)
        if precision is not None:
            half = (s.corrected.high - s.corrected.low) / 2
            print(f"  note         {s.embeddings.tasks} tasks for ±{precision:g} of diversity; corrected is known to ±{half:.4f}")
        if s.corrected.value <= 0:
            print("  note         not above its noise floor: no diversity of classes shows under this protocol")
        if not s.reached:
            print("  note         the interval is still wider than asked at the largest number of tasks")
    for c in result.cross:
        print(c)
    for o in result.stability:
        if o.flip_rate > 0.05:
            how = "is a coin toss" if o.flip_rate > COIN else "may turn"
            print(
                f"the order of {printable(o.a)} and {printable(o.b)} {how}: it turns in {o.flip_rate:.0%} of {o.n} redraws of {o.tasks} tasks"
            )
    for note in result.notes:
        print(f"note: {note}")
    print("what to do next")
    for sentence in result.advice:
        print(f"  {sentence}")
    tasks = dict.fromkeys(s.embeddings.tasks for s in result.sources)
    level = f"{result.sources[0].diversity.level:.0%}"
    print(
        f"{level} intervals over tasks drawn from the given data ({' or '.join(str(t) for t in tasks)} a source); probe "
        f"{result.probe['name']}; protocol {result.protocol['comparable']}: compare values of one protocol only",
        file=sys.stderr,
    )


def tell_features(found: Sequence[FeatureMeasure]) -> None:
    """Print the metrics of features without classes, and why there is no coefficient."""
    for f in found:
        print(f"{printable(f.name)}: {f.items} items")
        width = max(len(r.name) for r in f.rivals)
        for r in f.rivals:
            print(f"  {r.name:<{width}}  {r.estimate.value:.5g} [{r.estimate.low:.5g}, {r.estimate.high:.5g}]  ({r.size_bias})")
    print("no labels, hence no tasks and no diversity coefficient; 95% intervals for this number of items", file=sys.stderr)


def finish(
    result: Measurement | TextMeasurement,
    weights: list[float] | Literal["best"] | None,
    *,
    out: Path | None,
    as_json: bool,
    told: Callable[[], None],
) -> None:
    """Write the page where one was asked for, then print JSON, or what ``told`` tells, the mixture by ``weights`` and where the page is."""
    mixed = None if weights is None else mixture_of(result, weights)
    if out is not None:
        write_page(result, out, mixed)
    if as_json:
        print_json(as_dict(result, mixed))
        return
    told()
    if mixed is not None:
        print(mixed)
    if out is not None:
        print(f"page: {out / 'index.html'}")


def write_page(result: Measurement | TextMeasurement, out: Path, mixed: Mixed | None = None) -> None:
    """Write the page of a measurement, its pictures and its numbers into ``out``, with the mixture that was asked for."""
    from breadth.report.measurement import write_measurement  # loads matplotlib
    from breadth.report.strips import Extremes, Pair

    def pair(p: TaskPair) -> Pair:
        return Pair(p.distance, (f"task {p.tasks[0]}", f"task {p.tasks[1]}"), p.images)

    shown = {} if isinstance(result, TextMeasurement) else {s.name: s.extremes() for s in result.sources}
    extremes = {name: Extremes(pair(found[0]), pair(found[1])) for name, found in shown.items() if found is not None}
    distances = {s.name: s.distances for s in result.sources}
    command = shlex.join(["breadth", *sys.argv[1:]])
    write_measurement(as_dict(result, mixed), distances, out, extremes=extremes, command=command)
