"""What the record of a measured training set holds, whether of images or of text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from breadth.measure import diversity
from breadth.measure.embeddings import Embeddings, load_embeddings, save_embeddings
from breadth.stats.interval import Estimate
from breadth.study.readings import estimate_from
from breadth.study.runspec import RunSpec
from breadth.study.store import Store

__all__ = ["finish_measured"]

WithoutNoise = Callable[..., Estimate]
# Below, halves of a training set have too few tasks to be compared.
LEAST_TASKS_TO_SPLIT = 6


def finish_measured(run: RunSpec, store: Store, e: Embeddings, floor: Estimate, without_noise: WithoutNoise | None = None) -> None:
    """Write the record of one measured training set: coefficient, ``floor`` (noise), complexity; with a suite, the alignment to it.

    A run that needs its probe only measures the suite itself, and keeps the embeddings for those that are compared with it.
    without_noise: (mean distance, the floor of each side) -> the distance without noise; then coefficient and alignment are without it,
    and the coefficient with it is kept as "plain".
    """
    plain = diversity.diversity_coefficient(e)
    result = {
        "diversity": (plain if without_noise is None else without_noise(plain, floor)).as_dict(),
        **({} if without_noise is None else {"plain": plain.as_dict()}),
        "floor": floor.as_dict(),
        "complexity": diversity.complexity(e).as_dict(),
        "doubt": float(e.doubt.mean()),
        "protocol": e.protocol,
    }
    if e.tasks >= LEAST_TASKS_TO_SPLIT:
        result["split_half"] = diversity.split_half(e, run.body["seed"]).as_dict()
    name = "embeddings.safetensors"
    if len(run.needs) == 1:
        save_embeddings(store.folder(run) / name, e)
        store.finish(run, result, (name,))
    else:
        suite = load_embeddings(store.folder(run.needs[1]) / name)
        if without_noise is None:
            aligned = diversity.alignment(e, suite)
        else:
            theirs = estimate_from(store.result(run.needs[1])["floor"])
            apart = without_noise(diversity.cross_diversity(e, suite), floor, theirs)
            aligned = replace(apart, value=1 - apart.value, low=1 - apart.high, high=1 - apart.low)
        store.finish(run, {**result, "alignment": aligned.as_dict()})
