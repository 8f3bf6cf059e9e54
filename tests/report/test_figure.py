"""What is drawn is what was stored: values are read back from the figure's own artists."""

import math
import re
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from analyses import NAN, make_analysis
from matplotlib.colors import to_hex
from matplotlib.legend import Legend

from breadth.errors import DataError
from breadth.report import figure, style
from breadth.report.layout import place_apart, shade
from breadth.report.words import shown_series
from breadth.study.finding import Baseline, Fit, Point


def artist(drawn, gid):
    found = [a for ax in drawn.axes for a in ax.get_children() if a.get_gid() == gid]
    assert len(found) == 1, f"{gid}: {len(found)} artists"
    return found[0]


def gids(drawn):
    return {a.get_gid() for ax in drawn.axes for a in ax.get_children()} - {None}


def ends(collection, axis):
    return [(segment[0][axis], segment[1][axis]) for segment in collection.get_segments()]


@pytest.mark.parametrize("n", [1, 8, 60])
@pytest.mark.parametrize("learners", [("PT",), ("PT", "MAML")])
def test_points_and_bars_are_the_stored_ones(n, learners):
    analysis = make_analysis(n, learners=learners)
    drawn = figure.draw(analysis)
    for s in analysis.series:
        name = f"{s.learner}-{s.metric}"
        np.testing.assert_array_equal(artist(drawn, f"{name}-points").get_offsets(), [(p.x, p.y) for p in s.points])
        assert ends(artist(drawn, f"{name}-x-bars"), 0) == [(p.x_low, p.x_high) for p in s.points]
        assert ends(artist(drawn, f"{name}-y-bars"), 1) == [(p.y_low, p.y_high) for p in s.points]


def test_fit_band_and_baselines_are_the_stored_ones(analysis):
    drawn = figure.draw(analysis)
    for s in analysis.series:
        line = artist(drawn, f"{s.learner}-{s.metric}-fit")
        np.testing.assert_array_equal(np.column_stack(line.get_data()), np.column_stack([s.fit.x, s.fit.y]))
        corners = artist(drawn, f"{s.learner}-{s.metric}-band").get_paths()[0].vertices
        assert {tuple(v) for v in zip(s.fit.x, s.fit.low, strict=True)} <= {tuple(v) for v in corners}
        assert {tuple(v) for v in zip(s.fit.x, s.fit.high, strict=True)} <= {tuple(v) for v in corners}
    for ax, metric in zip(drawn.axes, ("accuracy", "loss"), strict=True):
        heights = [line.get_ydata()[0] for line in ax.get_lines() if str(line.get_gid()).startswith(f"baseline-{metric}-")]
        assert heights == [b.estimate.value for b in analysis.baselines if b.metric == metric]


def test_doses_are_the_stored_ones(analysis):
    drawn = figure.dose(analysis)
    for learner in ("PT", "MAML"):
        doses = [d for d in analysis.doses if d.learner == learner and d.metric == "loss"]
        assert list(artist(drawn, f"{learner}-diversity-dose").get_ydata()) == [d.x.value for d in doses]
        assert list(artist(drawn, f"{learner}-loss-dose").get_ydata()) == [d.y.value for d in doses]
        finite = [(d.y.low, d.y.high) for d in doses if math.isfinite(d.y.low)]
        assert 0 < len(finite) < len(doses)  # a level with one training set has no interval, and so no bar
        assert ends(artist(drawn, f"{learner}-loss-dose-bars"), 1) == finite


def test_only_the_primary_probe_and_the_primary_mode_are_drawn():
    analysis = make_analysis(8, probes=2)
    main = analysis.series[0]
    other = [replace(s, condition=s.condition.replace("support", "running"), primary=False) for s in analysis.series]
    shown = shown_series(replace(analysis, series=(*other, *analysis.series)))
    assert {(s.learner, s.metric, s.probe) for s in shown} == {
        (a, m, main.probe) for a in ("PT", "MAML") for m in ("accuracy", "loss")
    }
    assert {s.condition for s in shown} == {"logistic/support", "maml5/support"}


