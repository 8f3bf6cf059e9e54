"""What raw and adjusted slopes over uncontrolled checkpoints say when the truth is planted: the table and picture of uncontrolled.md.

    python docs/uncontrolled.py            # prints the table (Markdown) and writes docs/uncontrolled.png; about two minutes on one core

An "accuracy" is made from a diversity x, three recorded covariates (size, complexity, alignment) and whatever a scenario adds; all in
standard deviations over training sets, effects in accuracy. Nothing is trained.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from breadth.seeds import generator
from breadth.stats.association import adjusted_slope, mixed_slope
from breadth.stats.sensitivity import sensitivity
from breadth.study.recipes import RECIPES
from breadth.study.verdict import Evidence, VerdictRule, decide

NOISE = 0.02  # standard deviation of accuracy between training sets that nothing explains
EFFECT = 0.02  # planted effect of diversity, and of a confounder, per standard deviation
MOVES = 0.6  # correlation of a confounder with diversity
SIZES = (12, 21, 60)
DRAWS = 500
RULE = VerdictRule("accuracy", smallest_effect=0.01)


@dataclass(frozen=True)
class Study:
    """One simulated study: diversity, accuracy, recorded covariates, shares of domains, and what the audit found."""

    x: np.ndarray
    y: np.ndarray
    recorded: dict[str, np.ndarray]
    membership: np.ndarray
    violations: tuple[str, ...] = ()


def _with(x: np.ndarray, r: float, rng: np.random.Generator) -> np.ndarray:
    """A variable that correlates r with x."""
    return r * x + math.sqrt(1 - r * r) * rng.normal(size=x.size)


def _study(
    rng: np.random.Generator,
    n: int,
    effect: float,
    *,
    size: tuple[float, float] = (0.0, 0.0),
    hidden: tuple[float, float] = (0.0, 0.0),
    proxy: float = 1.0,
    through: bool = False,
) -> Study:
    """size, hidden: correlation with diversity and effect of the recorded size and of something unrecorded; proxy: reliability with which
    size is recorded; through: whether diversity acts by making single tasks more complex."""
    x, alignment = rng.normal(size=(2, n))
    true_size, other = _with(x, size[0], rng), _with(x, hidden[0], rng)
    complexity = _with(x, 0.8, rng) if through else rng.normal(size=n)
    acts = EFFECT / 0.8 * complexity if through else effect * x
    y = acts + size[1] * true_size + hidden[1] * other + NOISE * rng.normal(size=n)
    seen = math.sqrt(proxy) * true_size + math.sqrt(1 - proxy) * rng.normal(size=n)
    return Study(x, y, {"size": seen, "complexity": complexity, "alignment": alignment}, np.ones((n, 1)))


def _overlap(rng: np.random.Generator, n: int, noticed: bool) -> Study:
    """The third of the training sets with the highest diversity holds data of the evaluation suite."""
    made = _study(rng, n, 0.0)
    leaked = made.x >= np.sort(made.x)[-n // 3]
    return Study(made.x, made.y + 0.04 * leaked, made.recorded, made.membership, ("overlap: unfair",) if noticed else ())


def _unions(rng: np.random.Generator, n: int) -> Study:
    """The published unions: their sets differ in worth, and in what they give to diversity, each by chance."""
    names = sorted({part for r in RECIPES.values() for part in r.parts})
    shares = np.array([[(d in r.parts) / len(r.parts) for d in names] for r in RECIPES.values()])
    shares = shares[np.sort(rng.permutation(len(shares))[:n])]
    x = shares @ rng.normal(0, 2, len(names)) + 0.5 * rng.normal(size=len(shares))
    made = _study(rng, len(shares), 0.0)
    return Study(x, shares @ rng.normal(0, 0.06, len(names)) + NOISE * rng.normal(size=len(x)), made.recorded, shares)


@dataclass(frozen=True)
class Scenario:
    """A named way in which studies come about; effect: the true slope per SD of x."""

    name: str
    effect: float
    draw: Callable[[np.random.Generator, int], Study]
    sizes: tuple[int, ...] = SIZES


SCENARIOS = (
    Scenario("1. nothing moves with diversity", EFFECT, lambda g, n: _study(g, n, EFFECT)),
    Scenario("2. size moves with it, recorded", 0.0, lambda g, n: _study(g, n, 0, size=(MOVES, EFFECT))),
    Scenario("3. as 2, and diversity acts", EFFECT, lambda g, n: _study(g, n, EFFECT, size=(MOVES, EFFECT))),
    Scenario("4. size is almost diversity (r 0.95), recorded", 0.0, lambda g, n: _study(g, n, 0, size=(0.95, EFFECT))),
    Scenario("5. size recorded badly (reliability 0.5)", 0.0, lambda g, n: _study(g, n, 0, size=(MOVES, EFFECT), proxy=0.5)),
    Scenario("6. convergence moves with it, not recorded", 0.0, lambda g, n: _study(g, n, 0, hidden=(MOVES, EFFECT))),
    Scenario("7. convergence differs by chance, not recorded", EFFECT, lambda g, n: _study(g, n, EFFECT, hidden=(0, EFFECT))),
    Scenario("8. diversity acts through complexity, recorded", EFFECT, lambda g, n: _study(g, n, EFFECT, through=True)),
    Scenario("9. the most diverse saw the suite, unnoticed", 0.0, lambda g, n: _overlap(g, n, False)),
    Scenario("10. the same, found by the audit", 0.0, lambda g, n: _overlap(g, n, True)),
    Scenario("11. unions share sets that differ in worth", 0.0, _unions, SIZES[:2]),
)


@dataclass(frozen=True)
class Row:
    """What came of one scenario at one n. bias, spread, coverage: (raw, adjusted); shares of studies, warned: of those that claim."""

    scenario: str
    n: int
    effect: float
    bias: tuple[float, float]
    spread: tuple[float, float]
    coverage: tuple[float, float]
    claims: float
    warned: float
    robustness: float
    supported: float


def run(scenario: Scenario, n: int, draws: int = DRAWS) -> Row:
    """Simulate studies of ``n`` training sets; a claim is an adjusted 95 % interval above 0, warned where the software would say that
    another confounder as strong as the strongest recorded covariate could undo it."""
    raw, adjusted, inside, claims, warned, values, supported = [], [], [], 0, 0, [], 0
    for k in range(draws):
        s = scenario.draw(generator(0, "uncontrolled", scenario.name, n, k), n)
        pair = mixed_slope(s.x, s.y, s.membership).estimate, mixed_slope(s.x, s.y, s.membership, s.recorded).estimate
        truth = scenario.effect * s.x.std(ddof=1)  # slopes are per SD of x as drawn
        raw.append(pair[0].value - truth)
        adjusted.append(pair[1].value - truth)
        inside.append([e.low <= truth <= e.high for e in pair])
        supported += decide(Evidence(s.x, s.y, s.membership, None, s.recorded, s.violations), RULE).verdict == "supported"
        if pair[1].low > 0:
            found = sensitivity(s.x, s.y, s.recorded, membership=s.membership)
            claims += 1
            values.append(found.robustness)
            warned += found.benchmarks[0].undoes is not False
    covered = np.mean(inside, axis=0)
    return Row(
        scenario.name,
        n,
        scenario.effect,
        (float(np.mean(raw)), float(np.mean(adjusted))),
        (float(np.std(raw)), float(np.std(adjusted))),
        (float(covered[0]), float(covered[1])),
        claims / draws,
        warned / claims if claims else math.nan,
        float(np.median(values)) if values else math.nan,
        supported / draws,
    )


def without_domains(draws: int = DRAWS) -> float:
    """Return the coverage of the raw least-squares interval over 21 unions, which takes sets that share domains for independent."""
    unions, n = SCENARIOS[-1], 21
    studies = (unions.draw(generator(0, "uncontrolled", unions.name, n, k), n) for k in range(draws))
    intervals = [adjusted_slope(s.x, s.y, None).estimate for s in studies]
    return float(np.mean([e.low <= unions.effect <= e.high for e in intervals]))


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""

    def share(v: float) -> str:
        return "–" if math.isnan(v) else f"{100 * v:.0f} %"

    lines = [
        "| scenario | true effect | n | bias raw | bias adjusted | coverage raw | coverage adjusted | claims | robustness value | warned | "
        "supported |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.scenario} | {r.effect:g} | {r.n} | {r.bias[0]:+.3f} | {r.bias[1]:+.3f} | {share(r.coverage[0])} | {share(r.coverage[1])} | "
        f"{share(r.claims)} | {share(r.robustness)} | {share(r.warned)} | {share(r.supported)} |"
        for r in rows
    ]
    return "\n".join(lines)


def picture(rows: list[Row], path: Path, n: int = 21) -> None:
    """Draw, at one n, the slopes that studies find (mean and spread) beside the truth, and how often somebody claims an effect."""
    shown = [r for r in rows if r.n == n]
    figure = Figure(figsize=(9.5, 4.6), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    at = np.arange(len(shown))[::-1]
    for k, (name, colour, marker, shift) in enumerate((("raw", "#d55e00", "o", 0.15), ("adjusted", "#0072b2", "s", -0.15))):
        mean = [r.effect + r.bias[k] for r in shown]
        spread = [r.spread[k] for r in shown]
        left.errorbar(
            mean, at + shift, xerr=spread, fmt=marker, color=colour, markersize=5, linewidth=1.2, label=f"{name} (bar: ± 1 SD)"
        )
    left.scatter([r.effect for r in shown], at, marker="|", s=260, color="#1a1a1a", zorder=3, label="truth")
    left.axvline(0, color="#999999", linewidth=0.7)
    left.set_yticks(at, [r.scenario for r in shown])
    left.set_xlabel(f"slope found per SD of diversity, accuracy (n = {n})")
    left.legend(loc="lower center", bbox_to_anchor=(0.3, 1.0), ncols=3, frameon=False, fontsize=8, columnspacing=1.0)
    colours = ["#b0568a" if r.effect == 0 else "#2b7a78" for r in shown]
    right.barh(at + 0.18, [100 * r.claims for r in shown], 0.34, color=colours, alpha=0.45)
    right.barh(at - 0.18, [100 * r.supported for r in shown], 0.34, color=colours)
    right.set_xlabel(
        "% of studies: adjusted interval above 0 (pale),\nverdict supported (full)\nteal: an effect is there, purple: none is there"
    )
    right.set_xlim(0, 100)
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=8)
        ax.xaxis.label.set_size(8)
    figure.savefig(path, metadata={"Software": None})


def main() -> None:
    """Simulate everything, print the table, draw the picture beside this file."""
    rows = []
    for scenario in SCENARIOS:
        for n in scenario.sizes:
            rows.append(run(scenario, n))
            print(f"{scenario.name}, n = {n}", file=sys.stderr)
    print(table(rows))
    print(f"least squares without domain effects, scenario 11, n = 21: coverage {100 * without_domains():.0f} %")
    picture(rows, Path(__file__).with_name("uncontrolled.png"))


if __name__ == "__main__":
    main()
