"""The page of a measurement stands alone, escapes names, warns in words and holds every number that was measured."""

import copy
import json
import math
import re

import numpy as np
import pytest
from measurements import est, make_distances, make_measurement
from test_page import loads, read

from breadth.errors import DataError
from breadth.report.convergence import enough
from breadth.report.measured import checked_distances, read_measurement, shortened
from breadth.report.measurement import fragment, pictures, write_measurement
from breadth.report.told import citation, headline, scale_ends, warnings_of
from breadth.report.words import number
from breadth.stats.interval import mean_pairwise


def page_of(folder, count=3, change=None, **options):
    result, distances, extremes = make_measurement(count, **options)
    if change:
        change(result)
    write_measurement(result, distances, folder, extremes=extremes, command="breadth measure a.npz --out b")
    return (folder / "index.html").read_text(encoding="utf-8")


def words_of(text):
    return " ".join(" ".join(read(text).words).split())


@pytest.mark.parametrize("count", [1, 2, pytest.param(40, marks=pytest.mark.slow)])
def test_the_page_is_whole_and_loads_nothing(tmp_path, count):
    text = page_of(tmp_path, count)
    reader = read(text)
    assert [a for a in loads(text) if not a.startswith("data:image/png;base64,")] == []
    assert "http" not in text
    assert "script" not in reader.tags
    assert len(reader.ids) == len(set(reader.ids))
    assert not re.search(r"\bnan\b", " ".join(reader.words))
    words = words_of(text)
    assert all(f"source_{k}: 0." in words for k in range(count))
    assert "breadth measure a.npz --out b" in words
    assert "abcdef0123456789" * 4 in words
    assert "prefers-color-scheme: dark" in text


def test_every_file_is_named_and_written(tmp_path):
    result, distances, extremes = make_measurement(4)
    paths = write_measurement(result, distances, tmp_path / "new", extremes=extremes)
    pictured = ["scale", "distances", "cross", "convergence", "pairs", "agreement"]
    expected = ["index.html", "measurement.json", *(f"{name}.{kind}" for name in pictured for kind in ("svg", "png"))]
    assert [p.name for p in paths] == expected
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == sorted(expected)
    assert json.loads((tmp_path / "new" / "measurement.json").read_text()) == result


@pytest.mark.parametrize(
    "count, images, expected",
    [
        (1, False, {"scale", "distances", "convergence"}),
        (2, True, {"scale", "distances", "convergence", "cross", "pairs"}),
        (4, False, {"scale", "distances", "convergence", "cross", "agreement"}),
        (6, True, {"scale", "distances", "convergence", "cross", "agreement", "pairs-1", "pairs-2"}),
    ],
)
def test_which_pictures_there_are(count, images, expected):
    result, distances, extremes = make_measurement(count)
    assert set(pictures(read_measurement(result), distances, extremes if images else {})) == expected


def test_names_are_escaped_everywhere(tmp_path):
    evil = ['<script>alert("1")</script>', "a & b \" onload='x'", "$x_1$ 数字\n\x00"]
    text = page_of(tmp_path, 3, names=evil)
    reader = read(text)
    assert "script" not in reader.tags
    assert not [k for k, _ in reader.attributes if k.startswith("on")]
    assert '<script>alert("1")</script>: 0.' in words_of(text)
    small = fragment(make_measurement(3, names=evil)[0])
    assert "script" not in read(small).tags


def test_without_a_scale_nothing_is_said_of_it(tmp_path):
    words = words_of(page_of(tmp_path, 2, scale=False))
    assert "of the way from" not in words
    assert "scale floor" not in words
    assert "no scale" in words


def test_two_tasks_give_a_page_and_a_warning_in_place_of_an_interval(tmp_path):
    words = words_of(page_of(tmp_path, 1, tasks=2))
    assert "Its interval is not estimable from 2 tasks: three or more are needed." in words


def test_json_null_reads_as_not_estimable(tmp_path):
    def change(result):
        result["sources"][0]["diversity"] |= {"low": None, "high": None}

    assert "Its interval is not estimable from 12 tasks" in words_of(page_of(tmp_path, 1, change))


