"""Vendi, log-det, magnitude and distances against their definitions, known values, invariances and the faults of other packages."""

import re
import time
import tracemalloc
import warnings
from itertools import pairwise

import numpy as np
import pytest

from breadth.errors import MeasureError
from breadth.measure.rivals.kernel import median_distance, squared_distances
from breadth.measure.rivals.logdet import log_det
from breadth.measure.rivals.magnitude import convergence_scale, magnitude, magnitude_area, magnitude_of
from breadth.measure.rivals.spread import hubness, mean_distance, mean_distance_estimate, nearest_distance
from breadth.measure.rivals.vendi import effective_number, rke, spectrum, spectrum_of, stream, vendi
from breadth.stats.interval import mean_pairwise
from oracle import rivals as oracle

INF = float("inf")
ORDERS = (0, 0.5, 0.999, 1, 1 + 1e-9, 1.3, 2, 5, INF)
SCORES = {
    "vendi cosine": vendi,
    "vendi rbf": lambda X: vendi(X, kernel="rbf", sigma=2.0),
    "vendi median": lambda X: vendi(X, 2, kernel="rbf"),
    "rke": lambda X: rke(X, "rbf", sigma=1.5),
    "log-det": lambda X: log_det(X, 0.1, "rbf", sigma=2.0),
    "magnitude": lambda X: magnitude(X, [0.7])[0],
    "mean distance": mean_distance,
    "nearest distance": nearest_distance,
    "hubness": lambda X: hubness(X, 5),
}


def items(n, d, seed=0, shift=0.5):
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def refuses(message):
    return pytest.raises(MeasureError, match=f"^{re.escape(message)}$")


@pytest.mark.parametrize("shape", [(30, 5), (12, 40)], ids=str)
@pytest.mark.parametrize("q", ORDERS)
def test_vendi_is_the_definition(q, shape):
    X = items(*shape)
    # Near q = 1 the naive power loses digits that ours keeps.
    relative = 1e-6 if q == 1 + 1e-9 else 1e-9
    assert vendi(X, q) == pytest.approx(oracle.vendi(X, 1 if q == 1 + 1e-9 else q), rel=relative)
    assert vendi(X, q, kernel="rbf", sigma=2.0) == pytest.approx(
        oracle.vendi(X, 1 if q == 1 + 1e-9 else q, "rbf", 2.0), rel=relative
    )


@pytest.mark.parametrize("q", ORDERS)
def test_all_roads_lead_to_one_number(q):
    X = items(60, 9)
    dual = vendi(X, q, method="dual")
    K = oracle.similarities(X)
    assert vendi(X, q, method="primal") == pytest.approx(dual, rel=1e-9)
    assert effective_number(spectrum_of(K), q) == pytest.approx(dual, rel=1e-9)
    assert effective_number(stream([X[:7], X[7:30], X[30:]]), q) == pytest.approx(dual, rel=1e-9)
    # As many landmarks as dimensions span all items: the approximation is then exact.
    assert vendi(X, q, method="nystrom", landmarks=30) == pytest.approx(dual, rel=1e-7)
    rbf = vendi(X, q, kernel="rbf", sigma=2.0)
    assert vendi(X, q, kernel="rbf", sigma=2.0, method="nystrom", landmarks=60) == pytest.approx(rbf, rel=1e-7)


def test_roads_are_named():
    X = items(60, 9)
    assert spectrum(X).how == "cosine, dual (9 x 9)"
    assert spectrum(X.T).how == "cosine, primal (9 x 9)"
    assert spectrum(X, "rbf", sigma=2.0).how == "rbf, sigma 2, primal (60 x 60)"
    assert spectrum(X, "rbf").how == f"rbf, sigma {median_distance(X):.6g} (median distance), primal (60 x 60)"
    assert re.fullmatch(
        r"rbf, sigma 2, Nystrom \(20 landmarks, \d\d\.\d% of the trace\)",
        spectrum(X, "rbf", sigma=2.0, memory=1000, landmarks=20).how,
    )


@pytest.mark.parametrize("q", [0, 0.5, 1, 2, INF])
def test_known_values(q):
    assert vendi(np.eye(7), q) == pytest.approx(7)
    assert vendi(np.ones((7, 3)), q) == pytest.approx(1)
    assert vendi(np.ones((7, 3)), q, kernel="rbf", sigma=1.0) == pytest.approx(1)
    assert vendi(1e4 * np.eye(7), q, kernel="rbf", sigma=1.0) == pytest.approx(7)
    twice = np.eye(6)[[0, 0, 0, 1, 1, 2]]
    p = np.array([3, 2, 1]) / 6
    hill = {0: 3, 1: np.exp(-(p * np.log(p)).sum()), INF: 2}.get(q) or (p**q).sum() ** (1 / (1 - q))
    assert vendi(twice, q) == pytest.approx(hill)


