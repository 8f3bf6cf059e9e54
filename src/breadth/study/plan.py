"""From a study to the runs it needs: each run is a canonical specification whose hash is its identity."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from breadth.errors import SpecError
from breadth.study.arms import CheckpointSpec, is_imported, of_learner
from breadth.study.design import TrainingSet, training_sets
from breadth.study.runspec import RUN_FORMAT, Kind, RunSpec, hashed_source, named_source
from breadth.study.spec import Study
from breadth.study.tables import AnyProbeSpec, LearnerSpec, ProbeSpec
from breadth.study.text_checks import check_evaluation_outside
from breadth.study.text_plan import TextPlanner
from breadth.study.text_tables import LanguageSpec

__all__ = ["RUN_FORMAT", "Kind", "Plan", "RunSpec", "plan_study"]


@dataclass(frozen=True)
class Plan:
    """All runs of a study, in an order in which needs come first, and which run answers which question.

    measures: (training set, probe) -> run, none where the diversity is published; suites: probe -> run of the evaluation suite;
    scores: (training set, learner, seed) -> run, of training or of importing a checkpoint, whose place among those of one set stands for
    a seed; checkpoints: that key -> what the study says of it; overlaps: training set -> run, none where its data are unknown;
    baselines: name -> runs.
    """

    study: Study
    sets: tuple[TrainingSet, ...]
    runs: tuple[RunSpec, ...]
    measures: dict[tuple[str, str], RunSpec]
    suites: dict[str, RunSpec]
    scores: dict[tuple[str, str, int], RunSpec]
    checkpoints: dict[tuple[str, str, int], CheckpointSpec]
    overlaps: dict[str, RunSpec]
    baselines: dict[str, tuple[RunSpec, ...]]

    def seeds(self, learner: str) -> int:
        """Return how many networks a learner has for each of its training sets: seeds, or checkpoints."""
        return len({seed for _, name, seed in self.scores if name == learner})

    def arm_name(self, arm: tuple[str, str, int]) -> str:
        """Return what people call one network: its checkpoint's name, or its training set and seed."""
        return self.checkpoints[arm].name if arm in self.checkpoints else f"{arm[0]} seed {arm[2]}"


class _Planner:
    """Builds runs; holds only the digests it has already computed."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.digests: dict[str, str] = {}

    def named(self, name: str, *, held_out: bool = False) -> dict[str, Any]:
        data = self.study.sources()[name]
        load = data.held_out if held_out else data.load
        assert load is not None  # the study's own validation
        return named_source(self.study, name, load, self.digests)

    def training_data(self, s: TrainingSet) -> dict[str, Any]:
        t = self.study.training
        parts = [
            {**self.named(x.domain), **({} if x.classes is None else {"classes": x.classes, "images": x.images})} for x in s.shares
        ]
        return {"set": s.name, "parts": parts, "convention": t.convention, "seed": t.seed, "pixels": self.study.images.model_dump()}

    def suite_data(self, s: TrainingSet | None) -> dict[str, Any]:
        """The evaluation suite: the same for every arm, or (``data = "own"``) the held-out classes of the arm's own domains."""
        e = self.study.evaluation
        if e.data == "own":
            assert s is not None
            parts = [self.named(x.domain, held_out=True) for x in s.shares]
        else:
            parts = [self.named(name) for name in e.data]
        return {"parts": parts, "convention": "source-then-classes", "pixels": self.study.images.model_dump()}

    def evaluation(self, s: TrainingSet | None) -> dict[str, Any]:
        return {**self.study.evaluation.model_dump(mode="json", exclude={"data"}), "suite": self.suite_data(s)}

    def probe(self, p: AnyProbeSpec) -> RunSpec:
        assert isinstance(p, ProbeSpec)  # the study's own validation
        data = {"parts": [self.named(d) for d in p.data], "convention": "pooled-classes", "pixels": self.study.images.model_dump()}
        weights = p.weights
        if weights not in ("random", "trained"):
            if not (Path(self.study.data_root) / p.weights).is_file():
                raise SpecError(
                    f"probe '{p.name}': weights '{p.weights}' given; expected random, trained, or a file in {self.study.data_root}"
                )
            weights = "file " + hashed_source(self.study, p.weights, self.digests)["digest"]
        body = {**p.model_dump(mode="json", exclude={"data", "name", "weights"}), "weights": weights, "data": data}
        if weights.startswith("file "):
            body["file"] = p.weights
        return RunSpec("probe", p.name, body, seconds=2 + (p.images / 600 if p.data else 0))

    def measure(self, label: str, data: dict[str, Any], probe: RunSpec, suite: RunSpec | None) -> RunSpec:
        m = self.study.measure
        needs = (probe.run_id,) if suite is None else (probe.run_id, suite.run_id)
        body = {"data": data, **m.model_dump(mode="json", exclude_none=True)}
        per_task = 1.5 if probe.body["kind"].startswith("resnet") else 0.2
        return RunSpec("measure", label, body, needs, seconds=1.5 * m.tasks * per_task * m.ways * m.per_class / 100)

    def train(self, s: TrainingSet, learner: LearnerSpec, seed: int) -> RunSpec:
        assert not isinstance(learner, LanguageSpec)  # the study's own validation
        settings = learner.model_dump(mode="json", exclude={"name", "seeds", "replicates"}, exclude_none=True)
        body = {
            "data": self.training_data(s),
            "architecture": self.study.architecture.model_dump(mode="json"),
            "learner": settings,
            "seed": seed,
            "evaluation": self.evaluation(s),
        }
        match learner.kind:
            case "pretrain":
                work = learner.images / 5000
            case "maml":
                work = learner.tasks / 18 * (1 if learner.order == 1 else 3)
            case "anil":
                work = learner.tasks / 60
        if learner.kind != "pretrain" and learner.batch_norm == "support":
            work *= 2  # task after task: measured, 1.6 to 2.3 times as long for either order and for ANIL
        if self.study.architecture.kind == "mlp":
            work /= 30
        return RunSpec("train", f"{s.name} {learner.name} seed {seed}", body, seconds=work + self.study.evaluation.episodes / 20)

    def imported(self, s: TrainingSet, learner: LearnerSpec, c: CheckpointSpec) -> RunSpec:
        """A checkpoint's evaluation. What is said of its training changes no score, so it is no part of the run."""
        assert not isinstance(learner, LanguageSpec)  # the study's own validation
        if not (Path(self.study.data_root) / c.file).exists():
            raise SpecError(
                f"checkpoint '{c.name}': no file '{c.file}' in {self.study.data_root}; give its path, relative to data_root"
            )
        source = hashed_source(self.study, c.file, self.digests)
        pixels = self.study.images
        arch = {"kind": c.kind, "filters": c.filters, "channels": c.channels or pixels.channels, "size": c.size or pixels.size}
        at_test: dict[str, Any] = {"kind": learner.kind}
        if learner.kind != "pretrain":
            # Only a rate that somebody wrote: the learner's default is no fact about a checkpoint.
            rates = {"inner_lr": c.inner_lr, "usual_inner_lr": learner.inner_lr if "inner_lr" in learner.model_fields_set else None}
            at_test |= {"test_steps": list(learner.test_steps), **{k: v for k, v in rates.items() if v is not None}}
        body = {
            "checkpoint": {"file": c.file, "digest": source["digest"], **({"architecture": arch} if c.kind else {})},
            "learner": at_test,
            "evaluation": self.evaluation(s),
        }
        return RunSpec("import", f"{c.name} as {learner.name}", body, seconds=1 + self.study.evaluation.episodes / 20)

    def baseline(self, name: str, seed: int) -> RunSpec:
        body = {
            "name": name,
            "seed": seed,
            "architecture": self.study.architecture.model_dump(mode="json"),
            "evaluation": self.evaluation(None),
        }
        return RunSpec("baseline", f"{name} seed {seed}", body, seconds=self.study.evaluation.episodes / 20)

    def baselines(self, sets: tuple[TrainingSet, ...], seeds: list[int]) -> dict[str, tuple[RunSpec, ...]]:
        found: dict[str, tuple[RunSpec, ...]] = {}
        asked = self.study.baselines
        if self.study.evaluation.data == "own":
            return found
        if asked.random_network:
            found["random network"] = tuple(self.baseline("random network", seed) for seed in seeds)
        if asked.pixels:
            found["pixels, nearest centroid"] = (self.baseline("pixels", 0),)
        return found

    def overlap(self, s: TrainingSet) -> RunSpec:
        return RunSpec("overlap", s.name, {"data": self.training_data(s), "suite": self.suite_data(s)}, seconds=2)


