"""What a measurement answers: JSON that the report reads, printing, notebooks, extremes, mixtures; hostile names are harmless."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from breadth.errors import MeasureError
from breadth.measure.survey import survey
from breadth.report.measured import read_measurement
from breadth.stats.interval import Estimate
from measure.small import BARE, SMALL, source, vectors

HOSTILE = '<img src=x onerror="alert(1)">&"'


@pytest.fixture(scope="module")
def result():
    return survey([source("first"), source("second", seed=1)], SMALL)


def test_the_report_reads_back_what_the_json_says(result):
    text = result.to_json()
    found = read_measurement(json.loads(text))
    assert found.names == ["first", "second"]
    for s, r in zip(result.sources, found.sources, strict=True):
        fields = ("diversity", "floor", "corrected", "position", "split_half", "complexity", "doubt", "reached")
        assert {f: getattr(r, f) for f in fields} == {f: getattr(s, f) for f in fields}
        assert (r.tasks, r.classes, r.items) == (6, 8, 96)
        assert [x.name for x in r.rivals] == [x.name for x in s.rivals]
        for x, y in zip(r.rivals, s.rivals, strict=True):
            np.testing.assert_array_equal([x.estimate.value, x.estimate.low], [y.estimate.value, y.estimate.low])
    assert (found.floor, found.ceiling) == (result.scale.floor, result.scale.ceiling)
    assert found.cross[0, 1] == result.cross[0].distance.value
    assert (found.comparable, found.seconds) == (result.protocol["comparable"], result.seconds)
    assert found.stability == tuple(json.loads(text)["stability"])


def test_every_source_says_its_own_protocol(result):
    for s in json.loads(result.to_json())["sources"]:
        assert {
            "probe_fingerprint",
            "estimator",
            "precision",
            "ridge",
            "tasks",
            "ways",
            "per_class",
            "seed",
            "source_digest",
        } <= set(s["protocol"])
    assert set(result.as_dict()) == {
        "schema", "version", "probe", "protocol", "scale", "sources", "cross", "stability", "notes", "advice", "seconds",
    }  # fmt: skip


def test_what_is_not_a_number_is_null(result):
    unknown = Estimate(float("nan"), -math.inf, math.inf, 0.95, 1, "none")
    broken = replace(result, sources=(replace(result.sources[0], split_half=unknown, doubt=float("nan")),), cross=(), stability=())
    text = broken.to_json()
    assert "NaN" not in text
    assert "Infinity" not in text
    stored = json.loads(text)["sources"][0]
    assert [stored["split_half"][key] for key in ("value", "low", "high")] == [None] * 3
    assert stored["doubt"] is None
    assert math.isnan(read_measurement(json.loads(text)).sources[0].split_half.value)


def test_without_a_scale_both_ends_are_null():
    m = survey([source("first")], replace(SMALL, tasks=3, **BARE))
    stored = m.as_dict()
    assert stored["scale"] == {"floor": None, "ceiling": None}
    assert (stored["sources"][0]["position"], stored["sources"][0]["split_half"]) == (None, None)
    assert read_measurement(stored).floor is None


def test_printing_says_every_value_once(result):
    said = repr(result)
    for s in result.sources:
        assert f"{s.name}\n  diversity    {s.diversity.value:.4f} [{s.diversity.low:.4f}, {s.diversity.high:.4f}], " in said
        assert f"  noise floor  {s.floor.value:.4f}" in said
        assert f"  corrected    {s.corrected.value:.4f}" in said
        assert s.place in said
    assert f"first to second\n  distance     {result.cross[0].distance.value:.4f}" in said
    assert said.endswith(f"protocol {result.protocol['comparable']}")


def test_hostile_names_do_not_reach_a_notebook():
    m = survey([source(HOSTILE)], replace(SMALL, tasks=3, **BARE))
    shown = m._repr_html_()
    assert "<img" not in shown
    assert "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&quot;" in shown
    assert re.findall(r"</?(\w+)", shown).count("td") == 2 * 5
    assert set(re.findall(r"<(\w+)", shown)) == {"table", "tr", "th", "td", "small"}
    assert HOSTILE in repr(m)
    assert json.loads(m.to_json())["sources"][0]["name"] == HOSTILE


def test_extremes_are_the_nearest_and_the_farthest_pair(result):
    s = result["first"]
    d = s.distances
    near, far = s.extremes(images=6)
    off = d[np.triu_indices(6, 1)]
    assert (near.distance, far.distance) == (off.min(), off.max())
    for pair in (near, far):
        i, j = pair.tasks
        assert i < j
        assert pair.distance == d[i, j]
        for task, images in zip(pair.tasks, pair.images, strict=True):
            assert images.shape == (6, 8, 8, 1)
            assert images.dtype == np.uint8
            rows = s.embeddings.items[task]
            mine = {image.tobytes() for image in s.source.rows(rows)}
            assert {image.tobytes() for image in images} <= mine
            classes = s.source.parts[0].labels[rows]
            shown = [
                k for k, row in enumerate(rows) if s.source.rows(np.array([row]))[0].tobytes() in {i.tobytes() for i in images}
            ]
            assert len(set(classes[shown])) == 3  # every class of the task is seen
    many = s.extremes(images=100)
    assert many[0].images[0].shape[0] == 12


def test_vectors_have_no_pictures():
    m = survey([vectors("v")], replace(SMALL, tasks=3, filters=6, **BARE))
    assert m["v"].extremes() is None


def test_sources_are_found_by_name(result):
    assert result["second"] is result.sources[1]
    message = "unknown source 'secnd'; expected one of: first, second; did you mean 'second'?"
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        result["secnd"]


def test_mixtures_of_a_measurement(result):
    mix = result.mixture()
    a, b = (s.diversity.value for s in result.sources)
    c = result.cross[0].distance.value
    assert mix.diversity([0.25, 0.75]).value == pytest.approx(0.0625 * a + 0.5625 * b + 0.375 * c, rel=1e-12)
    best = mix.best()
    grid = np.linspace(0, 1, 201)
    assert mix.diversity(best.weights).value >= max(w * w * a + (1 - w) ** 2 * b + 2 * w * (1 - w) * c for w in grid) - 1e-9


def test_the_shared_protocol_has_what_all_sources_share(result):
    shared = result.protocol
    assert "source" not in shared
    assert "source_digest" not in shared
    assert shared["fingerprint"] == result.sources[0].protocol["fingerprint"]
    assert (shared["tasks"], shared["ways"]) == (6, 3)