def test_notes_advice_and_mixture_are_on_the_page(tmp_path):
    def change(result):
        mixture = {"weights": {"source_0": 0.25, "source_1": 0.75, "source_2": 0.0}, "diversity": est(0.4)}
        result |= {"notes": ["of 10 and 43 classes: more"], "advice": ["source_0: more tasks"], "mixture": mixture}

    words = words_of(page_of(tmp_path, 3, change))
    assert words.index("of 10 and 43 classes: more") < words.index("source_2: 0.")
    assert "What to do next source_0: more tasks" in words
    assert "Mixture of 25 % source_0, 75 % source_1: diversity 0.400 [0.380, 0.420]." in words
    plain = words_of(page_of(tmp_path / "plain", 3))
    assert "What to do next" not in plain
    assert "Mixture" not in plain


def test_the_page_names_the_fingerprint_of_comparisons(tmp_path):
    def change(result):
        result["protocol"]["comparable"] = "0123456789ab"

    words = words_of(page_of(tmp_path, 1, change))
    assert "same protocol, fingerprint 0123456789ab (it counts" in words
    assert "protocol 0123456789ab)" in words


def test_whether_there_were_enough_tasks_is_answered():
    result, distances, _ = make_measurement(1)
    m, d = read_measurement(result), distances["source_0"]
    moved = abs(m.sources[0].diversity.value - mean_pairwise(d[:6, :6]).value)
    (said,) = enough(m, distances)
    assert said.startswith(f"source_0: yes; from 6 to 12 tasks it moved by {number(moved)}, and is known to ±")
    drifting = d.copy()
    drifting[6:] += 0.5
    drifting[:, 6:] += 0.5
    np.fill_diagonal(drifting, 0)
    result["sources"][0]["diversity"] = est(mean_pairwise(drifting).value, 0.01)
    assert enough(read_measurement(result), {"source_0": drifting})[0].startswith("source_0: not yet; ")
    result["sources"][0]["diversity"] = est(0.2, math.nan)
    assert enough(read_measurement(result), distances) == ("source_0: cannot be said from 12 tasks.",)


def test_other_measures_have_one_row_each_and_a_column_a_source(tmp_path):
    reader_words = words_of(page_of(tmp_path, 3))
    table = reader_words[reader_words.index("Other measures") :]
    assert "measure source_1 source_2 source_0 moves with size note" in table
    assert table.count("Vendi score") == 1
    assert "Vendi score 19.000 [18.980, 19.020] 18.000 [17.980, 18.020] 20.000" in table


def source(**fields):
    result = make_measurement(1)[0]
    result["sources"][0] |= fields
    return read_measurement(result).sources[0]


def test_headline_and_citation_say_number_interval_and_place():
    m = read_measurement(make_measurement(1)[0])
    s = source(name="digits", diversity=est(0.16, 0.02), position=est(0.12), corrected=est(0.08))
    clean = "corrected for noise 0.080 [0.060, 0.100]."
    assert (
        headline(s, m)
        == f"digits: 0.160 [0.140, 0.180], 12 % of the way from the floor of the scale (0.050) to its ceiling (0.500); {clean}"
    )
    assert headline(s, m, ends=False) == f"digits: 0.160 [0.140, 0.180], 12 % of the way; {clean}"
    few = "too few tasks to say where on the scale: try --tasks auto"
    wide = source(name="digits", diversity=est(0.16, 0.2), position=est(0.12, 0.2), corrected=est(0.08))
    assert headline(wide, m) == f"digits: 0.16 [0.00, 0.36], {few}; {clean}"
    assert citation(s, m) == (
        "digits: diversity coefficient 0.160 [0.140, 0.180] (95 % interval, 12 tasks; breadth 0.2, protocol abcdef012345)"
    )


def test_a_floor_that_is_only_rounding_is_shown_as_zero(tmp_path):
    result, distances, _ = make_measurement(1)
    result["scale"]["floor"] = est(2.5e-14, 4e-15)
    m = read_measurement(result)
    assert scale_ends(m.floor, m.ceiling) == "the floor of the scale (0) to its ceiling (0.500)"
    assert m.floor.value == 2.5e-14  # the number itself stays
    write_measurement(result, distances, tmp_path)
    assert "scale floor 0<" in (tmp_path / "index.html").read_text()


