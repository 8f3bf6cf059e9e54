"""What docs/results/language.md says beside the tables of the report: competing explanations, levels, seeds, single texts, both probes.

    python docs/results/language.py PACKS RUNS

PACKS: the folder of *.txt.gz packs; RUNS: what ``breadth run studies/language.toml --data-root PACKS --runs RUNS`` wrote.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from breadth.study.plan import plan_study
from breadth.study.readings import Readings
from breadth.study.store import Store
from breadth.study.text_readings import text_covariates
from breadth.study.toml import read_study

STUDY = Path(__file__).parents[2] / "studies" / "language.toml"


def main(packs: str, runs: str) -> None:
    plan = plan_study(read_study(STUDY).model_copy(update={"data_root": packs}))
    store = Store(Path(runs))
    readings = Readings(plan, store)
    names, levels = [s.name for s in plan.sets], np.array([int(s.name.partition("x")[0]) for s in plan.sets])

    def measured(probe: str, what: str) -> np.ndarray:
        return np.array([e.value for e in readings.measured(plan.sets, probe, what)])

    x, other = measured("trained", "diversity"), measured("random", "diversity")
    print(f"diversity through both probes: Spearman {spearmanr(x, other)[0]:.2f}; SD {x.std(ddof=1):.4f}")
    beside = {**text_covariates(plan, store, plan.sets), **{w: measured("trained", w) for w in ("alignment", "complexity")}}
    trigrams = beside["trigram cross-entropy"]

    def by_level(values: np.ndarray) -> str:
        return ", ".join(f"{values[levels == k].mean():.4g}" for k in sorted(set(levels)))

    print(f"diversity by level: {by_level(x)}")
    for learner in ("1.0M", "0.3M"):
        scores = readings.scored(learner, "bits-per-byte", "loss").values
        seeds = np.nanmean(scores, axis=2)  # sets x seeds
        y = seeds.mean(1)
        spread = np.sqrt(((seeds[:, 0] - seeds[:, 1]) ** 2).mean() / 2)
        print(f"\n{learner}: loss by level {by_level(y)}; SD between seeds {spread:.3f}, between texts {y.std(ddof=1):.3f}")
        best, widest = int(y.argmin()), int(x.argmax())
        print(
            f"best {names[best]} ({y[best]:.2f} at {x[best]:.3f}); broadest {names[widest]} ({x[widest]:.3f}), {(y < y[widest]).sum()} better"
        )
        print(f"better than its trigram model: {(y < trigrams).sum()} of {len(y)}")
        print("single domains:", ", ".join(f"{names[i]} {y[i]:.2f} at {x[i]:.4f}" for i in np.argsort(y) if levels[i] == 1))
        for what, z in beside.items():
            if z.std() > 0:
                r, with_loss = np.corrcoef(x, z)[0, 1], np.corrcoef(y, z)[0, 1]
                print(f"| {what} | {r:.2f} | {with_loss:.2f} | {z.min():.4g} to {z.max():.4g} | {by_level(z)} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
