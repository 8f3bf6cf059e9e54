"""What the verdict rule looks at: the evidence of a study, its design computed once, and the fits for one outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import special

from breadth.errors import MeasureError
from breadth.stats.association import independent_columns, reliability
from breadth.stats.interval import finite_vector
from breadth.stats.mixed import Basis, Slope, basis, check_membership, fit_mixed, least_squares, weighted_slope
from breadth.study.rule import VerdictRule

__all__ = ["Design", "Evidence", "Models", "prepare"]

Floats = npt.NDArray[np.float64]
_SINGULAR = 1e-6


@dataclass(frozen=True)
class Evidence:
    """What the rule looks at, one row a training set.

    x, y: [n], y averaged over seeds; x_se: standard errors of x [n], or None (then x counts as exact); membership: share of each
    domain [n, D], rows sum to 1 (one column of ones where domains are not declared); covariates: other properties of the training
    sets by name, [n] each; audit_violations: one line for each control that was declared equal and is not.
    """

    x: npt.ArrayLike
    y: npt.ArrayLike
    membership: npt.ArrayLike
    x_se: npt.ArrayLike | None = None
    covariates: Mapping[str, npt.ArrayLike] = field(default_factory=dict)
    audit_violations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Design:
    """All of the evidence that does not depend on y, computed once: standardised columns and eigenbases of the domain structure.

    x [n], Z [n, k] covariates (``names``) in units of their SD; related: their correlations with x; domains: orthonormal centred
    basis of the membership; share: part of the variance of x that domains explain; reproduced: whether covariates leave < 1 % of x;
    left_out: for each domain that can be left out, the remaining rows, their basis and columns.
    """

    x: Floats
    names: tuple[str, ...]
    Z: Floats
    related: Floats
    dropped: tuple[str, ...]
    reliability: float
    domains: Floats
    share: float
    reproduced: bool
    space: Basis
    left_out: tuple[tuple[npt.NDArray[np.bool_], Basis, Floats], ...]
    violations: tuple[str, ...]


def _unit(v: Floats) -> Floats:
    return np.asarray((v - v.mean()) / v.std(ddof=1), dtype=np.float64)


def prepare(evidence: Evidence) -> Design:
    """Return the design of checked evidence; ``MeasureError`` for unequal lengths, non-finite numbers or bad membership rows."""
    x = finite_vector(evidence.x, "x", least=2)
    n = x.size
    membership = check_membership(evidence.membership, n)
    columns = {name: finite_vector(values, f"covariate '{name}'") for name, values in evidence.covariates.items()}
    for name, values in columns.items():
        if values.size != n:
            raise MeasureError(f"covariate '{name}' has {values.size} values; expected {n}, one a training set")
    kept, dropped = independent_columns(columns)
    varies = float(np.ptp(x)) > 1e-12 * float(np.abs(x).max())
    scaled = _unit(x) if varies else np.zeros(n)
    Z = np.column_stack([_unit(columns[name]) for name in kept]) if kept else np.zeros((n, 0))
    left, singular, _ = np.linalg.svd(membership - membership.mean(axis=0), full_matrices=False)
    domains = left[:, singular > _SINGULAR]
    among = np.linalg.lstsq(np.column_stack([np.ones(n), Z]), scaled, rcond=None)[0]
    alone = scaled - np.column_stack([np.ones(n), Z]) @ among
    left_out = []
    for d in range(membership.shape[1]):
        rows = membership[:, d] == 0
        if 4 <= rows.sum() < n and float(np.ptp(scaled[rows])) > 1e-9:
            left_out.append((rows, basis(membership[rows]), np.column_stack([np.ones(int(rows.sum())), scaled[rows]])))
    return Design(
        scaled,
        kept,
        Z,
        Z.T @ scaled / (n - 1),
        dropped,
        reliability(x, evidence.x_se) if varies else 0.0,
        domains,
        float(np.sum((domains.T @ scaled) ** 2) / max(float(scaled @ scaled), 1e-300)),
        varies and float(alone @ alone) < 0.01 * float(scaled @ scaled),
        basis(membership),
        tuple(left_out),
        tuple(evidence.audit_violations),
    )


class Models:
    """The fits that the steps of the rule look at, for an outcome ``gain`` [n] centred and signed in the hypothesised direction.

    raw, adjusted, within: slopes (``within`` None where not needed, df 0 where the design leaves none); plain: least-squares slope;
    rivals: (name, own slope, correlation with x); stable: whether the raw slope stays above 0 leaving out any one domain.
    """

    def __init__(self, design: Design, gain: Floats, rule: VerdictRule) -> None:
        n, k = design.x.size, len(design.names)
        one = np.ones((n, 1))
        line = np.column_stack([one, design.x])
        fit = fit_mixed(design.space, line, gain)
        self.raw, self.ratio = fit.slope, fit.ratio
        self.plain = float(design.x @ gain) / (n - 1)
        undefined = Slope(float("nan"), float("nan"), 0, n)
        self.adjusted = self.raw
        if k:
            lost = n - k - 2 < 2 or design.reproduced
            self.adjusted = undefined if lost else fit_mixed(design.space, np.column_stack([line, design.Z]), gain).slope
        own = [
            (name, fit_mixed(design.space, np.column_stack([one, z]), gain).slope, float(r))
            for name, z, r in zip(design.names, design.Z.T, design.related, strict=True)
            if abs(r) >= rule.related
        ]
        self.rivals = [(name, slope, r) for name, slope, r in own if slope.p() < rule.screen or abs(r) >= rule.close]
        self.within: Slope | None = None
        rank = design.domains.shape[1]
        if rank and _group_p(design.domains, gain) < rule.screen:
            rivals = design.Z[:, [design.names.index(name) for name, _, _ in self.rivals]]
            self.within = least_squares(np.column_stack([design.x, one, design.domains, rivals]), gain, 0)
            if self.within.df < 3:
                self.within = undefined
        self.stable = True
        for rows, space, columns in design.left_out:
            slope = weighted_slope(space, columns, gain[rows], 1, self.ratio)
            self.stable = self.stable and not (np.isfinite(slope) and slope <= 0)


def _group_p(domains: Floats, gain: Floats) -> float:
    """Return p of the F test that domains (orthonormal, centred columns) predict centred y; 0 where too few sets leave none."""
    n, rank = domains.shape
    rest = n - rank - 1
    if rest < 1:
        return 0.0
    explained = float(np.sum((domains.T @ gain) ** 2))
    error = max(float(gain @ gain) - explained, 1e-300)
    return float(special.fdtrc(rank, rest, explained / rank / (error / rest)))