def test_the_corrected_value_is_not_called_a_difference(tmp_path):
    result, distances, _ = make_measurement(1)
    write_measurement(result, distances, tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert "corrected for noise" in page
    assert "above noise floor" not in page
    assert warnings_of(source(corrected=est(0.01))) == (
        "Cannot be told from its noise floor (0.080): corrected for that noise it is 0.010 [−0.010, 0.030], an interval that holds 0. "
        "More tasks, or more items a class, may tell.",
    )


@pytest.mark.parametrize(
    "fields, start",
    [
        ({"corrected": est(-0.01)}, "Not above its noise floor (0.080)"),
        ({"corrected": est(0.01)}, "Cannot be told from its noise floor (0.080)"),
        ({"diversity": est(0.2, 0.06)}, "Its interval is wide: the half-width is 30 % of the value."),
        ({"split_half": est(-0.05)}, "Two random halves of its own tasks differ by −0.050 [−0.070, −0.030]"),
        ({"reached": False}, "The asked precision was not reached: it ended at its cap of 12 tasks."),
        ({"doubt": 0.0004}, "The heads are nearly certain of every label (mean 1 − max p = 0.0004)"),
    ],
)
def test_each_fault_is_warned_of_once_and_alone(fields, start):
    (said,) = warnings_of(source(**fields))
    assert said.startswith(start)


def test_a_sound_source_has_no_warning():
    assert warnings_of(source(doubt=0.2)) == ()


def test_fragment_is_small_and_its_ids_do_not_clash():
    one, two = make_measurement(1)[0], make_measurement(2)[0]
    both = fragment(one) + fragment(two)
    reader = read(both)
    assert len(reader.ids) == len(set(reader.ids))
    assert loads(both) == []
    assert len(both) < 60_000
    assert fragment(one) == fragment(copy.deepcopy(one))


def test_same_measurement_same_bytes(tmp_path):
    result, distances, extremes = make_measurement(1)
    first = [p.read_bytes() for p in write_measurement(result, distances, tmp_path / "a", extremes=extremes)]
    assert first == [p.read_bytes() for p in write_measurement(result, distances, tmp_path / "b", extremes=extremes)]


def message(call, *given):
    with pytest.raises(DataError) as caught:
        call(*given)
    return str(caught.value)


def test_errors_say_what_was_given_and_expected():
    result, distances, extremes = make_measurement(1)
    assert message(read_measurement, result | {"schema": 2}) == (
        "the measurement has schema 2; expected 1: measure again with this version, or report with the other"
    )
    assert message(read_measurement, {k: v for k, v in result.items() if k != "scale"}) == (
        "the measurement has no 'scale'; expected what breadth measure --json prints: measure again"
    )
    assert message(read_measurement, result | {"sources": result["sources"] * 2}) == (
        "the measurement holds the sources ['source_0', 'source_0']; expected one or more, each with a name of its own"
    )
    assert message(read_measurement, result | {"cross": [{"a": "x", "b": "source_0", "distance": est(0.1)}]}) == (
        "a distance between 'x' and 'source_0' is stored; expected names of measured sources: ['source_0']"
    )
    m = read_measurement(result)
    assert message(checked_distances, m, {}) == "distances of [] were given; expected one matrix for each of ['source_0']"
    assert message(checked_distances, m, {"source_0": np.full((3, 3), math.nan)}) == (
        "distances of 'source_0' have shape (3, 3); expected a finite square matrix of two tasks or more"
    )
    assert message(pictures, m, distances, {"y": extremes["source_0"]}) == (
        "pairs of tasks of ['y'] were given; expected names of measured sources: ['source_0']"
    )


def test_shortened_names_are_short_different_and_on_one_line():
    long = [f"a_very_long_common_beginning_{k % 3}_and_a_common_end_too" for k in range(9)]
    made = shortened([*long, "short", "two\nlines", "\x00"], 20)
    assert len(set(made)) == len(made)
    assert max(map(len, made)) <= 20
    assert made[-3:] == ["short", "two lines", "unnamed"]
    assert shortened(["tinyimagenet32_b", "tinyimagenet64_a"], 12) == ["tinyim…t32_b", "tinyim…t64_a"]


def test_the_helper_makes_distances_that_differ():
    a, b = make_distances(2).values()
    assert not np.array_equal(a, b)
