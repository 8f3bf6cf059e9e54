"""Estimates that carry their interval, sample size and method; intervals for means and for mean pairwise distances."""

from __future__ import annotations

from dataclasses import asdict, dataclass

__all__ = ["Estimate"]


@dataclass(frozen=True)
class Estimate:
    """A number with its uncertainty.

    value: the point estimate; low, high: interval at ``level`` (0..1), ``nan`` where none can be computed; n: units of replication;
    method: what the units are and how the interval was made, e.g. "tasks, delete-one jackknife".
    """

    value: float
    low: float
    high: float
    level: float
    n: int
    method: str

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}] ({self.level * 100:g} %, n = {self.n}, {self.method})"

    def as_dict(self) -> dict[str, float | int | str]:
        """Return the six fields under their names (the shape that ``--json`` prints)."""
        return asdict(self)
