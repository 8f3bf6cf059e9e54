"""Simulated studies with known truth, written without the package: designs, domain effects, planted effects and planted confounds."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Plan:
    """One kind of study.

    domains, sets: {level: number of training sets that mix so many domains}; effect: of x on y for one SD of x; tau, sigma: standard
    deviations of domain and training-set effects on y; x_error: share of the variance of measured x that is error; x_domain: share of
    the true x that differs by domain; innocent: correlations with x of covariates without effect; confounder: (r, beta): a covariate
    with correlation r to x and effect beta per SD, while ``effect`` is usually 0; kind: "smooth", or "steps" for a class count that takes
    few values; z_error: share of the variance of the recorded confounder that is error; difficulty: (r, scale): domain difficulty u with
    SD ``scale`` over training sets and correlation r to x.
    """

    domains: int
    sets: dict
    effect: float = 0.0
    tau: float = 0.01
    sigma: float = 0.02
    x_error: float = 0.0
    x_domain: float = 0.3
    innocent: tuple = ()
    confounder: tuple | None = None
    kind: str = "smooth"
    z_error: float = 0.0
    difficulty: tuple | None = None


PLANS = {
    8: (4, {1: 4, 2: 2, 4: 2}),
    12: (4, {1: 4, 2: 4, 4: 4}),
    16: (4, {1: 8, 2: 4, 4: 4}),
    24: (6, {1: 12, 2: 6, 4: 6}),
    54: (9, {1: 18, 2: 18, 4: 9, 8: 9}),
}


def plan(n, **options):
    domains, sets = PLANS[n]
    return Plan(domains, sets, **options)


def membership(p):
    """Balanced cyclic design: each level uses every domain equally often (where its number of sets is a multiple of the domains)."""
    rows = []
    for level, count in p.sets.items():
        for i in range(count):
            row = np.zeros(p.domains)
            gap = 1 + (i // p.domains) % max(p.domains // level, 1)
            for j in range(level):
                at = (i + j * gap) % p.domains
                while row[at]:
                    at = (at + 1) % p.domains
                row[at] = 1 / level
            rows.append(row)
    return np.array(rows)


def ring(domains=9, levels=(1, 2, 4, 8)):
    """Membership where every level mixes each run of neighbouring domains on a ring once: [domains x levels, domains]."""
    m = np.zeros((domains * len(levels), domains))
    for k, level in enumerate(levels):
        for i in range(domains):
            m[k * domains + i, [(i + j) % domains for j in range(level)]] = 1 / level
    return m


def unit(v):
    v = v - v.mean()
    return v / v.std(ddof=1)


def mixed_with(x, r, noise):
    """A unit column whose correlation with x is r on average over studies."""
    return unit(r * x + np.sqrt(1 - r * r) * unit(noise))


def draw_x(p, m, rng):
    level = np.log2((m > 0).sum(axis=1))
    by_domain = m @ rng.standard_normal(p.domains)
    left = 1 - p.x_domain
    return unit(
        np.sqrt(0.6 * left) * unit(level)
        + np.sqrt(p.x_domain) * unit(by_domain)
        + np.sqrt(0.4 * left) * rng.standard_normal(len(m))
    )


def draw(p, seed, x=None):
    """One study as a dict: x, x_se, y, membership, covariates. ``x`` given: that column is used instead of a drawn one."""
    rng = np.random.default_rng([7001, seed])
    m = membership(p)
    n = len(m)
    u = rng.standard_normal(p.domains)
    covariates = {}
    if p.difficulty:
        r, scale = p.difficulty
        hard = unit(m @ u)
        x = mixed_with(hard, r, unit(np.log2((m > 0).sum(axis=1))) + rng.standard_normal(n))
        shared = scale * hard
    else:
        shared = p.tau * (m @ u)
    x = draw_x(p, m, rng) if x is None else x
    y = p.effect * x + shared + p.sigma * rng.standard_normal(n)
    if p.confounder:
        r, beta = p.confounder
        z = mixed_with(x, r, rng.standard_normal(n))
        if p.kind == "steps":
            z = unit(np.digitize(z, [-0.8, 0.0, 0.8]).astype(float))
        y = y + beta * z
        covariates["rival"] = z + np.sqrt(p.z_error / (1 - p.z_error)) * rng.standard_normal(n) if p.z_error else z
    for i, r in enumerate(p.innocent):
        covariates[f"innocent {i}"] = mixed_with(x, r, rng.standard_normal(n))
    measured, x_se = x, None
    if p.x_error:
        se = np.sqrt(p.x_error / (1 - p.x_error))
        measured, x_se = x + se * rng.standard_normal(n), np.full(n, se)
    return {"x": measured, "x_se": x_se, "y": 0.5 + y, "membership": m, "covariates": covariates}
