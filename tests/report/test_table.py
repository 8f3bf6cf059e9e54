"""The tables hold the stored numbers, escaped for where they go."""

import math
from dataclasses import replace

import pytest
from analyses import NAN, make_analysis

from breadth.report import table
from breadth.report.words import number, p_value, with_interval
from breadth.stats.interval import Estimate
from breadth.study.finding import AuditRow


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (0.6584, -0.0861, 0.9312, "0.66 [−0.09, 0.93]"),
        (0.11712, 0.11661, 0.11763, "0.11712 [0.11661, 0.11763]"),
        (1234.5, 1100.0, 1300.0, "1234 [1100, 1300]"),
        (0.5, NAN, NAN, "0.500 [interval not estimable]"),
        (NAN, NAN, NAN, "not estimable"),
        (0.25, 0.25, 0.25, "0.250 [0.250, 0.250]"),
    ],
)
def test_an_interval_is_written_to_the_digits_it_bears(value, low, high, expected):
    assert with_interval(value, low, high) == expected


def test_single_numbers_and_p_values():
    assert [number(v) for v in (0.1234, 0.00123456, -2.0, NAN, math.inf)] == ["0.123", "0.00123", "−2.000", "not estimable", "∞"]
    assert [p_value(v) for v in (0.0421, 0.0001, NAN, None)] == ["0.042", "< 0.001", "not estimable", "not computed"]


def test_markdown_holds_every_series_with_its_numbers():
    analysis = make_analysis(8, probes=2)
    text = table.markdown(analysis)
    for s in analysis.series:
        e = s.estimates["Pearson r"]
        assert with_interval(e.value, e.low, e.high) in text
        assert f"| {p_value(s.p_values['Holm'])} |" in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len([line for line in lines if line.startswith("| PT (primary) | accuracy | logistic/support | 8 |")]) == 1
    assert "smallest detectable slope per SD" in text
    assert "Verdict: **inconclusive**" in text


def test_every_markdown_row_has_as_many_cells_as_its_head(analysis):
    for t in table.tables(analysis):
        assert {len(row) for row in t.rows} == {len(t.head)}


def test_every_measured_set_stands_in_the_table_of_training_sets(analysis):
    t = table.measures_table(analysis.measures)
    assert (t.title, t.head) == (
        "Training sets",
        ("training set", "probe", "domains", "diversity", "floor", "split-half", "complexity", "alignment"),
    )
    assert len(t.rows) == len(analysis.measures) == 9
    m = analysis.measures[0]
    assert t.rows[0] == (
        m.train,
        m.probe,
        str(m.level),
        with_interval(m.diversity.value, m.diversity.low, m.diversity.high),
        number(m.floor.value),
        with_interval(m.split_half.value, m.split_half.low, m.split_half.high),
        number(m.complexity.value),
        number(m.alignment.value),
    )
    assert (t.rows[-1][0], t.rows[-1][-1]) == ("evaluation suite", "none")
    assert "over pairs of tasks, same classes, disjoint items, 20 a class, t interval." in t.note
    for text in (table.markdown(analysis), table.latex(analysis)):
        assert "Training sets" in text
        assert "20 a class" in text
    assert table.measures_table((replace(m, split_half=None),)).rows[0][5] == "none"


def test_floors_of_different_numbers_of_items_are_told_apart(analysis):
    first, second = analysis.measures[:2]
    fewer = "pairs of tasks, same classes, disjoint items, 9 a class instead of 20, too few for two disjoint draws, t interval"
    t = table.measures_table((first, replace(second, floor=replace(second.floor, method=fewer))))
    assert [row[4][-3:] for row in t.rows] == ["(a)", "(b)"]
    assert f"over (a) {first.floor.method}; (b) {fewer}." in t.note


def test_what_cannot_be_estimated_says_so_and_why():
    text = table.markdown(make_analysis(1))
    assert "not estimable (n = 1; needs at least 4 training sets)" in text
    assert "nan" not in text.replace("domain", "")
    analysis = make_analysis(8)
    gone = replace(analysis.series[0], estimates={}, p_values={})
    assert table.association_table((gone,)).rows[0][-6:] == ("not computed",) * 5 + ("primary: none",)


def test_an_equivalence_test_that_could_not_run_is_not_called_no(analysis):
    c = replace(analysis.comparisons[0], p_equivalence=NAN)
    row = next(t for t in table.tables(replace(analysis, comparisons=(c,))) if t.name == "comparison").rows[0]
    assert row[4] == "not estimable"


def test_comparisons_of_several_learners_show_what_was_corrected(analysis):
    c = replace(analysis.comparisons[0], condition="PT against ANIL", second="ANIL", p_difference_holm=0.2, p_equivalence_holm=1.0)
    described = replace(analysis.comparisons[0], first="ANIL", described=True, winner="described")
    alone = next(t for t in table.tables(analysis) if t.name == "comparison")
    assert (alone.title, alone.head[1], len(alone.head)) == ("PT against MAML", "PT − MAML, paired", 7)
    made = next(t for t in table.tables(replace(analysis, comparisons=(c, described))) if t.name == "comparison")
    assert (made.title, made.head[1], made.head[6:]) == (
        "Learners against each other",
        "first − second, paired",
        ("Holm p of a difference", "Holm p of equivalence", "decision"),
    )
    assert [row[6:] for row in made.rows] == [("0.200", "1.000", c.winner), ("", "", "described")]


def test_latex_is_escaped_and_balanced(analysis):
    nasty = replace(analysis.audit[0], control=r"50% of_{a} & $b$ #1 ~ ^ \input", detail="x < y")
    text = table.latex(replace(analysis, audit=(nasty,), baselines=()))
    assert r"50\% of\_\{a\} \& \$b\$ \#1 \textasciitilde{} \textasciicircum{} \textbackslash{}input" in text
    assert r"x \textless{} y" in text
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == len(table.tables(replace(analysis, baselines=())))
    for part in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert text.count(part) == text.count(r"\begin{table}")
    for t in table.tables(analysis):
        if t.name != "baseline":
            assert rf"\begin{{tabular}}{{@{{}}{'l' * len(t.head)}@{{}}}}" in text


def test_markdown_cells_cannot_break_the_table(analysis):
    nasty = replace(analysis.audit[0], control="a|b\n<script>alert(1)</script>")
    text = table.markdown(replace(analysis, audit=(nasty,)))
    assert "a\\|b &lt;script>" in text
    assert "<script>" not in text


def test_an_estimate_with_its_own_level_is_not_called_95_percent(analysis):
    s = analysis.series[0]
    mixed = replace(s, estimates={**s.estimates, "x": Estimate(0.1, 0.0, 0.2, 0.9, 8, "t")})
    assert "% interval" not in table.association_table((mixed,)).note
    assert "Brackets: 95 % interval." in table.association_table((s,)).note


def test_a_long_table_becomes_several_latex_floats(analysis):
    rows = tuple(AuditRow(f"control {k}", "equal", "") for k in range(95))
    text = table.latex(replace(analysis, audit=rows))
    assert [r"\label{tab:audit}" in text, r"\label{tab:audit-2}" in text, r"\label{tab:audit-3}" in text] == [True] * 3
    assert [text.count(f"control {k} &") for k in range(95)] == [1] * 95
    assert text.count(r"Controls (continued).") == 2