def test_orders_differ_and_fall_within_the_bounds():
    for X in (items(50, 8), items(8, 50)):
        values = [vendi(X, q) for q in (0, 0.5, 1, 2, INF)]
        assert all(a > 1.02 * b for a, b in pairwise(values))
        assert values[0] == min(X.shape)
        assert values[-1] >= 1
    low = items(40, 3) @ np.random.default_rng(1).normal(size=(3, 30))
    assert vendi(low, 0) == vendi(low, 0, method="primal") == 3
    assert vendi(low, 0.01) <= 3


def test_high_orders_and_q_near_one_are_continuous():
    s = spectrum(items(50, 8))
    assert effective_number(s, 1e4) == pytest.approx(effective_number(s, INF), rel=1e-3)
    one = effective_number(s, 1)
    for e in (1e-4, 1e-8, 1e-12):
        assert effective_number(s, 1 + e) == pytest.approx(one, rel=10 * e + 1e-14)
        assert effective_number(s, 1 - e) == pytest.approx(one, rel=10 * e + 1e-14)
    assert effective_number(s, 1.5 - 1e-9) == pytest.approx(effective_number(s, 1.5 + 1e-9), rel=1e-8)


@pytest.mark.parametrize("name", SCORES)
def test_order_of_items_does_not_matter(name):
    X = items(40, 6)
    assert SCORES[name](X[np.random.default_rng(3).permutation(40)]) == pytest.approx(SCORES[name](X), rel=1e-9)


@pytest.mark.parametrize("name", SCORES)
def test_rotation_of_features_does_not_matter(name):
    X, R = items(40, 6), np.linalg.qr(items(6, 6, 5))[0]
    assert SCORES[name](X @ R) == pytest.approx(SCORES[name](X), rel=1e-9)
    stretched = X * np.array([3, 1, 1, 1, 1, 1])
    assert SCORES[name](stretched) != pytest.approx(SCORES[name](X), rel=1e-3)


def test_duplicates_leave_vendi_and_magnitude_alone_and_lower_distances():
    X = items(30, 6)
    both = np.concatenate([X, X])
    for name in ("vendi cosine", "vendi rbf", "rke", "magnitude"):
        assert SCORES[name](both) == pytest.approx(SCORES[name](X), rel=1e-9)
    assert nearest_distance(both) == 0
    assert mean_distance(both) == pytest.approx(mean_distance(X) * 2 * 29 / 59)


def test_a_shift_far_from_the_origin_costs_no_digits():
    X = items(30, 6)
    for name in ("vendi rbf", "rke", "magnitude", "mean distance", "nearest distance", "hubness"):
        assert SCORES[name](X + 1e5) == pytest.approx(SCORES[name](X), rel=1e-8)


def test_truncation_keeps_the_largest_and_spreads_the_rest():
    s = spectrum(items(200, 30))
    lam = s.values[:5] + s.values[5:].sum() / 5
    assert effective_number(s, 1, truncate=5) == pytest.approx(np.exp(-(lam * np.log(lam)).sum()))
    assert effective_number(s, 2, truncate=30) == pytest.approx(effective_number(s, 2))
    assert effective_number(s, 1, truncate=31) == pytest.approx(effective_number(s, 1), rel=0.05)
    # It moves less with n than the full score.
    few, many = (spectrum(items(n, 30, 7), "rbf", sigma=5.0) for n in (100, 800))
    full = effective_number(many) / effective_number(few)
    cut = effective_number(many, truncate=10) / effective_number(few, truncate=10)
    assert full > 1.5
    assert cut < 1.05


def test_rke_is_order_two_and_its_bias_is_known():
    for X in (items(60, 9), items(9, 60)):
        assert rke(X) == pytest.approx(vendi(X, 2))
        assert rke(X, "rbf", sigma=2.0) == pytest.approx(vendi(X, 2, kernel="rbf", sigma=2.0))
    # For rbf of width s on a standard normal in d dimensions, 1 / limit = E K^2 = (1 + 4 / s^2)^(-d/2).
    limit = (1 + 4 / 4.0) ** (4 / 2)
    mean = np.mean([1 / rke(items(20, 4, s), "rbf", sigma=2.0) for s in range(400)])
    assert mean == pytest.approx(1 / 20 + (1 - 1 / 20) / limit, rel=0.02)
    assert mean != pytest.approx(1 / limit, rel=0.1)


