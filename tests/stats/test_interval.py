import numpy as np
import pytest
from scipy import stats

from breadth.errors import MeasureError
from breadth.stats.interval import jackknife, mean, mean_cross, mean_pairwise, welch_df
from oracle.statistics_dense import jackknife_pairs


def cosine_tasks(rng, m, width=24, spread=0.6):
    """Cosine distances of gamma embeddings, the shape of task embeddings: positive, skewed, with tasks that stand out."""
    loading = np.random.default_rng(42).standard_normal(width)  # of the population, so the same in every sample
    H = rng.gamma(2.0, 1.0, size=(m, width)) * np.exp(spread * rng.standard_normal((m, 1)) * loading)
    H = H / np.linalg.norm(H, axis=1, keepdims=True)
    D = 1 - H @ H.T
    np.fill_diagonal(D, 0)
    return (D + D.T) / 2


def coverage(m, repetitions):
    truth = np.mean([mean_pairwise(cosine_tasks(np.random.default_rng([9, i]), 300)).value for i in range(60)])
    hits = 0
    for i in range(repetitions):
        e = mean_pairwise(cosine_tasks(np.random.default_rng([m, i]), m))
        hits += e.low <= truth <= e.high
    return hits / repetitions


def test_pairwise_against_loops():
    D = cosine_tasks(np.random.default_rng(0), 9)
    e = mean_pairwise(D, 0.9)
    value, se = jackknife_pairs(D)
    half = stats.t.ppf(0.95, 8) * se
    assert (e.value, e.low, e.high) == pytest.approx((value, value - half, value + half))
    assert (e.level, e.n, e.method) == (0.9, 9, "tasks, delete-one jackknife")


def test_generic_jackknife_agrees_with_both_closed_forms():
    rng = np.random.default_rng(1)
    D, C = cosine_tasks(rng, 8), rng.random((5, 7))
    one = jackknife(lambda i: float(D[np.ix_(i, i)].sum() / (len(i) * (len(i) - 1))), [8])
    two = jackknife(lambda i, j: float(C[np.ix_(i, j)].mean()), [5, 7])
    assert (one.value, one.low, one.high) == pytest.approx((mean_pairwise(D).value, mean_pairwise(D).low, mean_pairwise(D).high))
    assert (two.value, two.low, two.high) == pytest.approx((mean_cross(C).value, mean_cross(C).low, mean_cross(C).high))


def test_cross_uses_welch_satterthwaite():
    C = np.random.default_rng(2).random((6, 4))
    a, b = C.mean(1), C.mean(0)
    va, vb = a.var(ddof=1) / 6, b.var(ddof=1) / 4
    df = (va + vb) ** 2 / (va**2 / 5 + vb**2 / 3)
    assert welch_df((va, vb), (5, 3)) == pytest.approx(df)
    assert mean_cross(C).high == pytest.approx(C.mean() + stats.t.ppf(0.975, df) * np.sqrt(va + vb))
    # and this is scipy's own df for two samples
    res = stats.ttest_ind(a, b, equal_var=False)
    assert res.df == pytest.approx(df)


def test_mean_is_the_t_interval():
    x = np.random.default_rng(3).normal(size=12)
    e = mean(x)
    assert (e.low, e.high) == pytest.approx(stats.t.interval(0.95, 11, x.mean(), stats.sem(x)))


def test_too_few_units_have_no_interval():
    two = np.array([[0, 0.5], [0.5, 0]])
    for e in (
        mean_pairwise(two),
        mean([3.0]),
        mean_cross([[0.2, 0.3]]),
        jackknife(lambda i: float(len(i)), [2]),
    ):
        assert np.isnan([e.low, e.high]).all()
        assert np.isfinite(e.value)


def test_identical_tasks_count_as_zero_distance():
    D = np.zeros((4, 4))
    assert (mean_pairwise(D).value, mean_pairwise(D).high) == (0, 0)
    D[0, 1:] = D[1:, 0] = 1
    assert mean_pairwise(D).value == 0.5


@pytest.mark.parametrize(
    "D, message",
    [
        (np.zeros(3), "distances have shape (3,); expected a matrix of two dimensions"),
        (np.zeros((2, 3)), "pairwise distances have shape (2, 3); expected a square matrix: for two sets use mean_cross"),
        (np.array([[0, np.nan], [np.nan, 0]]), "2 of 4 distances are not finite; find the task behind them"),
        (
            np.array([[0, 1.0], [2, 0]]),
            "pairwise distances are not symmetric; expected D[i, j] = D[j, i]: for two sets of tasks use mean_cross",
        ),
        (np.ones((3, 3)), "pairwise distances have a diagonal that is not zero; expected D[i, i] = 0, a task against itself"),
        (np.zeros((1, 1)), "1 task gives no pair; expected at least 2 tasks (3 for an interval)"),
    ],
)
def test_refuses_what_is_no_distance_matrix(D, message):
    with pytest.raises(MeasureError) as error:
        mean_pairwise(D)
    assert str(error.value) == message


def test_refuses_bad_samples_and_levels():
    with pytest.raises(MeasureError, match=r"^the sample has 1 values that are not finite; repair those units first$"):
        mean([1.0, np.nan])
    with pytest.raises(MeasureError, match=r"^level is 95; expected a probability between 0 and 1, e\.g\. 0\.95$"):
        mean([1.0, 2.0], 95)
    with pytest.raises(MeasureError, match=r"^jackknife over sets of sizes \[0\]; expected at least one unit in each set$"):
        jackknife(lambda i: 0.0, [0])


@pytest.mark.parametrize("m", [10, 50])
def test_coverage_of_the_diversity_interval(m):
    assert 0.91 <= coverage(m, 400) <= 0.985


@pytest.mark.slow
@pytest.mark.parametrize("m", [10, 50, 200])
def test_coverage_over_2000_repetitions(m):
    rate = coverage(m, 2000)
    print(f"coverage of the 95 % interval at M = {m}: {rate:.4f}")
    assert 0.92 <= rate <= 0.98


def test_pairs_taken_as_independent_would_not_cover():
    D = cosine_tasks(np.random.default_rng(7), 50)
    pairs = D[np.triu_indices(50, 1)]
    e = mean_pairwise(D)
    assert (e.high - e.low) / 2 > 3 * 1.96 * pairs.std() / np.sqrt(pairs.size)
