"""What the pictures of a measurement draw is what was measured; words keep apart and stay on the paper."""

import numpy as np
import pytest
from matplotlib.text import Text
from measurements import est, make_measurement
from scipy.stats import spearmanr

from breadth.errors import DataError
from breadth.report.convergence import convergence_chart, prefixes
from breadth.report.distances import distance_histograms
from breadth.report.matrix import agreement_chart, cross_chart, rank_agreement, tree_order
from breadth.report.measured import read_measurement
from breadth.report.scale import by_diversity, percent, scale_chart
from breadth.report.strips import Extremes, Pair, pair_strips
from breadth.stats.interval import mean_pairwise


def by_gid(figure, gid):
    return [a for a in figure.findobj() if a.get_gid() == gid]


def boxes(figure):
    """Words of a figure with their boxes in pixels."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    axes = [(axis, sorted(limits)) for ax in figure.axes for axis, limits in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim()))]
    ticks = [(tick, limits) for axis, limits in axes for tick in axis.get_major_ticks()]
    beyond = {id(tick.label1) for tick, (low, high) in ticks if not low <= tick.get_loc() <= high}  # matplotlib draws none of these
    said = [t for t in figure.findobj(Text) if t.get_text() and t.get_visible() and id(t) not in beyond]
    return [(t.get_text(), t.get_window_extent(renderer)) for t in said]


def clashes(figure):
    found = boxes(figure)
    sides = np.array([box.shrunk(0.98, 0.8).extents for _, box in found])
    x0, y0, x1, y1 = sides.T
    over = (x0[:, None] < x1) & (x0 < x1[:, None]) & (y0[:, None] < y1) & (y0 < y1[:, None])
    return [(found[i][0], found[j][0]) for i, j in np.argwhere(np.triu(over, 1))]


def outside(figure):
    width, height = figure.bbox.width, figure.bbox.height
    return [w for w, b in boxes(figure) if b.x0 < -1 or b.y0 < -1 or b.x1 > width + 1 or b.y1 > height + 1]


def drawn(kind, count, **options):
    result, distances, extremes = make_measurement(count, **options)
    m = read_measurement(result)
    made = {
        "scale": lambda: scale_chart(m),
        "distances": lambda: distance_histograms(m, distances),
        "convergence": lambda: convergence_chart(m, distances),
        "cross": lambda: cross_chart(m),
        "agreement": lambda: agreement_chart(m),
        "pairs": lambda: pair_strips(extremes)[0],
    }
    return made[kind]()


@pytest.mark.parametrize("count", [1, 2, 3, *(pytest.param(n, marks=pytest.mark.slow) for n in (19, 40))])
@pytest.mark.parametrize("kind", ["scale", "distances", "convergence", "cross"])
def test_words_stay_apart_on_the_paper_and_readable(kind, count):
    figure = drawn(kind, count)
    assert outside(figure) == []
    assert clashes(figure) == []
    assert min(t.get_fontsize() for t in figure.findobj(Text)) >= 9
    assert figure.get_size_inches()[0] <= 7.2
    assert figure.get_size_inches()[1] <= 10


@pytest.mark.parametrize("kind, count", [("pairs", 2), ("agreement", 4)])
def test_words_of_the_other_figures_too(kind, count):
    figure = drawn(kind, count)
    assert (outside(figure), clashes(figure)) == ([], [])


def test_lines_at_one_place_have_names_apart():
    result, distances, _ = make_measurement(1)
    value = result["sources"][0]["diversity"]["value"]
    result["scale"] = {"floor": est(value), "ceiling": est(value + 1e-4)}
    result["sources"][0]["floor"] = est(value)
    figure = distance_histograms(read_measurement(result), distances)
    assert len([w for w, _ in boxes(figure) if w.startswith(("scale", "noise floor 0", "coefficient 0"))]) == 4
    assert (outside(figure), clashes(figure)) == ([], [])


def test_the_check_for_clashes_finds_one():
    figure = drawn("scale", 1)
    figure.text(0.5, 0.5, "one")
    figure.text(0.5, 0.5, "two")
    assert ("two", "one") in clashes(figure) or ("one", "two") in clashes(figure)


def test_histograms_count_every_pair():
    result, distances, _ = make_measurement(2)
    figure = distance_histograms(read_measurement(result), distances)
    for k, d in enumerate(distances.values()):
        (patch,) = by_gid(figure, f"histogram-{k}")
        tops, edges, base = patch.get_data()
        counts, _ = np.histogram(d[np.triu_indices(len(d), 1)], edges)
        assert counts.sum() == 66
        np.testing.assert_allclose((base - tops) / (base - tops).max(), counts / counts.max())


def test_the_scale_shows_values_floors_and_positions_in_order():
    result, *_ = make_measurement(3)
    m = by_diversity(read_measurement(result))
    values = {s["name"]: s["diversity"]["value"] for s in result["sources"]}
    assert [s.name for s in m.sources] == sorted(values, key=values.get, reverse=True) != list(values)
    assert m.cross[0, 0] == m.sources[0].diversity.value
    figure = scale_chart(read_measurement(result))
    for k, s in enumerate(m.sources):
        assert by_gid(figure, f"coefficient-{k}")[0].get_xdata() == [s.diversity.value]
        assert by_gid(figure, f"noise-floor-{k}")[0].get_xdata() == [0.08]
        assert percent(s) in [t.get_text() for t in figure.findobj(Text)]
    assert percent(m.sources[0]) == f"{100 * (m.sources[0].diversity.value - 0.05) / 0.45:.0f} %"


def test_prefixes_end_at_the_coefficient():
    d = make_measurement(1, tasks=100)[1]["source_0"]
    run = prefixes(d)
    assert (run[0].n, run[-1].n, len(run)) == (3, 100, 40)
    assert run[-1] == mean_pairwise(d)
    assert run[0] == mean_pairwise(d[:3, :3])
    assert [e.n for e in prefixes(d[:2, :2])] == [2]


def test_the_tree_puts_near_sources_side_by_side():
    near = np.full((4, 4), 0.9)
    near[0, 2] = near[2, 0] = near[1, 3] = near[3, 1] = 0.1
    order, tree = tree_order(near)
    assert {frozenset(order[:2]), frozenset(order[2:])} == {frozenset({0, 2}), frozenset({1, 3})}
    np.testing.assert_allclose(tree[:, 2], [0.1, 0.1, 0.9])
    near[0, 1] = np.nan
    assert tree_order(near) == ([0, 1, 2, 3], None)
    assert tree_order(np.array([[0.2]])) == ([0], None)


def test_cells_hold_the_matrix_and_missing_pairs_stay_empty():
    result, *_ = make_measurement(3)
    result["cross"] = result["cross"][1:]  # between sources 0 and 1
    figure = cross_chart(read_measurement(result))
    assert by_gid(figure, "value-0-1") == []
    assert by_gid(figure, "value-0-2")[0].get_text() == f"{result['cross'][0]['distance']['value']:.2f}"
    assert by_gid(figure, "value-1-1")[0].get_text() == f"{result['sources'][1]['diversity']['value']:.2f}"


def test_rank_agreement_is_spearman_and_skips_what_is_not_measured_everywhere():
    result, *_ = make_measurement(6)
    rng = np.random.default_rng(3)
    for s in result["sources"]:
        s["complexity"] = est(float(rng.integers(0, 3)))  # with ties
        s["corrected"] = est(0.1)  # constant
    result["sources"][2]["rivals"] = result["sources"][2]["rivals"][:1]
    m = read_measurement(result)
    names, rho = rank_agreement(m)
    assert names == ["diversity coefficient", "corrected for noise", "complexity", "Vendi score"]
    expected = spearmanr([s.diversity.value for s in m.sources], [s.complexity.value for s in m.sources]).statistic
    assert rho[0, 2] == pytest.approx(expected)
    expected = spearmanr([s.diversity.value for s in m.sources], [s.rivals[0].estimate.value for s in m.sources]).statistic
    assert rho[3, 0] == pytest.approx(expected)
    assert expected < -0.5
    assert np.isnan(rho[1]).all()


def test_strips_show_the_pixels_that_were_given():
    _, _, extremes = make_measurement(1)
    (figure,) = pair_strips(extremes)
    (image,) = by_gid(figure, "strip-0-1-1-0")
    np.testing.assert_array_equal(image.get_array()[::3, ::3], extremes["source_0"].least_similar.images[1][0])
    assert len(by_gid(figure, "strip-0-1-1-7")) == 1
    assert by_gid(figure, "strip-0-1-1-8") == []


def test_images_of_another_form_are_refused():
    pair = Pair(0.1, ("a", "b"), (np.zeros((2, 8, 8), np.uint8), np.zeros((2, 8, 8, 1), np.uint8)))
    with pytest.raises(DataError) as caught:
        pair_strips({"x": Extremes(pair, pair)})
    assert str(caught.value) == "images of task 'a' are uint8 of shape (2, 8, 8); expected uint8 [k, h, w, 1 or 3]"
