"""The table of docs/results/gaussian.md: truth, diversity, ceiling and accuracies of studies/gaussian.toml beside the published values.

    python docs/results/gaussian_table.py runs

where ``runs`` is the folder that ``breadth run studies/gaussian.toml --runs runs`` wrote.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import pearsonr, spearmanr

from breadth.data.gaussian import bayes_accuracy, bayes_accuracy_of, gaussian_classes, gaussian_truth
from breadth.stats.interval import Estimate, mean
from breadth.study.plan import Plan, RunSpec, plan_study
from breadth.study.readings import Readings
from breadth.study.sources import evaluation_episodes
from breadth.study.store import Store
from breadth.study.toml import read_study

STUDY = Path(__file__).parents[2] / "studies" / "gaussian.toml"
SERIES = {"PT": ("PT", "logistic-raw/running"), "MAML5": ("MAML", "maml5/running"), "MAML10": ("MAML", "maml10/running")}
# arXiv 2208.01545: accuracies by sigma, and Task2Vec diversity (with the authors' probe).
PUBLISHED = {
    0.01: {"PT": 0.2002, "MAML5": 0.2019, "MAML10": 0.2015, "diversity": 0.247},
    1.0: {"PT": 0.3776, "MAML5": 0.3697, "MAML10": 0.3737, "diversity": 0.271},
    3.0: {"PT": 0.5712, "MAML5": 0.5679, "MAML10": 0.5707, "diversity": 0.393},
    10.0: {"PT": 0.8167, "MAML5": 0.8206, "MAML10": 0.8358, "diversity": 0.470},
}


@dataclass(frozen=True)
class Row:
    """One training set. ceiling: of the very episodes it was evaluated on; queries: how many predictions a mean accuracy averages.

    accuracies: by name of ``SERIES``, mean over training seeds; lost: episodes, over all seeds, in which a learner diverged.
    """

    sigma: float
    truth: float
    diversity: Estimate
    floor: Estimate
    ceiling: float
    queries: int
    accuracies: dict[str, Estimate]
    lost: int

    @property
    def sampling_error(self) -> float:
        """Standard error of the accuracy of the ideal classifier on this suite: its classes are given, its items are drawn."""
        return float(np.sqrt(self.ceiling * (1 - self.ceiling) / self.queries))


def suite_ceiling(run: RunSpec, sigma: float) -> float:
    """Accuracy of the classifier that knows the parameters of the classes in the episodes of a run."""
    suite = evaluation_episodes(run.body["evaluation"], Path())
    means, stds = gaussian_classes(sigma=sigma, split="test")
    labels = suite.source.parts[0].labels
    classes = np.stack([labels[suite[i].items[:, 0]] for i in range(len(suite))])
    return bayes_accuracy_of(means[classes], stds[classes], points=256).accuracy


def rows(plan: Plan, store: Store) -> list[Row]:
    """Read the table from the records of a finished run of the study."""
    readings = Readings(plan, store)
    scored = {name: readings.scored(learner, condition, "accuracy") for name, (learner, condition) in SERIES.items()}
    e = plan.study.evaluation
    made = []
    for k, s in enumerate(plan.sets):
        sigma = float(s.name.removeprefix("sigma="))
        diversity, floor = (readings.measured((s,), plan.study.hypothesis.probe, what)[0] for what in ("diversity", "floor"))
        accuracies = {name: mean(np.nanmean(x.values[k], axis=1), unit="training seeds") for name, x in scored.items()}
        lost = sum(int(np.isnan(x.values[k]).sum()) for x in scored.values())
        ceiling = suite_ceiling(plan.scores[s.name, "PT", 0], sigma)
        made.append(Row(sigma, gaussian_truth(sigma), diversity, floor, ceiling, e.episodes * e.ways * e.queries, accuracies, lost))
    return made


def _shown(e: Estimate, digits: int = 4) -> str:
    return f"{e.value:.{digits}f} [{e.low:.{digits}f}, {e.high:.{digits}f}]"


def main(runs: str) -> None:
    table = rows(plan_study(read_study(STUDY)), Store(runs))
    print("| sigma | truth | Task2Vec diversity | noise floor | published diversity |\n|---|---|---|---|---|")
    for r in table:
        published = PUBLISHED.get(r.sigma, {}).get("diversity", "")
        print(f"| {r.sigma:g} | {r.truth:.3g} | {_shown(r.diversity, 3)} | {r.floor.value:.3f} | {published} |")
    x, y = np.array([r.truth for r in table]), np.array([r.diversity.value for r in table])
    four = [r.sigma in PUBLISHED for r in table]
    print(
        f"\nTruth against Task2Vec diversity: Spearman {spearmanr(x, y)[0]:.4g} over {len(x)} sigmas, Pearson {pearsonr(x, y)[0]:.4f}; "
        f"Pearson {pearsonr(x[four], y[four])[0]:.4f} on the {sum(four)} published ones.\n"
    )
    print(
        "| sigma | ceiling, any classes | ceiling, these episodes | " + " | ".join(f"{name} | published" for name in SERIES) + " |"
    )
    print("|---|---|---|" + "---|---|" * len(SERIES))
    for r in table:
        cells = [f"{_shown(r.accuracies[name])} | {PUBLISHED.get(r.sigma, {}).get(name, '')}" for name in SERIES]
        print(
            f"| {r.sigma:g} | {bayes_accuracy(r.sigma).accuracy:.4f} | {r.ceiling:.4f} ± {3 * r.sampling_error:.4f} | {' | '.join(cells)} |"
        )
    print(f"\nEpisodes in which a learner diverged: {sum(r.lost for r in table)}.")


if __name__ == "__main__":
    main(*sys.argv[1:])