def test_large_sets_never_build_all_pairs():
    X = items(20_000, 128).astype(np.float32)
    tracemalloc.start()
    start = time.process_time()  # of this process, whatever else the machine does
    value = vendi(X)
    seconds, peak = time.process_time() - start, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 2
    assert peak < 8 * X.size * 6 < 8 * 20_000**2
    assert 1 < value < 128
    with refuses(
        "the 20000 x 20000 similarities of 20000 items need 6,104 MiB; the limit is 256 MiB: "
        "use method='nystrom' (or 'dual' for cosine), or raise memory="
    ):
        vendi(X, kernel="rbf", sigma=10.0, method="primal")


def test_nystrom_converges_to_the_score():
    X = items(400, 3)
    exact = vendi(X, kernel="rbf", sigma=1.5)
    errors = [abs(vendi(X, kernel="rbf", sigma=1.5, method="nystrom", landmarks=m) / exact - 1) for m in (10, 50, 300)]
    assert errors[0] > 0.05
    assert errors[0] > 10 * errors[1] > 10 * errors[2]
    assert errors[2] < 1e-3


@pytest.mark.parametrize("kernel", ["cosine", "rbf"])
def test_log_det_is_the_definition(kernel):
    for X in (items(25, 4), items(4, 25)):
        K = oracle.similarities(X, kernel, 2.0)
        expected = np.linalg.slogdet(K + 0.3 * np.eye(len(X)))[1]
        assert log_det(X, 0.3, kernel, sigma=2.0) == pytest.approx(expected)
    # Without a ridge it runs to -inf with the number of items that have no volume of their own; it scales with n.
    X = items(25, 4)
    assert log_det(X, 1e-200) < -9000
    assert log_det(np.repeat(X, 2, axis=0), 1.0) != pytest.approx(log_det(X, 1.0), rel=0.05)


def test_magnitude_is_the_definition():
    X = items(25, 4)
    t = np.array([0.05, 0.7, 3.0])
    found = magnitude(X, t)
    np.testing.assert_allclose(found, [oracle.magnitude(X, s) for s in t], rtol=1e-9)
    np.testing.assert_allclose(magnitude(np.concatenate([X, X[:9]]), t), found, rtol=1e-12)
    assert magnitude(X, [1e-4, 1e4]) == pytest.approx([1, 25], rel=1e-2)
    D = oracle.distances(np.concatenate([X, X[:9]]))
    np.testing.assert_allclose(magnitude_of(D, t), found, rtol=1e-9)
    two = np.array([[0.0], [1.0]])  # known in closed form: 2 / (1 + exp(-t))
    assert magnitude(two, [0.5])[0] == pytest.approx(2 / (1 + np.exp(-0.5)))
    assert magnitude_area(t, found) == pytest.approx(((found[0] + found[1]) / 2 * 0.65 + (found[1] + found[2]) / 2 * 2.3) / 2.95)
    t95 = convergence_scale(X)
    assert magnitude(X, [t95])[0] == pytest.approx(0.95 * 25, rel=1e-3)
    assert convergence_scale(100 * X) == pytest.approx(t95 / 100, rel=2e-3)


def test_distances_and_hubness_are_their_definitions():
    X = items(60, 7)
    X[:8] *= 0.1
    assert mean_distance(X) == pytest.approx(oracle.mean_distance(X))
    assert nearest_distance(X) == pytest.approx(oracle.nearest_distance(X))
    assert hubness(X, 6) == pytest.approx(oracle.hubness(X, 6))
    assert hubness(X, 6) > 0.5
    K = oracle.similarities(X)
    np.fill_diagonal(K, 1)
    assert mean_distance(X, "cosine") == pytest.approx((1 - K).sum() / (60 * 59))
    np.fill_diagonal(K, -1)
    assert nearest_distance(X, "cosine") == pytest.approx((1 - K.max(1)).mean())


def test_the_diagonal_is_not_counted():
    # The mean over all n^2 entries, which is widely used, is too small by (n - 1) / n.
    X = items(10, 3)
    assert oracle.distances(X).mean() == pytest.approx(0.9 * mean_distance(X))


