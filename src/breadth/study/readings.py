"""From the records of a study to arrays: x, covariates and per-episode scores of every training set."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from breadth.errors import StoreError
from breadth.stats.interval import Estimate
from breadth.study.design import TrainingSet
from breadth.study.finding import Measured
from breadth.study.plan import Plan, RunSpec
from breadth.study.store import Store
from breadth.study.tables import Metric
from breadth.study.text_readings import text_covariates

__all__ = ["Counts", "Metric", "Readings", "Scored", "counts_of", "estimate_from", "origin_of"]


def estimate_from(stored: dict[str, Any]) -> Estimate:
    """Return an Estimate from its stored fields; null (no interval could be made) becomes nan again."""
    value, low, high = (float("nan") if stored[k] is None else float(stored[k]) for k in ("value", "low", "high"))
    return Estimate(value, low, high, float(stored["level"]), int(stored["n"]), str(stored["method"]))


class Counts(NamedTuple):
    """What a domain gives to a training set: classes, images of all of them, and of the smallest and the largest class."""

    classes: int
    images: int
    least: int
    most: int


def counts_of(plan: Plan, store: Store, s: TrainingSet) -> tuple[Counts, ...] | None:
    """Return the counts of each share of a training set: as planned, or for a whole domain as the data had them; None until that is known."""
    found = []
    for share in s.shares:
        if not s.known:
            return None
        if share.classes is not None and share.images is not None:
            found.append(Counts(share.classes, share.classes * share.images, share.images, share.images))
        elif store.is_done(plan.overlaps[s.name]):
            found.append(Counts(**store.result(plan.overlaps[s.name])["counts"][share.domain]))
        else:
            return None
    return tuple(found)


def origin_of(s: TrainingSet) -> str:
    """Return probe and source of a published diversity value, empty for a training set that is measured."""
    return "" if s.published is None else f"{s.published.source}; probe: {s.published.probe}"


@dataclass(frozen=True)
class Scored:
    """Scores of one learner under one condition: per training set and seed, one number an episode of the suite.

    sets: the training sets this learner was trained on; values: [sets, seeds, episodes]; seeds: the training seeds; items: what the
    suite consists of, in words.
    """

    sets: tuple[TrainingSet, ...]
    seeds: tuple[int, ...]
    values: np.ndarray
    items: str = "episodes"

    @property
    def means(self) -> np.ndarray:
        """Mean over seeds and episodes: [sets]."""
        return np.asarray(self.values.mean((1, 2)))


def _published(s: TrainingSet) -> Estimate:
    given = s.published
    assert given is not None
    nan = float("nan")
    low, high = (nan if v is None else v for v in (given.low, given.high))
    return Estimate(given.value, low, high, given.level, given.tasks or 0, f"published value, not measured here: {origin_of(s)}")


def unmeasured(s: TrainingSet, probe: str) -> Measured:
    """What is known of a training set whose diversity is a published value: that value and nothing else."""
    nan = float("nan")
    nothing = Estimate(nan, nan, nan, nan, 0, "unknown: not measured")
    return Measured(s.name, probe, s.level, _published(s), nothing, nothing, None, None, origin_of(s))


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
        """Share of each domain in each training set, by classes or tokens: [sets, domains], rows sum to 1."""
        m = np.zeros((len(sets), len(self.domains)))
        for i, s in enumerate(sets):
            if not s.known:
                m[i, self.domains.index(s.shares[0].domain)] = 1
                continue
            if self.plan.study.text is not None:
                for share in s.shares:
                    m[i, self.domains.index(share.domain)] = share.tokens or 0
                continue
            for share, counts in zip(s.shares, self.counts(s), strict=True):
                m[i, self.domains.index(share.domain)] = counts.classes
        return np.asarray(m / m.sum(1, keepdims=True))

    def measured(self, sets: tuple[TrainingSet, ...], probe: str, what: str) -> list[Estimate]:
        """Estimates of "diversity", "alignment", "complexity", "floor" or "split_half" of the training sets through a probe.

        "diversity" is the published value where the study gives one; the others were not measured there, so they are not asked for.
        """
        return [
            _published(s)
            if s.published is not None and what == "diversity"
            else estimate_from(self.store.result(self.plan.measures[s.name, probe])[what])
            for s in sets
        ]

    def counts(self, s: TrainingSet) -> tuple[Counts, ...]:
        """What each domain gave to a training set."""
        found = counts_of(self.plan, self.store, s)
        assert found is not None  # all runs are done
        return found

    def unknown(self, sets: tuple[TrainingSet, ...]) -> tuple[str, ...]:
        """Names of the covariates that cannot be had: x of a training set is a published value and nothing was measured, or its data are
        unknown."""
        if all(s.published is None for s in sets):
            return ()
        of_data = () if all(s.known for s in sets) else ("classes", "images")
        return (*(("complexity", "alignment") if self.plan.suites else ("complexity",)), *of_data)

    def protocol_caveats(self, sets: tuple[TrainingSet, ...]) -> list[str]:
        """One sentence where x of training sets is a published value: what follows for comparing them; none where all were measured."""
        given = [s.published for s in sets if s.published is not None]
        if not given:
            return []
        exact = "; a value without an interval counts as exact" if any(p.low is None for p in given) else ""
        if len(given) == len(sets) and len({p.probe for p in given}) == 1:
            return [f"x is a published value for all {len(sets)} training sets, taken on trust with its protocol{exact}"]
        what = f"x is a published value for {len(given)} of {len(sets)} training sets"
        what += " and measured for the rest" if len(given) < len(sets) else ", through several probes"
        return [
            f"{what}: numbers of different protocols share one axis, so their difference can look like an effect or hide one{exact}"
        ]

    def covariates(self, sets: tuple[TrainingSet, ...], probe: str) -> dict[str, np.ndarray]:
        """What else varies with the training sets, where it is known for all: alignment with the suite, complexity, classes, images,
        or what ``text_covariates`` says."""
        names = [k for k in ("complexity", "alignment") if k not in self.unknown(sets) and (k == "complexity" or self.plan.suites)]
        found = {k: [e.value for e in self.measured(sets, probe, k)] for k in names}
        if self.plan.study.text is not None:
            return {**{k: np.array(v) for k, v in found.items()}, **text_covariates(self.plan, self.store, sets)}
        if not all(s.known for s in sets):
            return {k: np.array(v) for k, v in found.items()}
        counts = [self.counts(s) for s in sets]
        found["classes"] = [float(sum(c.classes for c in of_set)) for of_set in counts]
        found["images"] = [float(sum(c.images for c in of_set)) for of_set in counts]
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
        return Scored(sets, seeds, np.array(values), self.items)

    @property
    def items(self) -> str:
        """What scores are of."""
        return "episodes" if self.plan.study.text is None else "documents"

    def conditions_of(self, baseline: str) -> tuple[str, ...]:
        """Names of the conditions that a baseline was evaluated under."""
        return tuple(self.store.result(self.plan.baselines[baseline][0])["scores"])

    def baseline(self, name: str, condition: str, metric: Metric) -> np.ndarray:
        """Scores of a baseline, mean over its seeds: [episodes]."""
        return np.asarray(np.mean([self._episodes(run, condition, metric) for run in self.plan.baselines[name]], axis=0))

    def reference(self, name: str, condition: str, metric: Metric, sets: tuple[TrainingSet, ...]) -> np.ndarray:
        """Mean score of a baseline [sets]: each set's own where the baseline was made of the training sets, else one for all."""
        own = {run.body["data"]["set"]: run for run in self.plan.baselines[name] if "data" in run.body}
        if own:
            return np.array([self._episodes(own[s.name], condition, metric).mean() for s in sets])
        return np.full(len(sets), self.baseline(name, condition, metric).mean())

    def suites(self) -> set[str]:
        """Fingerprints of the episodes that the runs were evaluated on; one where all pairs are truly paired."""
        return {str(self.store.result(run)["suite"]) for run in self.plan.scores.values()}

    def run_ids(self, learner: str, probe: str) -> tuple[str, ...]:
        """Identities of the runs behind one series."""
        scores = [run.run_id for (_, name, _), run in self.plan.scores.items() if name == learner]
        measures = [run.run_id for (_, name), run in self.plan.measures.items() if name == probe]
        return tuple(sorted({*scores, *measures}))
