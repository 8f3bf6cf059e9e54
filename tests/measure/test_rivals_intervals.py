"""Intervals of scores of item sets: the formula, what a bootstrap does instead, rarefaction, coverage by simulation, the panel."""

import re

import numpy as np
import pytest

from breadth.errors import MeasureError
from breadth.measure.rivals.panel import Rival, rivals
from breadth.measure.rivals.spread import mean_distance, mean_distance_estimate
from breadth.measure.rivals.subsample import at_size, estimates
from breadth.measure.rivals.vendi import rke, vendi
from breadth.stats.interval import mean_pairwise

WEIGHTS = np.array([0.4, 0.3, 0.15, 0.1, 0.05])


def mixture(rng, n, d):
    """Five Gaussian clusters of unequal size, three of their own widths apart."""
    centres = np.random.default_rng(7).normal(size=(5, d)) * 3 / np.sqrt(d)
    return centres[rng.choice(5, n, p=WEIGHTS)] + rng.normal(size=(n, d)) / np.sqrt(d) + 0.5


def refuses(message):
    return pytest.raises(MeasureError, match=f"^{re.escape(message)}$")


def test_the_formula():
    X = mixture(np.random.default_rng(0), 12, 4)
    # As many groups as items: the delete-one jackknife, which the house has for means of distances.
    (one,) = estimates(lambda x: [mean_distance(x)], X, groups=99)
    D = np.sqrt(((X[:, None] - X) ** 2).sum(2))
    house = mean_pairwise(D)
    assert (one.value, one.low, one.high) == pytest.approx((house.value, house.low, house.high))
    assert (one.n, one.level, one.method) == (12, 0.95, "items, 12 groups of 1 left out in turn")
    # Groups of two, of which two items of twelve are in none.
    seen = []
    (five,) = estimates(lambda x: [seen.append(x) or vendi(x)], X, groups=5)
    assert [len(x) for x in seen] == [12] + [10] * 5
    gone = [set(map(tuple, X)) - set(map(tuple, x)) for x in seen[1:]]
    assert len(set.union(*gone)) == 10
    values = np.array([vendi(x) for x in seen[1:]])
    se = np.sqrt((12 - 2) / 2 * values.var())
    assert five.high - five.value == pytest.approx(2.7764451 * se)


def test_a_bootstrap_lies_below_the_score_and_this_does_not():
    X = mixture(np.random.default_rng(0), 80, 16)

    def score(x):
        return vendi(x, kernel="rbf", sigma=0.7)

    (e,) = estimates(lambda x: [score(x)], X)
    rng = np.random.default_rng(1)
    repeated = [score(X[rng.integers(0, 80, 80)]) for _ in range(60)]
    assert np.quantile(repeated, 0.975) < e.value
    assert e.low < e.value < e.high


def test_scores_at_a_smaller_size():
    rng = np.random.default_rng(2)
    X = mixture(rng, 240, 8)

    def score(x):
        return vendi(x, kernel="rbf", sigma=0.7)

    e = at_size(score, X, 60, draws=20)
    assert (e.n, e.method) == (240, "mean at 60 of 240 items over 20 draws, items, 20 groups of 12 left out in turn")
    fresh = np.mean([score(mixture(np.random.default_rng([5, s]), 60, 8)) for s in range(300)])
    assert e.low < fresh < e.high
    assert score(X) > e.high  # which is why sets of different size do not compare
    whole = at_size(score, X, 240)
    assert whole == estimates(lambda x: [score(x)], X)[0]
    assert at_size(score, X, 60) == at_size(score, X, 60) != at_size(score, X, 60, seed=1)