def test_mean_distance_has_the_jackknife_of_the_house():
    X = items(40, 6)
    D = np.sqrt(squared_distances(X - X.mean(0), X - X.mean(0)))
    ours, house = mean_distance_estimate(X, level=0.9), mean_pairwise(D, 0.9)
    assert (ours.value, ours.low, ours.high) == pytest.approx((house.value, house.low, house.high), rel=1e-12)
    assert (ours.level, ours.n, ours.method) == (0.9, 40, "items, delete-one-item jackknife")
    assert np.isnan(mean_distance_estimate(X[:2]).low)


GOOD = items(9, 3)
REFUSED = {
    "nan": (
        lambda: vendi(np.where(np.arange(27).reshape(9, 3) == 13, np.nan, GOOD)),
        "item 4 holds NaN or infinity; expected finite features: repair or drop such items",
    ),
    "one item": (lambda: vendi(GOOD[:1]), "1 item; expected at least 2: diversity is between items"),
    "vector": (lambda: mean_distance(GOOD[0]), "the features have shape [3]; expected [items, features]: one row an item"),
    "words": (lambda: vendi([["a"], ["b"]]), "the features are not numbers; expected an array [items, features]"),
    "zero row": (
        lambda: vendi(GOOD * (np.arange(9) != 2)[:, None]),
        "item 2 is zero everywhere; its cosine is undefined: drop it or use kernel 'rbf'",
    ),
    "kernel": (lambda: vendi(GOOD, kernel="rbv"), "unknown kernel 'rbv'; expected one of: cosine, rbf; did you mean 'rbf'?"),
    "method": (
        lambda: vendi(GOOD, method="dul"),
        "unknown method 'dul'; expected one of: auto, dual, nystrom, primal; did you mean 'dual'?",
    ),
    "metric": (
        lambda: mean_distance(GOOD, "cosin"),
        "unknown distance 'cosin'; expected one of: cosine, euclidean; did you mean 'cosine'?",
    ),
    "dual rbf": (
        lambda: vendi(GOOD, kernel="rbf", method="dual"),
        "the dual form was asked for with kernel 'rbf', which has no finite features; use 'primal' or 'nystrom'",
    ),
    "sigma": (
        lambda: vendi(GOOD, kernel="rbf", sigma=0.0),
        "sigma is 0.0; expected a positive number, or None for the median distance",
    ),
    "median": (
        lambda: vendi(np.ones((9, 3)), kernel="rbf"),
        "the median distance of two items is 0, most are duplicates; give sigma= as a positive number",
    ),
    "order": (lambda: vendi(GOOD, -1), "the order q is -1; expected a number from 0 to infinity"),
    "order nan": (lambda: vendi(GOOD, float("nan")), "the order q is nan; expected a number from 0 to infinity"),
    "truncate": (lambda: vendi(GOOD, truncate=0), "the spectrum was to be truncated to 0 eigenvalues; expected 1 or more"),
    "landmarks": (lambda: vendi(GOOD, method="nystrom", landmarks=0), "Nystrom was asked for with 0 landmarks; expected 1 or more"),
    "no ridge": (
        lambda: log_det(GOOD, 0.0),
        "the ridge of the log-determinant is 0.0; expected a positive number: without one it is -inf for n > d",
    ),
    "log-det memory": (
        lambda: log_det(np.ones((9, 20)), 1.0, memory=1000),
        "the 9 x 9 similarities of 9 items need 0 MiB; the limit is 0 MiB: compare at fewer items, or raise memory=",
    ),
    "magnitude memory": (
        lambda: magnitude(items(300, 2), [1.0], memory=2**20),
        "the magnitude of 300 points needs 1 MiB; the limit is 1 MiB: compare at fewer items, or raise memory=",
    ),
    "scale": (
        lambda: magnitude(GOOD, [1.0, -2.0]),
        "a scale of magnitude is -2; expected positive numbers, e.g. 1 / median distance",
    ),
    "area": (
        lambda: magnitude_area([2.0, 1.0], [1.0, 2.0]),
        "an area under 2 magnitudes at 2 scales; expected two or more rising scales, one value each",
    ),
    "singular": (
        lambda: magnitude(np.random.default_rng(0).normal(size=(400, 1)), [1e-14]),
        "exp(-t D) is not positive definite at scale t = 1e-14: points are too near each other for double precision, or the "
        "distances are not of negative type; use a larger t, merge near-duplicates, or use Euclidean distances",
    ),
    "negative D": (
        lambda: magnitude_of([[0, -1], [-1, 0]], [1.0]),
        "the distances hold negative numbers, NaN or infinity; expected finite numbers from 0",
    ),
    "skew D": (
        lambda: magnitude_of([[0, 1], [2, 0]], [1.0]),
        "the distances are not symmetric with zeros on the diagonal; expected D[i, j] = D[j, i] and D[i, i] = 0",
    ),
    "K for D": (
        lambda: magnitude_of(np.eye(3), [1.0]),
        "the distances are not symmetric with zeros on the diagonal; expected D[i, j] = D[j, i] and D[i, i] = 0",
    ),
    "flat D": (lambda: magnitude_of([0.0], [1.0]), "the distances have shape [1]; expected a square matrix of 2 or more items"),
    "fraction": (
        lambda: convergence_scale(GOOD, 1.0),
        "the fraction of the magnitude is 1; expected a number between 0 and 1, e.g. 0.95",
    ),
    "all equal": (
        lambda: convergence_scale(np.ones((9, 3))),
        "all items are equal; expected two distinct ones: the magnitude is 1 at every scale",
    ),
    "neighbours": (lambda: hubness(GOOD, 9), "hubness was asked for 9 neighbours among 9 items; expected 1 to 8"),
    "widths": (lambda: stream([GOOD, GOOD[:, :2]]), "a batch has 2 features, the first had 3; expected one width"),
    "nothing": (lambda: stream([]), "0 items; expected at least 2: diversity is between items"),
    "twice K": (
        lambda: spectrum_of(2 * np.eye(5)),
        "the similarity of item 0 with itself is 2; expected 1: divide K[i, j] by sqrt(K[i, i] K[j, j])",
    ),
    "indefinite K": (
        lambda: spectrum_of([[1, 1, 0], [1, 1, 1], [0, 1, 1]]),
        "the similarities have an eigenvalue of -0.414; expected none below 0: "
        "use a positive semidefinite kernel, such as cosine or rbf",
    ),
    "skew K": (lambda: spectrum_of([[1, 0.5], [0.4, 1]]), "the similarities are not symmetric; expected K[i, j] = K[j, i]"),
    "flat K": (lambda: spectrum_of([1.0, 1.0]), "the similarities have shape [2]; expected a square matrix of 2 or more items"),
    "nan K": (lambda: spectrum_of([[1, np.nan], [np.nan, 1]]), "the similarities hold NaN or infinity; expected finite numbers"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_refused(why):
    call, message = REFUSED[why]
    with refuses(message):
        call()


def test_vendi_score_agrees_where_it_is_right_and_not_where_it_is_wrong():
    peer = pytest.importorskip("vendi_score.vendi")
    X = items(80, 9)
    K = oracle.similarities(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its use of scipy.sparse.csr is deprecated
        for q in (0.5, 1, 2):
            assert peer.score_K(K, q=q) == pytest.approx(vendi(X, q), rel=1e-6)
        assert peer.score_dual(X) == pytest.approx(vendi(X))
        # score_X ignores q.
        assert peer.score_X(X, q=2) == peer.score_X(X, q=1) == pytest.approx(vendi(X, 1))
        assert peer.score_X(X, q=2) > 1.1 * vendi(X, 2)
        # infinity as a number gives nan.
        assert np.isnan(peer.score_K(K, q=np.inf))
        # Order 0 counts rounding as rank.
        assert peer.score_K(K, q=0) > vendi(X, 0) == 9
        # A kernel of 2 on the diagonal is accepted.
        assert peer.score_K(2 * K) != pytest.approx(peer.score_K(K), rel=0.1)
        with pytest.raises((TypeError, NameError)):
            peer.intdiv_X(X)


def test_vendi_score_sees_six_eigenvalues_of_a_sparse_matrix():
    peer = pytest.importorskip("vendi_score.vendi")
    sparse = pytest.importorskip("scipy.sparse")
    X = items(80, 40, shift=0.0)
    K = oracle.similarities(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert peer.score_K(sparse.csr_matrix(K)) < 0.5 * vendi(X)


def test_magnipy_agrees():
    peer = pytest.importorskip("magnipy")
    X, t = items(40, 5), np.array([0.2, 1.0, 4.0])
    found = peer.compute_magnitude_from_distances(oracle.distances(X), ts=t)
    np.testing.assert_allclose(found, magnitude(X, t), rtol=1e-6)
