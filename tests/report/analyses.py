"""Analyses computed for real from small synthetic arrays: least squares, Fisher z, t intervals, permutations."""

import math

import numpy as np
from scipy import stats as st

from breadth.seeds import generator
from breadth.stats.interval import Estimate
from breadth.study.finding import Analysis, AuditRow, Baseline, Comparison, Dose, Finding, Fit, Measured, Point, Series

NAN = math.nan


def mean_estimate(values, method):
    values = np.asarray(values)
    n = len(values)
    half = st.t.ppf(0.975, n - 1) * values.std(ddof=1) / math.sqrt(n) if n > 1 else NAN
    return Estimate(float(values.mean()), float(values.mean() - half), float(values.mean() + half), 0.95, n, method)


def line(x, y):
    """Least-squares line with its pointwise 95 % interval on 40 positions; empty below three points."""
    if len(x) < 3:
        return Fit((), (), (), ())
    fit = st.linregress(x, y)
    at = np.linspace(x.min(), x.max(), 40)
    mean = fit.intercept + fit.slope * at
    residual = np.sqrt(np.sum((y - fit.intercept - fit.slope * x) ** 2) / (len(x) - 2))
    half = st.t.ppf(0.975, len(x) - 2) * residual * np.sqrt(1 / len(x) + (at - x.mean()) ** 2 / np.sum((x - x.mean()) ** 2))
    return Fit(tuple(at), tuple(mean), tuple(mean - half), tuple(mean + half))


def estimates_of(x, y, rng):
    n = len(x)
    if n < 4:
        why = "needs at least 4 training sets"
        return {k: Estimate(NAN, NAN, NAN, 0.95, n, why) for k in ("Pearson r", "Spearman rho", "slope per SD")}, {
            "permutation": NAN,
            "Holm": NAN,
        }
    r = float(np.corrcoef(x, y)[0, 1])
    rho = float(st.spearmanr(x, y).statistic)
    half = 1.96 / math.sqrt(n - 3)
    fit = st.linregress(x, y)
    sd = x.std(ddof=1)
    wide = st.t.ppf(0.975, n - 2) * fit.stderr * sd
    null = [abs(np.corrcoef(rng.permutation(x), y)[0, 1]) for _ in range(400)]
    p = (1 + sum(v >= abs(r) for v in null)) / 401
    z = lambda v: tuple(float(np.tanh(np.arctanh(v) + s * half)) for s in (-1, 1))  # noqa: E731
    made = {
        "Pearson r": Estimate(r, *z(r), 0.95, n, "training sets, Fisher z"),
        "Spearman rho": Estimate(rho, *z(rho), 0.95, n, "training sets, Fisher z"),
        "slope per SD": Estimate(fit.slope * sd, fit.slope * sd - wide, fit.slope * sd + wide, 0.95, n, "training sets, t"),
        "adjusted slope per SD, given alignment, complexity": Estimate(
            fit.slope * sd * 0.7,
            fit.slope * sd * 0.7 - wide,
            fit.slope * sd * 0.7 + wide,
            0.95,
            n,
            "training sets, domains as blocks",
        ),
        "smallest detectable slope per SD": Estimate(2.8 * fit.stderr * sd, NAN, NAN, 0.95, n, "80 % power"),
    }
    for k in range(3):
        kept = np.arange(n) % 3 != k
        made[f"slope per SD without domain{k}"] = Estimate(
            float(st.linregress(x[kept], y[kept]).slope * sd), NAN, NAN, 0.95, int(kept.sum()), "no domain"
        )
    return made, {"permutation": p, "Holm": min(1.0, 3 * p)}


def measured(name, level, x, rng, *, items=20, suite=False):
    """What the probe saw of one set, each number the mean of a few drawn ones."""

    def about(value, spread, method="tasks, t interval"):
        return mean_estimate(value + spread * rng.normal(size=6), method)

    return Measured(
        name,
        "trained-resnet18",
        int(level),
        about(x, 0.01),
        about(0.1, 0.005, f"pairs of tasks, same classes, disjoint items, {items} a class, t interval"),
        about(4.0, 0.3),
        about(0.0, 0.004),
        None if suite else about(0.7, 0.02),
    )