@pytest.mark.parametrize("size, draws, calls", [(20, 4, 5), (35, 6, 6), (9, 2, 12)])
def test_subsets_count_every_item_about_equally(size, draws, calls):
    X, seen = np.arange(100.0)[:, None] + 1, []
    estimates(lambda x: [seen.append(x[:, 0].astype(int)) or 0.0], X, size=size, draws=draws, groups=10)
    assert len(seen) == 11 * calls
    assert all(len(set(rows)) == size for rows in seen)
    for call in range(11):
        counts = np.bincount(np.concatenate(seen[call * calls : (call + 1) * calls]), minlength=101)[1:]
        used = counts[counts > 0]
        assert len(used) == (100 if call == 0 else 90)
        assert used.max() - used.min() <= 1


def test_equal_sources_of_different_size_compare_at_one_size():
    small, large = mixture(np.random.default_rng(3), 60, 8), mixture(np.random.default_rng(4), 240, 8)

    def score(x):
        return vendi(x, kernel="rbf", sigma=0.7)

    a, b = at_size(score, small, 60), at_size(score, large, 60)
    assert a.low < b.value < a.high
    assert score(large) > a.high


def test_what_cannot_have_an_interval():
    X = mixture(np.random.default_rng(0), 30, 4)
    (two,) = estimates(lambda x: [vendi(x)], X[:2])
    assert np.isfinite(two.value)
    assert np.isnan([two.low, two.high]).all()
    good, bad = estimates(lambda x: [vendi(x), float("nan")], X)
    assert np.isfinite(good.low)
    assert np.isnan([bad.value, bad.low]).all()
    for options, message in [
        ({"size": 31}, "a score at 31 items of 30 was asked for; expected 2 to 30"),
        ({"size": 1}, "a score at 1 items of 30 was asked for; expected 2 to 30"),
        ({"groups": 1}, "1 groups and 10 draws were asked for; expected 2 or more groups and 1 or more draws"),
        ({"draws": 0}, "20 groups and 0 draws were asked for; expected 2 or more groups and 1 or more draws"),
    ]:
        with refuses(message):
            estimates(lambda x: [vendi(x)], X, **options)


NAMES = [
    "Vendi q=1, cosine", "Vendi q=2, cosine", "Vendi q=1, rbf", "Vendi q=2, rbf", "log-det, cosine, ridge 1",
    "magnitude, t=1", "magnitude, t=2", "mean magnitude, t=1 to 2",
    "nearest distance", "hubness, k=10", "mean distance", "mean cosine distance",
]  # fmt: skip


def test_the_panel_has_every_score_with_its_interval():
    X = mixture(np.random.default_rng(0), 120, 6)
    found = rivals(X, orders=(1, 2), sigma=0.7, scales=(1.0, 2.0))
    assert [r.name for r in found] == NAMES
    by = {r.name: r for r in found}
    for r in found:
        assert isinstance(r, Rival)
        assert r.estimate.low < r.estimate.value < r.estimate.high
        assert r.size_bias
        assert r.note
    assert by["Vendi q=1, rbf"].estimate.value == pytest.approx(vendi(X, kernel="rbf", sigma=0.7))
    assert by["Vendi q=2, cosine"].estimate.value == pytest.approx(rke(X))
    assert by["mean distance"].estimate == mean_distance_estimate(X)
    assert by["mean distance"].size_bias == "none"
    assert by["Vendi q=1, cosine"].note == "cosine, dual (6 x 6)"
    assert by["Vendi q=1, rbf"].note == "rbf, sigma 0.7, primal (120 x 120)"
    assert by["Vendi q=2, rbf"].size_bias.startswith("on average 1/value = 1/n")


def test_the_panel_says_which_bandwidth_it_took_and_that_number_repeats_it():
    X = mixture(np.random.default_rng(0), 60, 6)
    first = rivals(X, orders=(1,))
    note = first[1].note
    assert note.endswith("; bandwidth is the median distance of these items: give sigma= to compare sets")
    sigma = float(re.search(r"sigma ([\d.]+),", note)[1])
    again = rivals(X, orders=(1,), sigma=sigma)
    assert [r.estimate.value for r in again] == pytest.approx([r.estimate.value for r in first], rel=1e-4)