def test_nan_intervals_leave_no_bar_and_nan_values_no_point():
    analysis = make_analysis(8, learners=("PT",), nan_bars=True, baselines=False)
    assert not [g for g in gids(figure.draw(analysis)) if "bars" in g]
    main = analysis.series[0]
    holed = replace(
        main, points=(replace(main.points[0], y=NAN), *main.points[1:]), fit=Fit((0.1, 0.2), (NAN, NAN), (NAN, NAN), (NAN, NAN))
    )
    drawn = figure.draw(replace(analysis, series=(holed,)))
    assert len(artist(drawn, "PT-accuracy-points").get_offsets()) == 7
    assert "PT-accuracy-fit" not in gids(drawn)
    assert "n = 7 training sets" in figure.caption(holed)
    empty = replace(main, points=tuple(replace(p, y=NAN) for p in main.points), fit=Fit((), (), (), ()))
    assert "no point could be drawn" in figure.svg(figure.draw(replace(analysis, series=(empty,))))


def test_a_very_wide_bar_does_not_press_the_points_together():
    analysis = make_analysis(8, learners=("PT",), baselines=False)
    main = analysis.series[0]
    wild = replace(main, points=(replace(main.points[0], x_low=-9.0, x_high=9.0), *main.points[1:]))
    low, high = figure.draw(replace(analysis, series=(wild,))).axes[0].get_xlim()
    xs = [p.x for p in main.points]
    assert low < min(xs) < max(xs) < high
    assert high - low < 3.5 * (max(xs) - min(xs))


def test_fill_grows_with_the_number_of_domains(analysis):
    drawn = figure.draw(analysis)
    fills = artist(drawn, "PT-accuracy-points").get_facecolors()
    levels = [p.level for p in analysis.series[0].points]
    order = np.argsort(levels, kind="stable")
    assert all(np.diff(fills[order, 3]) >= 0)
    assert {to_hex(c) for c in fills} == {style.COLOURS["PT"]}
    assert shade(1, [1, 2, 12]) < shade(2, [1, 2, 12]) < shade(12, [1, 2, 12]) == 1.0


def test_svg_says_what_the_figure_is(analysis):
    text = figure.svg(figure.draw(analysis))
    words = re.sub(r"\s+", " ", " ".join(re.findall(r"<text[^>]*>(.*?)</text>", text, flags=re.DOTALL)))
    r = analysis.series[0].estimates["Pearson r"]
    for expected in (
        "accuracy",
        "cross-entropy loss, nats",
        "diversity coefficient of the training data (probe: trained-resnet18)",
        "INCONCLUSIVE",
        f"n = 8 training sets, Pearson r = {r.value:.2f}",
        "PT, logistic/support, n = 8",
        "domains in the set:",
    ):
        assert expected in words
    assert "nearest" in words  # the baseline's name, broken over lines


def test_drawing_leaves_the_settings_of_the_reader_alone(analysis):
    with mpl.rc_context({"font.size": 33, "lines.linewidth": 9}):
        before = dict(mpl.rcParams)
        assert figure.svg(figure.draw(analysis)) == figure.svg(figure.draw(make_analysis()))
        assert dict(mpl.rcParams) == before
        text = figure.svg(figure.draw(analysis))
    assert text == figure.svg(figure.draw(analysis))


def test_bytes_depend_on_the_analysis_only(tmp_path, analysis):
    first, second = figure.save(analysis, tmp_path / "a"), figure.save(make_analysis(), tmp_path / "b")
    assert [p.name for p in first] == [f"{s}.{k}" for s in ("figure", "figure-dose") for k in ("png", "svg", "pdf")]
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    other = figure.save(make_analysis(seed=1), tmp_path / "c")
    assert all(a.read_bytes() != b.read_bytes() for a, b in zip(first, other, strict=True))
    assert b"CreationDate" not in first[2].read_bytes()