def make_analysis(
    n=8,
    *,
    learners=("PT", "MAML"),
    seed=0,
    verdict="inconclusive",
    slope=0.25,
    noise=0.02,
    title="Does diversity pay?",
    probes=1,
    name="set",
    nan_bars=False,
    baselines=True,
):
    """A study of ``n`` synthetic training sets with 1..12 domains; accuracy and loss are simulated, everything else is computed."""
    rng = generator(seed, "analysis", n)
    levels = np.array([(1, 1, 2, 2, 4, 4, 8, 12)[i % 8] for i in range(n)])
    x = 0.20 + 0.045 * np.log2(levels) + rng.normal(0, 0.02, n)
    half_x = np.abs(rng.normal(0.008, 0.002, n))
    series, doses = [], []
    tables = {}
    for learner in learners:
        keep = np.arange(n) if learner == "PT" or n < 24 else np.arange(0, n, 2)
        base = 0.50 if learner == "PT" else 0.44
        acc = base + slope * (x - 0.3) + rng.normal(0, noise, n)
        for metric, y in (("accuracy", acc), ("loss", 2.55 - 2.4 * acc + rng.normal(0, 0.03, n))):
            half_y = np.abs(rng.normal(0.008 if metric == "accuracy" else 0.03, 0.001, n))
            tables[learner, metric] = y[keep]
            points = tuple(
                Point(
                    f"{name}-{levels[i]}-{i}",
                    learner,
                    None,
                    float(x[i]),
                    *((NAN, NAN) if nan_bars else (float(x[i] - half_x[i]), float(x[i] + half_x[i]))),
                    float(y[i]),
                    *((NAN, NAN) if nan_bars else (float(y[i] - half_y[i]), float(y[i] + half_y[i]))),
                    int(levels[i]),
                )
                for i in keep
            )
            for k in range(probes):
                made, p = estimates_of(x[keep], y[keep], rng)
                series.append(
                    Series(
                        learner,
                        metric,
                        ["trained-resnet18", "random-resnet18"][k],
                        f"{'logistic' if learner == 'PT' else 'maml5'}/support",
                        points,
                        line(x[keep], y[keep]),
                        made,
                        p,
                        (),
                        primary=learner == learners[0] and metric == "accuracy" and k == 0,
                    )
                )
            for level in sorted(set(levels[keep])):
                rows = levels[keep] == level
                doses.append(
                    Dose(
                        learner,
                        metric,
                        int(level),
                        mean_estimate(x[keep][rows], "training sets, t"),
                        mean_estimate(y[keep][rows], "training sets, t"),
                    )
                )
    comparisons = []
    if len(learners) == 2 and n > 2:
        for mode in ("support", "transductive"):
            count = min(len(tables["PT", "accuracy"]), len(tables["MAML", "accuracy"]))
            d = tables["PT", "accuracy"][:count] - tables["MAML", "accuracy"][:count]
            comparisons.append(
                Comparison(
                    mode,
                    mean_estimate(d, "training sets, paired t"),
                    float(d.mean() / d.std(ddof=1)),
                    "PT",
                    False,
                    0.9,
                    "PT" if mode == "support" else "undecided",
                )
            )
    lines = (
        tuple(
            Baseline(b, m, Estimate(v, v - h, v + h, 0.95, 600, "episodes, t"))
            for b, m, v, h in (
                ("random network", "accuracy", 0.405, 0.006),
                ("pixel nearest centroid", "accuracy", 0.398, 0.006),
                ("random network", "loss", 1.47, 0.02),
            )
        )
        if baselines
        else ()
    )
    main = series[0]
    finding = Finding(
        "primary",
        "diversity coefficient against PT accuracy",
        verdict,
        main.estimates["Pearson r"],
        main.points,
        ("finite data only",),
        ("a1b2c3",),
    )
    audit = (
        AuditRow("architecture", "equal", "conv-stride 32"),
        AuditRow("images per class", "equal", "18"),
        AuditRow("classes", "equal", "40"),
        AuditRow("overlap", "equal", "0 exact, 0 near"),
        AuditRow("class names in common with the suite", "differs", "2 of 8 training sets"),
        AuditRow("training time", "differs", "31-44 s"),
        AuditRow("licence of the images", "unknown", ""),
    )
    return Analysis(
        "example",
        title,
        "Does the diversity of the training data explain performance on one fixed evaluation suite?",
        verdict,
        ("The primary interval was compared with the smallest effect of interest.", "All controls held."),
        (finding,),
        tuple(series),
        lines,
        tuple(comparisons),
        tuple(doses),
        audit,
        ("Synthetic data.",),
        {
            "command": "breadth run studies/example.toml",
            "fixed before any run": {"evaluation": {"data": ["dtd10_textures", "gtsrb_signs"]}},
            "seed": seed,
        },
        (
            *(measured(f"{name}-{levels[i]}-{i}", levels[i], x[i], generator(seed, "measured", i)) for i in range(n)),
            measured("evaluation suite", 2, 0.3, generator(seed, "measured suite"), suite=True),
        ),
    )
