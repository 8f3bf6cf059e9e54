"""The tables of a study, built once and written twice: as Markdown, and as LaTeX (booktabs)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from breadth.report.words import (
    NOT_ESTIMABLE,
    estimate,
    find_estimate,
    find_p,
    number,
    p_value,
    percent,
    published_points,
    shown_series,
    winner_sentence,
)
from breadth.stats.interval import Estimate
from breadth.study.finding import Analysis, Comparison, Measured, Robustness, Series

__all__ = ["Table", "association_table", "audit_table", "latex", "markdown", "measures_table", "robustness_table", "tables"]

_MAIN = ("Pearson", "Spearman", "slope per SD", "adjusted slope")
_LATEX_ROWS = 40
_MAIN_P = ("permutation", "Holm")


@dataclass(frozen=True)
class Table:
    """A table as words: rows have as many cells as ``head``; ``note`` stands below."""

    name: str
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def tables(analysis: Analysis) -> tuple[Table, ...]:
    """Return all tables that hold at least one row, in the order of the report."""
    drawn = shown_series(analysis)
    rest = tuple(s for s in analysis.series if not any(s is d for d in drawn))
    made = (
        association_table(drawn),
        association_table(rest, name="rest", title="The other series: further conditions and probes"),
        robustness_table(analysis),
        _other_estimates(analysis),
        _comparison_table(analysis),
        _dose_table(analysis),
        _baseline_table(analysis),
        measures_table(analysis.measures, of_text="text" in analysis.protocol),
        audit_table(analysis),
    )
    return tuple(t for t in made if t.rows)


def markdown(analysis: Analysis) -> str:
    """Return the tables as Markdown, one section each."""
    parts = [f"# {_cell(analysis.title)}", f"Verdict: **{analysis.verdict}**"]
    for t in tables(analysis):
        lines = [f"| {' | '.join(_cell(c) for c in row)} |" for row in (t.head, *t.rows)]
        lines.insert(1, "|" + " --- |" * len(t.head))
        parts += [f"## {t.title}", "\n".join(lines), *([_cell(t.note)] if t.note else [])]
    return "\n\n".join(parts) + "\n"


def latex(analysis: Analysis) -> str:
    r"""Return the tables as LaTeX floats (needs ``\usepackage{booktabs}``); every cell is escaped."""
    parts = [r"% needs \usepackage{booktabs}; verdict: " + _tex(analysis.verdict)]
    for t in tables(analysis):
        for k in range(0, len(t.rows), _LATEX_ROWS):
            parts.append(_float(t, k))
    return "\n\n".join(parts) + "\n"


def _float(t: Table, first: int) -> str:
    """One LaTeX float with up to _LATEX_ROWS rows: a float cannot break over pages, so a longer table becomes several."""
    more = first > 0
    title = f"{t.title} (continued)." if more else f"{t.title}. {t.note}".strip()
    wide = len(t.head) > 7
    lines = [
        r"\begin{table}[t]",
        r"\centering\scriptsize\setlength{\tabcolsep}{3pt}" if wide else r"\centering\small",
        rf"\caption{{{_tex(title)}}}",
        rf"\label{{tab:{t.name}{f'-{first // _LATEX_ROWS + 1}' if more else ''}}}",
        rf"\begin{{tabular}}{{@{{}}{'l' * len(t.head)}@{{}}}}",
        r"\toprule",
        *(" & ".join(_tex(c) for c in row) + r" \\" for row in (t.head, *t.rows[first : first + _LATEX_ROWS])),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    lines.insert(7, r"\midrule")
    return "\n".join(lines)


def association_table(
    series: tuple[Series, ...], *, name: str = "association", title: str = "Diversity of the training data and score"
) -> Table:
    """Return the statistics of each series: n, correlations, slopes, p-values; the primary outcome is marked."""
    probes = {s.probe for s in series}
    rows = tuple(
        (
            f"{s.learner}{' (primary)' if s.primary else ''}", s.metric, s.condition,
            *([s.probe] if len(probes) > 1 else []), _n(s),
            *(estimate(find_estimate(s, known)) for known in _MAIN), p_value(find_p(s, "permutation")), _holm(s),
        )
        for s in series
    )  # fmt: skip
    head = (
        "learner", "metric", "condition", *(["probe"] if len(probes) > 1 else []), "n",
        "Pearson r", "Spearman rho", "slope per SD", "adjusted slope per SD", "permutation p", "Holm p",
    )  # fmt: skip
    levels = {e.level for s in series for e in s.estimates.values()}
    said = f"Probe: {probes.pop()}. " if len(probes) == 1 else ""
    said += f"Brackets: {levels.pop() * 100:g} % interval. " if len(levels) == 1 else ""
    note = f"{said}n: training sets. SD: standard deviation of the diversity coefficient over training sets."
    note += f" {taken}" if (taken := published_points(series)) else ""
    return Table(name, title, head, rows, note)


def robustness_table(analysis: Analysis) -> Table:
    """Return, for each finding on x and y, the slope raw and adjusted and how strong an unmeasured confounder would undo it."""
    found = [(f.name, r) for f in analysis.findings if (r := f.robustness) is not None]
    rows = tuple(
        (
            name, estimate(r.raw, why=False), estimate(r.adjusted, why=False), ", ".join(r.given) or "nothing", percent(r.value),
            percent(r.value_alpha), _yardstick(r), _left(r),
        )
        for name, r in found
    )  # fmt: skip
    head = (
        "finding", "raw slope per SD", "adjusted slope per SD", "adjusted for", "robustness value", "of its interval",
        "strongest covariate (of x, of y)", "slope left by another as strong",
    )  # fmt: skip
    unknown = sorted({name for _, r in found for name in r.unknown})
    note = (
        "Mixed model with domain effects. Robustness value: share of what the covariates leave of both diversity and score that an "
        "unmeasured confounder would have to explain to bring the adjusted slope to 0 (of its interval: to bring the nearer end there); "
        "Cinelli and Hazlett 2020, JRSS-B 82:39. It measures how easily the association is undone, not whether such a confounder exists."
    )
    note += f" Not adjusted for: {', '.join(unknown)}, not known for every training set." if unknown else ""
    return Table("robustness", "How strong an unmeasured cause would have to be", head, rows, note)


def _yardstick(r: Robustness) -> str:
    return f"{r.strongest} ({percent(r.strongest_x)}, {percent(r.strongest_y)})" if r.strongest else "none varies"


def _left(r: Robustness) -> str:
    if not r.strongest:
        return "none varies"
    return "cannot be bounded" if math.isnan(r.left) else number(r.left)


def _holm(s: Series) -> str:
    """The primary outcome is one test fixed beforehand: there is nothing to correct it for."""
    p = find_p(s, "holm")
    return "primary: none" if s.primary and p is None else p_value(p)


def audit_table(analysis: Analysis) -> Table:
    """Return each control with its status; violations are marked."""
    rows = tuple((r.control, f"{r.status} (violation)" if r.violation else r.status, r.detail) for r in analysis.audit)
    return Table("audit", "Controls", ("control", "over the arms", "values"), rows)


def measures_table(measures: tuple[Measured, ...], *, of_text: bool = False) -> Table:
    """Return what each probe saw of each training set: the coefficient beside its floor, its null and what else it may go with.

    The note says how each floor was measured, above all with how many items a class; a letter beside the floor where ways differ.
    """
    methods = list(dict.fromkeys(m.floor.method for m in measures if not m.published))
    letters = {method: f" ({_letter(i)})" if len(methods) > 1 else "" for i, method in enumerate(methods)}
    rows = tuple(
        (m.train, m.probe, str(m.level), f"{estimate(m.diversity)} (published)", *("unknown",) * 4)
        if m.published
        else (
            m.train, m.probe, str(m.level), estimate(m.diversity), f"{number(m.floor.value)}{letters[m.floor.method]}",
            _or_none(m.split_half), number(m.complexity.value), "none" if m.alignment is None else number(m.alignment.value),
        )
        for m in measures
    )  # fmt: skip
    head = ("training set", "probe", "domains", "diversity", "floor", "split-half", "complexity", "alignment")
    levels = {m.diversity.level for m in measures}
    said = f"Brackets: {levels.pop() * 100:g} % interval. " if len(levels) == 1 else ""
    floors = "; ".join(f"{letters[method].strip()} {method}".strip() for method in methods)
    what = "noise of the estimator alone" if of_text else "diversity without any difference of classes"
    note = (
        f"{said}Floor: {what}, over {floors}. Split-half: 0 is expected; none below six tasks. "
        "Complexity: mean L1 norm of the embeddings. Alignment: with the evaluation suite; none for the suite itself, or where each set "
        "has a suite of its own."
    )
    sources = dict.fromkeys(f"{m.train}: {m.published}" for m in measures if m.published)
    note += f" Published, not measured here, so nothing else is known: {'; '.join(sources)}." if sources else ""
    return Table("measures", "Training sets", head, rows, note)


def _letter(i: int) -> str:
    """a, b, ..., z, then a1, b1, ..."""
    return f"{chr(97 + i % 26)}{i // 26 or ''}"


def _or_none(e: Estimate | None) -> str:
    return "none" if e is None else estimate(e)


def _n(series: Series) -> str:
    usable = sum(math.isfinite(p.x) and math.isfinite(p.y) for p in series.points)
    return str(usable) if usable == len(series.points) else f"{usable} of {len(series.points)}"


def _other_estimates(analysis: Analysis) -> Table:
    """Every stored statistic that the first table has no column for: nothing stored stays unseen."""
    rows: list[tuple[str, ...]] = []
    for s in analysis.series:
        shown = {id(find_estimate(s, name)) for name in _MAIN}
        where = (s.learner, s.metric, s.condition, s.probe)
        rows += [(*where, name, estimate(e), str(e.n), e.method) for name, e in s.estimates.items() if id(e) not in shown]
        seen = [next((name for name in s.p_values if name.casefold().startswith(known.casefold())), None) for known in _MAIN_P]
        rows += [(*where, f"p, {name}", p_value(p), _n(s), "") for name, p in s.p_values.items() if name not in seen]
    return Table(
        "other", "Further statistics", ("learner", "metric", "condition", "probe", "statistic", "value", "n", "method"), tuple(rows)
    )


def _comparison_table(analysis: Analysis) -> Table:
    several = any(c.p_difference_holm is not None for c in analysis.comparisons)
    rows = tuple(
        (c.condition, _full(c.difference), number(c.cohen_d), c.one_percent_rule, _decision(c), p_value(c.p_equivalence),
         *((_maybe(c.p_difference_holm), _maybe(c.p_equivalence_holm)) if several else ()), c.winner)
        for c in analysis.comparisons
    )  # fmt: skip
    pairs = {(c.first, c.second) for c in analysis.comparisons}
    first, second = pairs.pop() if len(pairs) == 1 else ("first", "second")
    title = "Learners against each other" if first == "first" else f"{first} against {second}"
    head = (
        "condition",
        f"{first} − {second}, paired",
        "Cohen's d",
        "1 % rule (arXiv 2306.13841)",
        "equivalent",
        "p of equivalence",
        *(("Holm p of a difference", "Holm p of equivalence") if several else ()),
        "decision",
    )
    return Table("comparison", title, head, rows, winner_sentence(analysis.comparisons))


def _maybe(p: float | None) -> str:
    return "" if p is None else p_value(p)


def _dose_table(analysis: Analysis) -> Table:
    rows = tuple((d.learner, d.metric, str(d.level), _full(d.x), _full(d.y)) for d in analysis.doses)
    return Table("dose", "Number of domains", ("learner", "metric", "domains", "diversity coefficient", "score"), rows)


def _baseline_table(analysis: Analysis) -> Table:
    rows = tuple((b.name, b.metric, _full(b.estimate), b.estimate.method) for b in analysis.baselines)
    return Table("baseline", "Reference arms", ("arm", "metric", "value", "method"), rows)


def _decision(c: Comparison) -> str:
    return NOT_ESTIMABLE if math.isnan(c.p_equivalence) else "yes" if c.equivalent else "no"


def _full(e: Estimate) -> str:
    said = estimate(e)
    return said if math.isnan(e.value) else f"{said}, n = {e.n}"


def _cell(words: str) -> str:
    """Escape what Markdown would read as a cell border, a line break or a tag."""
    return (
        words.replace("\\", "\\\\")
        .replace("|", "\\|")
        .replace("\n", " ")
        .replace("<", "&lt;")
        .replace("*", "\\*")
        .replace("`", "\\`")
    )


_TEX: dict[str, str] = {c: f"\\{c}" for c in "{}$&#%_"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "−": "$-$",
    "∞": r"$\infty$",
    "±": r"$\pm$",
    "\n": " ",
}


def _tex(words: str) -> str:
    return "".join(_TEX.get(c, c) for c in words)