def plan_study(study: Study) -> Plan:
    """Return the plan of a study. Reads the data files to hash them; raises SpecError or DataError where they cannot be used."""
    p = _Planner(study) if study.text is None else TextPlanner(study)
    sets = training_sets(study)
    own = study.evaluation.data == "own"
    probes = {x.name: p.probe(x) for x in study.probe}
    suites = {} if own else {name: p.measure("evaluation suite", p.suite_data(None), run, None) for name, run in probes.items()}
    measures = {
        (s.name, name): p.measure(s.name, p.training_data(s), run, suites.get(name))
        for s in sets
        if s.published is None
        for name, run in probes.items()
    }
    by_name = {s.name: s for s in sets}
    checkpoints = {(name, x.name, place): c for x in study.learner for name, place, c in of_learner(study, x.name)}
    learners: dict[str, LearnerSpec] = {x.name: x for x in study.learner}
    scores = {
        (s.name, x.name, seed): p.train(s, x, seed)
        for x in study.learner
        if not is_imported(study, x.name)
        for s in sets
        for seed in x.seeds
        if s.trained and (x.replicates is None or s.replicate < x.replicates)
    }
    scores |= {key: p.imported(by_name[key[0]], learners[key[1]], c) for key, c in checkpoints.items()}
    seeds = sorted({seed for x in study.learner for seed in x.seeds})
    baselines = p.baselines(sets, seeds)
    overlaps = {s.name: p.overlap(s) for s in sets if s.known}
    if study.text is not None:
        check_evaluation_outside(overlaps.values())
    _probes_are_outside(probes, [*overlaps.values()], [*scores.values()])
    stages = (probes, suites, measures, overlaps, scores)
    runs = [run for stage in stages for run in stage.values()] + [run for group in baselines.values() for run in group]
    unique = {run.run_id: run for run in runs}
    return Plan(study, sets, tuple(unique.values()), measures, suites, scores, checkpoints, overlaps, baselines)


def _probes_are_outside(probes: dict[str, RunSpec], overlaps: list[RunSpec], scores: list[RunSpec]) -> None:
    """A probe must not have been trained on data of an arm or of the suite, under whatever name they go."""
    used = {part["digest"]: part["name"] for run in overlaps for part in run.body["data"]["parts"]}
    used |= {part["digest"]: part["name"] for run in scores for part in run.body["evaluation"]["suite"]["parts"]}
    for name, probe in probes.items():
        for part in probe.body["data"]["parts"]:
            if part["digest"] in used:
                raise SpecError(
                    f"probe '{name}' would be trained on '{part['name']}', which holds the same data as '{used[part['digest']]}'; "
                    "train a probe on data outside all arms and the evaluation"
                )
