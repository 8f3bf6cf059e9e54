"""What else varies with the training sets of a study of text: competing explanations of how well their models predict."""

from __future__ import annotations

from typing import Any

import numpy as np

from breadth.study.design import TrainingSet
from breadth.study.plan import Plan
from breadth.study.store import Store
from breadth.study.text_checks import BITS
from breadth.study.text_plan import TRIGRAMS

__all__ = ["text_covariates"]


def text_covariates(plan: Plan, store: Store, sets: tuple[TrainingSet, ...]) -> dict[str, np.ndarray]:
    """Return, for each training set, the share of words in common with the evaluation (Jaccard index), the cross-entropy of a trigram model
    of the same tokens on the evaluation (bits a byte), and the numbers of tokens and documents."""
    counted = {run.body["data"]["set"]: run for run in plan.baselines[TRIGRAMS]}
    rows = []
    for s in sets:
        found: dict[str, Any] = store.result(plan.overlaps[s.name])
        jaccard = found["overlap"]["jaccard"]  # both texts have words, or the run would have failed
        trigrams = store.result(counted[s.name])["scores"][BITS]["loss"]
        rows.append((jaccard, trigrams, sum(found["tokens"].values()), sum(found["documents"].values())))
    columns = np.array(rows, dtype=np.float64).T
    return dict(zip(("shared vocabulary", "trigram cross-entropy", "tokens", "documents"), columns, strict=True))