def words_of(drawn):
    """Every visible text of a drawn figure with its box in pixels; tick labels only where their tick lies inside the axis."""
    drawn.canvas.draw()
    texts = [*drawn.texts, *(t for legend in drawn.findobj(Legend) for t in legend.get_texts())]
    for ax in drawn.axes:
        texts += ax.texts
        for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
            texts += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    renderer = drawn.canvas.get_renderer()
    return [(t.get_text(), t.get_window_extent(renderer)) for t in texts if t.get_visible() and t.get_text()]


@pytest.mark.parametrize("n", [1, 8, 54, 60])
@pytest.mark.parametrize("options", [{}, {"learners": ("PT",)}, {"verdict": "confounded", "baselines": False, "nan_bars": True}])
def test_no_words_overlap_each_other_or_the_panels_or_leave_the_paper(n, options):
    analysis = make_analysis(n, **options)
    for drawn in (figure.draw(analysis), figure.dose(analysis)):
        words = words_of(drawn)
        assert len(words) > 15
        for k, (text, box) in enumerate(words):
            assert drawn.bbox.containsx(box.x0), text
            assert drawn.bbox.containsx(box.x1), text
            assert drawn.bbox.containsy(box.y0), text
            assert drawn.bbox.containsy(box.y1), text
            assert [other for other, b in words[k + 1 :] if box.overlaps(b)] == [], text
            assert [ax for ax in drawn.axes if ax.bbox.overlaps(box)] == [], text


def test_the_overlap_check_sees_a_word_on_a_panel(analysis):
    drawn = figure.draw(analysis)
    drawn.axes[0].text(0.5, 0.5, "in the way", transform=drawn.axes[0].transAxes)
    assert [t for t, box in words_of(drawn) if drawn.axes[0].bbox.overlaps(box)] == ["in the way"]


def test_every_word_has_at_least_nine_points(analysis):
    for drawn in (figure.draw(analysis), figure.dose(analysis)):
        assert min(t.get_fontsize() for t in drawn.findobj(match=lambda a: hasattr(a, "get_fontsize"))) >= 9


def test_near_names_are_moved_apart():
    centres = place_apart([0.5, 0.51, 0.2], [0.1, 0.2, 0.1], 0.0, 1.0)
    assert centres[2] == 0.2
    assert centres[1] - centres[0] >= 0.15 - 1e-12
    assert place_apart([0.99, 1.0], [0.2, 0.2], 0.0, 1.0) == pytest.approx([0.7, 0.9])


def test_dollar_signs_in_names_are_not_read_as_formulas(analysis):
    line = Baseline("cost $5 and $6", "accuracy", analysis.baselines[0].estimate)
    assert "$5" in figure.svg(figure.draw(replace(analysis, baselines=(line,))))


def test_an_unknown_learner_gets_a_colour_and_marker_of_its_own():
    point = Point("a", "ANIL", None, 0.1, 0.1, 0.1, 0.5, 0.5, 0.5)
    analysis = make_analysis(8)
    anil = replace(analysis.series[0], learner="ANIL", points=(point,), primary=False)
    drawn = figure.draw(replace(analysis, series=(*analysis.series, anil)))
    colours = {x: to_hex(artist(drawn, f"{x}-accuracy-points").get_edgecolors()[0]) for x in ("PT", "MAML", "ANIL")}
    assert len(set(colours.values())) == 3


def test_an_analysis_without_series_or_doses_cannot_be_drawn(analysis):
    with pytest.raises(DataError) as error:
        figure.draw(replace(analysis, series=()))
    assert str(error.value) == "analysis 'example' holds no series, expected at least one; run the study before its report"
    with pytest.raises(DataError) as error:
        figure.dose(replace(analysis, doses=()))
    assert (
        str(error.value) == "analysis 'example' holds no doses, expected one a number of domains; run the study before its report"
    )