def test_the_panel_compares_at_one_size():
    small, large = mixture(np.random.default_rng(3), 60, 6), mixture(np.random.default_rng(4), 240, 6)
    options = {"orders": (1,), "sigma": 0.7, "scales": (1.0, 2.0), "neighbours": 5}
    a, b, full = rivals(small, **options), rivals(large, **options, items_to_n=60, draws=5), rivals(large, **options)
    for x, y, z in zip(a, b, full, strict=True):
        assert x.estimate.low < y.estimate.value < x.estimate.high, x.name
        assert "mean at 60 of 240 items over 5 draws" in y.estimate.method
        if x.name in ("Vendi q=1, rbf", "magnitude, t=2", "nearest distance"):
            assert not x.estimate.low < z.estimate.value < x.estimate.high, x.name


def test_the_panel_keeps_the_memory_limit_and_says_so():
    X = mixture(np.random.default_rng(0), 520, 6)
    found = {r.name: r for r in rivals(X, orders=(1,), sigma=0.7, scales=(1.0, 2.0), memory=2**20)}
    assert re.fullmatch(r"rbf, sigma 0.7, Nystrom \(500 landmarks, \d+\.\d% of the trace\)", found["Vendi q=1, rbf"].note)
    one = found["magnitude, t=1"]
    assert np.isnan([one.estimate.value, one.estimate.low, one.estimate.high]).all()
    assert one.note == "not computed: needs 4 MiB, the limit is 1 MiB; Euclidean"
    assert np.isfinite(found["nearest distance"].estimate.low)
    exact = vendi(X, kernel="rbf", sigma=0.7)
    assert found["Vendi q=1, rbf"].estimate.value == pytest.approx(exact, rel=0.02)


PANEL_REFUSED = {
    "zero row": ({"X": np.zeros((30, 2))}, "item 0 is zero everywhere; its cosine is undefined: drop it or use kernel 'rbf'"),
    "two items": ({"X": np.eye(2)}, "2 items; expected at least 3: diversity is between items"),
    "size": ({"items_to_n": 31}, "a score at 31 items of 30 was asked for; expected 2 to 30"),
    "neighbours": ({"neighbours": 29}, "hubness was asked for 29 neighbours among 29 items; expected 1 to 28"),
    "neighbours at a size": (
        {"items_to_n": 10},
        "hubness was asked for 10 neighbours among 10 items; expected 1 to 9",
    ),
    "scales": (
        {"scales": (2.0, 1.0)},
        "an area under 2 magnitudes at 2 scales; expected two or more rising scales, one value each",
    ),
    "order": ({"orders": (-1.0,)}, "the order q is -1.0; expected a number from 0 to infinity"),
}


@pytest.mark.parametrize("why", PANEL_REFUSED)
def test_the_panel_refuses(why):
    options, message = PANEL_REFUSED[why]
    with refuses(message):
        rivals(**{"X": mixture(np.random.default_rng(0), 30, 4), **options})


def coverage(n, d, repetitions, *, size=None):
    """Share of intervals that contain the mean of the scores over all repetitions (at ``size``: over fresh sets of that size)."""
    options = {"sigma": 0.7, "scales": (1.0, 3.0), "items_to_n": size, "draws": 5}
    panels = [rivals(mixture(np.random.default_rng([n, d, i]), n, d), **options) for i in range(repetitions)]
    values, low, high = (np.array([[getattr(r.estimate, k) for r in p] for p in panels]) for k in ("value", "low", "high"))
    truth = values.mean(0)
    return dict(zip([r.name for r in panels[0]], ((low <= truth) & (truth <= high)).mean(0), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("n, d, size", [(100, 4, None), (100, 32, None), (200, 16, 60)])
def test_coverage(n, d, size):
    for name, share in coverage(n, d, 2000, size=size).items():
        # Scores that follow single neighbours have intervals that are too wide, never too narrow; at a smaller size all are a little.
        highest = 1.0 if name.startswith(("nearest", "hubness")) else 0.98 if size is None else 0.99
        assert 0.92 <= share <= highest, (name, share)
