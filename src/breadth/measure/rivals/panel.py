"""All rival scores of one set of items in one call, each with an interval that is valid for it and a word on how it moves with n."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from breadth.errors import MeasureError
from breadth.measure.rivals.kernel import Floats, Kernel, bandwidth, checked, fits, matrix_bytes, unit_rows
from breadth.measure.rivals.logdet import log_det
from breadth.measure.rivals.magnitude import magnitude, magnitude_area
from breadth.measure.rivals.spread import hubness, mean_distance, mean_distance_estimate, nearest_distance
from breadth.measure.rivals.subsample import DRAWS, GROUPS, estimates
from breadth.measure.rivals.vendi import effective_number, spectrum
from breadth.stats.interval import Estimate

__all__ = ["Rival", "rivals"]

# Matrices of all pairs of 2,048 items: the panel takes eigenvalues once for every group that is left out.
PANEL_MEMORY = 2**26
ORDERS = (0.5, 1.0, 2.0, float("inf"))
# Scales of magnitude in units of 1 / bandwidth.
SCALES = (0.5, 1.0, 2.0, 4.0)
NEIGHBOURS = 10
KERNELS: tuple[Kernel, ...] = ("cosine", "rbf")
GROWS = "grows with n: compare sets at one n"
WIDE = "interval wider than needed (single neighbours decide)"


@dataclass(frozen=True)
class Rival:
    """One score. size_bias: how the value moves with the number of items alone; note: kernel, road, and what to beware of."""

    name: str
    estimate: Estimate
    size_bias: str
    note: str

    def as_dict(self) -> dict[str, Any]:
        """Return the fields under their names, JSON-able."""
        return asdict(self)


def _vendi_bias(q: float) -> str:
    if q == 2:
        return "on average 1/value = 1/n + (1 - 1/n)/limit: little once n is far above the value"
    return f"{GROWS}; the smaller q, the faster"


def rivals(
    X: npt.ArrayLike,
    *,
    orders: Sequence[float] = ORDERS,
    sigma: float | None = None,
    ridge: float = 1.0,
    scales: Sequence[float] | None = None,
    neighbours: int = NEIGHBOURS,
    items_to_n: int | None = None,
    draws: int = DRAWS,
    groups: int = GROUPS,
    level: float = 0.95,
    seed: int = 0,
    memory: int = PANEL_MEMORY,
) -> tuple[Rival, ...]:
    """Return Vendi of all ``orders`` (cosine, rbf), log-det, magnitude, mean and nearest distances and hubness of items X [n, d].

    sigma: bandwidth of rbf, None for the median distance of all items, which is then held fixed; scales: of magnitude, rising,
    1 / distance (None: 0.5, 1, 2 and 4 over the bandwidth); ridge: see ``log_det``; neighbours: see ``hubness``.
    items_to_n: score subsets of so many items, averaged over ``draws``, so that sets of different size compare.

    Intervals are for the score at this number of items, over draws of the items: by leaving out ``groups`` (see ``subsample``), for
    the mean distances of all items by the delete-one jackknife. No matrix of pairs takes more than ``memory`` bytes: beyond it rbf
    goes by Nystrom and magnitude is nan, and the note says so. Time O(groups n^2 d) for the nearest distances and, where they fit,
    O(groups n^3) for eigenvalues: for many items give items_to_n. Raises MeasureError for features that no score can take.
    """
    x = checked(X, least=3)
    unit_rows(x)  # raises for rows of zeros, which the cosine cannot take
    n = len(x) if items_to_n is None else items_to_n
    width = bandwidth(x, sigma)
    t = np.asarray(SCALES) / width if scales is None else np.asarray(scales, dtype=np.float64)
    magnitude_area(t, t)  # raises for scales that do not rise
    # Leaving out a group must leave more items than neighbours.
    left = min(n, len(x) - len(x) // min(groups, len(x)))
    if not 1 <= neighbours < left:
        raise MeasureError(f"hubness was asked for {neighbours} neighbours among {left} items; expected 1 to {left - 1}")
    small = fits(n, memory)
    roads: dict[str, str] = {}

    def scores(rows: Floats) -> list[float]:
        out: list[float] = []
        for kernel in KERNELS:
            s = spectrum(rows, kernel, sigma=width, seed=seed, memory=memory)
            roads.setdefault(kernel, s.how)  # of the first call, which leaves out none
            out += [effective_number(s, q) for q in orders]
        out.append(log_det(rows, ridge, memory=memory) if small or rows.shape[1] <= len(rows) else float("nan"))
        m = magnitude(rows, t, memory=memory).tolist() if small else [float("nan")] * len(t)
        out += [*m, magnitude_area(t, m) if small else float("nan")]
        return [*out, nearest_distance(rows), hubness(rows, neighbours), mean_distance(rows), mean_distance(rows, "cosine")]

    found = list(estimates(scores, x, size=items_to_n, draws=draws, groups=groups, seed=seed, level=level))
    if n == len(x):
        found[-2:] = [mean_distance_estimate(x, "euclidean", level), mean_distance_estimate(x, "cosine", level)]

    origin = "; bandwidth is the median distance of these items: give sigma= to compare sets" if sigma is None else ""
    beyond = "" if small else f"not computed: needs {matrix_bytes(n) / 2**20:,.0f} MiB, the limit is {memory / 2**20:,.0f} MiB; "
    of_scale = f"{beyond}Euclidean{origin if scales is None else ''}"
    words = [
        *(
            (f"Vendi q={q:g}, {kernel}", _vendi_bias(q), roads[kernel] + (origin if kernel == "rbf" else ""))
            for kernel in KERNELS
            for q in orders
        ),
        (
            f"log-det, cosine, ridge {ridge:g}",
            "a sum over items: compare sets at one n only",
            "nats; without the ridge -inf for n > d" if small or x.shape[1] <= n else beyond,
        ),
        *((f"magnitude, t={s:.4g}", GROWS, of_scale) for s in t),
        (f"mean magnitude, t={t[0]:.4g} to {t[-1]:.4g}", GROWS, of_scale),
        ("nearest distance", "falls with n, as n^(-1/dimension): compare sets at one n", f"Euclidean; {WIDE}"),
        (f"hubness, k={neighbours}", "moves with n", f"a diagnostic: above about 1 distrust the nearest distance; {WIDE}"),
        ("mean distance", "none", "Euclidean, no item with itself; high also for two tight, distant clusters"),
        ("mean cosine distance", "none", "1 - cos, no item with itself"),
    ]
    return tuple(Rival(name, e, bias, note) for (name, bias, note), e in zip(words, found, strict=True))
