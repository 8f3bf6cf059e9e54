"""Stored measurements side by side: the difference with its interval, in words, and never across protocols unnoticed."""

import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from breadth.errors import MeasureError
from breadth.measure.compare import Stored, compare, compare_all, read_stored, told_difference
from breadth.measure.correction import corrected
from breadth.measure.survey import survey
from breadth.stats.interval import Estimate, mean
from measure.embedded import PROTOCOL
from measure.small import BARE, SMALL, source

PLAIN = replace(SMALL, **BARE)


def est(value, half, n=20, level=0.95):
    return Estimate(value, value - half, value + half, level, n, "made")


def stored(name, value, half=0.02, floor=0.05, *, classes=10, **protocol):
    return Stored(name, est(value, half), est(floor, 0.01, 6), classes, {**PROTOCOL.as_dict(), "source_digest": name, **protocol})


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two measurements of one protocol, another seed each, and one through another probe."""
    folder = tmp_path_factory.mktemp("measured")
    wide, narrow = source("wide", spread=90), source("narrow", seed=1, spread=5)
    for name, sources, settings in (
        ("a", [wide, narrow], PLAIN),
        ("b", [narrow], replace(PLAIN, seed=0)),
        ("other", [wide], replace(PLAIN, filters=5)),
    ):
        (folder / name).mkdir()
        (folder / name / "measurement.json").write_text(survey(sources, settings).to_json())
    return folder


def test_it_needs_no_torch():
    code = "import sys, breadth.measure.compare; sys.exit(int('torch' in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_difference_is_welch():
    rng = np.random.default_rng(0)
    x, y = rng.normal(0.3, 0.05, 12), rng.normal(0.2, 0.02, 30)
    a, b = (replace(stored(name, 0.0), diversity=mean(v)) for name, v in (("a", x), ("b", y)))
    found = compare(a, b).diversity
    expected = stats.ttest_ind(x, y, equal_var=False).confidence_interval()
    assert found.value == pytest.approx(x.mean() - y.mean())
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_the_corrected_difference_is_that_of_the_corrected_values():
    a, b = stored("a", 0.4, floor=0.2), stored("b", 0.3, floor=0.1)
    found = compare(a, b).corrected
    first, second = corrected(a.diversity, a.floor), corrected(b.diversity, b.floor)
    assert found.value == pytest.approx(first.value - second.value)
    # All four intervals count: it is about as wide as both corrected values' own intervals together.
    assert (found.high - found.low) / 2 == pytest.approx(np.hypot(first.high - first.low, second.high - second.low) / 2, rel=0.05)
    turned = compare(b, a).corrected
    assert (turned.value, turned.low, turned.high) == pytest.approx((-found.value, -found.high, -found.low))


@pytest.mark.parametrize(
    ("value", "half", "said"),
    [
        (0.1, 0.02, "A is more diverse by 0.1000 [0.0800, 0.1200]; the interval excludes 0"),
        (-0.1, 0.02, "B is more diverse by 0.1000 [0.0800, 0.1200]; the interval excludes 0"),
        (0.01, 0.02, "cannot be told apart: A minus B is 0.0100 [-0.0100, 0.0300], which holds 0"),
        (-0.01, 0.02, "cannot be told apart: A minus B is -0.0100 [-0.0300, 0.0100], which holds 0"),
        (0.0, 0.0, "cannot be told apart: A minus B is 0.0000 [0.0000, 0.0000], which holds 0"),
        (0.1, float("nan"), "cannot be told apart: A minus B is 0.1000, without an interval"),
    ],
)
def test_differences_in_words(value, half, said):
    assert told_difference("A", "B", est(value, half)) == said


def test_a_comparison_says_both_differences():
    assert str(compare(stored("a", 0.3), stored("b", 0.2))).splitlines()[:2] == [
        "a against b",
        "  diversity    a is more diverse by 0.1000 [0.0726, 0.1274]; the interval excludes 0",
    ]
    assert str(compare(stored("a", 0.3), stored("b", 0.2))).splitlines()[2].startswith("  corrected    a is more diverse by 0.1")


def test_classes_that_differ_are_noted():
    text = str(compare(stored("a", 0.3), stored("b", 0.2, classes=30)))
    assert text.splitlines()[-1] == "  note         of 10 and 30 classes: more classes alone raise the coefficient"
    assert "note" not in str(compare(stored("a", 0.3), stored("b", 0.2)))


def test_another_protocol_is_refused_unless_overridden():
    a, b = stored("a", 0.3), stored("b", 0.2, ridge=0.5, ways=3)
    message = (
        "'a' and 'b' were measured under protocols that differ in ridge (0.1 and 0.5), ways (5 and 3); expected one protocol: measure "
        "both in the same way, or compare them all the same with --override (override=True)"
    )
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        compare(a, b)
    found = compare(a, b, override=True)
    assert found.differs == "ridge (0.1 and 0.5), ways (5 and 3)"
    assert found.diversity.value == pytest.approx(0.1)


@pytest.mark.parametrize("sampling", [{"seed": 1}, {"tasks": 99}, {"version": "9"}, {"convention": "pooled"}])
def test_other_tasks_of_one_protocol_compare(sampling):
    assert compare(stored("a", 0.3), stored("b", 0.2, **sampling)).differs == ""


def test_the_same_tasks_are_not_compared():
    a = stored("a", 0.3)
    same = replace(stored("b", 0.3), protocol=a.protocol)
    found = compare(a, same)
    assert (found.diversity, found.corrected) == (None, None)
    assert str(found) == "a against b\n  note         the same tasks of the same data: nothing to compare"
    # Another seed gives other tasks, and unknown data may be any.
    assert compare(a, replace(same, protocol={**a.protocol, "seed": 1})).diversity is not None
    unknown = {**a.protocol, "source_digest": "unknown"}
    assert compare(replace(a, protocol=unknown), replace(same, protocol=unknown)).diversity is not None


def test_other_levels_are_refused():
    with pytest.raises(MeasureError, match=r"^estimates with intervals at levels \[0\.9, 0\.95\] were combined; "):
        compare(stored("a", 0.3), replace(stored("b", 0.3), diversity=est(0.3, 0.1, level=0.9)))


def test_what_was_stored_is_read_back(files):
    m = survey([source("wide", spread=90), source("narrow", seed=1, spread=5)], PLAIN)
    for place in (files / "a", files / "a" / "measurement.json"):
        for s, found in zip(m.sources, read_stored(place), strict=True):
            assert (found.name, found.diversity, found.floor, found.classes) == (s.name, s.diversity, s.floor, 8)
            assert found.protocol == s.protocol


def test_all_sources_of_two_files_or_all_pairs_of_one(files):
    (pair,) = compare_all(files / "a")
    assert (pair.a, pair.b) == ("wide", "narrow")
    two = compare_all(files / "a", files / "b")
    narrow_a, narrow_b = (f"narrow ({files / name})" for name in "ab")
    assert [(c.a, c.b) for c in two] == [("wide", narrow_b), (narrow_a, narrow_b)]
    assert two[0].diversity == pair.diversity
    assert two[1].diversity is None
    with pytest.raises(MeasureError, match="were measured under protocols that differ in probe_fingerprint"):
        compare_all(files / "a", files / "other")
    assert len(compare_all(files / "a", files / "other", override=True)) == 2


def test_each_pair_is_compared_once(files, tmp_path):
    whole = files / "a" / "measurement.json"
    assert compare_all(files / "a", whole) == compare_all(whole)
    copy = tmp_path / "copy.json"
    copy.write_text(whole.read_text())
    pairs = [(c.a.split(" ")[0], c.b.split(" ")[0], c.diversity is None) for c in compare_all(whole, copy)]
    assert pairs == [("wide", "wide", True), ("wide", "narrow", False), ("narrow", "narrow", True)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "JSONDecodeError"),
        ("[1]", "TypeError"),
        ("{}", "KeyError"),
        ('{"schema": 2}', "schema 2"),
        ('{"schema": 1, "sources": [{"name": "a"}]}', "KeyError"),
        ('{"schema": 1, "sources": 5}', "TypeError"),
        ("[" * 100_000, "RecursionError"),
    ],
)
def test_files_that_hold_no_measurement(tmp_path, text, why):
    path = tmp_path / "m.json"
    path.write_text(text)
    message = f"{path}: no measurement of this version ({why}); give a file that breadth measure --out or --json > FILE has written"
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        read_stored(path)


def test_files_that_hold_nothing_to_compare(files, tmp_path):
    message = (
        f"{tmp_path}/measurement.json: no such measurement; give a file that breadth measure --out or --json > FILE has written"
    )
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        read_stored(tmp_path)
    (tmp_path / "m.json").write_text(json.dumps({"schema": 1, "sources": []}))
    with pytest.raises(
        MeasureError, match=f"^{re.escape(str(tmp_path))}/m.json: a measurement of no source; expected one or more$"
    ):
        read_stored(tmp_path / "m.json")
    message = f"{files / 'b'} holds the source 'narrow' alone; expected two or more sources, or a second measurement"
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        compare_all(files / "b")
