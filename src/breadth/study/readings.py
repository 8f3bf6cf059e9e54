"""From the records of a study to arrays: x, covariates and per-episode scores of every training set."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from breadth.errors import StoreError
from breadth.stats.interval import Estimate
from breadth.study.design import TrainingSet
from breadth.study.plan import Plan, RunSpec
from breadth.study.store import Store

__all__ = ["Metric", "Readings", "Scored", "estimate_from"]

Metric = Literal["accuracy", "loss"]


def estimate_from(stored: dict[str, Any]) -> Estimate:
    """Return an Estimate from its stored fields; null (no interval could be made) becomes nan again."""
    value, low, high = (float("nan") if stored[k] is None else float(stored[k]) for k in ("value", "low", "high"))
    return Estimate(value, low, high, float(stored["level"]), int(stored["n"]), str(stored["method"]))


@dataclass(frozen=True)
class Scored:
    """Scores of one learner under one condition: per training set and seed, one number an episode of the suite.

    sets: the training sets this learner was trained on; values: [sets, seeds, episodes]; seeds: the training seeds.
    """

    sets: tuple[TrainingSet, ...]
    seeds: tuple[int, ...]
    values: np.ndarray

    @property
    def means(self) -> np.ndarray:
        """Mean over seeds and episodes: [sets]."""
        return np.asarray(self.values.mean((1, 2)))


class Readings:
    """What the records of a finished study say. Raises StoreError where a run is missing or damaged."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self.plan, self.store = plan, store
        missing = [r for r in plan.runs if not store.is_done(r)]
        if missing:
            raise StoreError(
                f"{len(missing)} of {len(plan.runs)} runs of study '{plan.study.name}' are missing in {store.root}, first {missing[0].run_id} "
                f"({missing[0].kind} {missing[0].label}); run the study first: breadth run"
            )

    @cached_property
    def domains(self) -> tuple[str, ...]:
        """Names of all domains, in order of first use."""
        return tuple(dict.fromkeys(d for s in self.plan.sets for d in s.domains))

    def membership(self, sets: tuple[TrainingSet, ...]) -> np.ndarray:
        """Share of each domain in each training set, by classes: [sets, domains], rows sum to 1."""
        m = np.zeros((len(sets), len(self.domains)))
        for i, s in enumerate(sets):
            for share in s.shares:
                m[i, self.domains.index(share.domain)] = share.classes
        return np.asarray(m / m.sum(1, keepdims=True))

    def measured(self, sets: tuple[TrainingSet, ...], probe: str, what: str) -> list[Estimate]:
        """Estimates of "diversity", "alignment", "complexity", "floor" or "split_half" of the training sets through a probe."""
        return [estimate_from(self.store.result(self.plan.measures[s.name, probe])[what]) for s in sets]

    def covariates(self, sets: tuple[TrainingSet, ...], probe: str) -> dict[str, np.ndarray]:
        """What else varies with the training sets: alignment with the suite, complexity, classes, images."""
        found = {"complexity": [e.value for e in self.measured(sets, probe, "complexity")]}
        if self.plan.suites:
            found["alignment"] = [e.value for e in self.measured(sets, probe, "alignment")]
        found["classes"] = [float(sum(x.classes for x in s.shares)) for s in sets]
        found["images"] = [float(sum(x.classes * x.images for x in s.shares)) for s in sets]
        return {k: np.array(v) for k, v in found.items()}

    def _episodes(self, run: RunSpec, condition: str, metric: Metric) -> np.ndarray:
        self.store.result(run)  # checks that the file is what was written
        path = self.store.folder(run) / "scores.npz"
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return np.asarray(arrays[f"{condition}:{metric}"], dtype=np.float64)
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise StoreError(
                f"{path}: no scores of '{condition}' ({type(error).__name__}); delete its folder and run the study again"
            ) from None

    def scored(self, learner: str, condition: str, metric: Metric) -> Scored:
        """Scores of a learner over all the training sets it was trained on."""
        runs = {(s, seed): run for (s, name, seed), run in self.plan.scores.items() if name == learner}
        seeds = tuple(sorted({seed for _, seed in runs}))
        sets = tuple(s for s in self.plan.sets if (s.name, seeds[0]) in runs)
        values = [[self._episodes(runs[s.name, seed], condition, metric) for seed in seeds] for s in sets]
        return Scored(sets, seeds, np.array(values))

    def conditions_of(self, baseline: str) -> tuple[str, ...]:
        """Names of the conditions that a baseline was evaluated under."""
        return tuple(self.store.result(self.plan.baselines[baseline][0])["scores"])

    def baseline(self, name: str, condition: str, metric: Metric) -> np.ndarray:
        """Scores of a baseline, mean over its seeds: [episodes]."""
        return np.asarray(np.mean([self._episodes(run, condition, metric) for run in self.plan.baselines[name]], axis=0))

    def suites(self) -> set[str]:
        """Fingerprints of the episodes that the runs were evaluated on; one where all pairs are truly paired."""
        return {str(self.store.result(run)["suite"]) for run in self.plan.scores.values()}

    def run_ids(self, learner: str, probe: str) -> tuple[str, ...]:
        """Identities of the runs behind one series."""
        scores = [run.run_id for (_, name, _), run in self.plan.scores.items() if name == learner]
        measures = [run.run_id for (_, name), run in self.plan.measures.items() if name == probe]
        return tuple(sorted({*scores, *measures}))
