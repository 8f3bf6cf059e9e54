"""CPU milliseconds a pair of the cosine distance: the published loop over pairs beside ``breadth.measure.distance.pairwise``, in one run.

python benchmarks/pairwise.py [PAIRS]

The published code is ``task_similarity.pdist`` of ultimate-utils (pip install --no-deps ultimate-utils), run from its own file; it is
timed on PAIRS pairs (2,000 unless given; all, where there are fewer), ours on all. The largest difference is over the pairs that
both computed. The embeddings are drawn (gamma, filters and tasks of unlike size), so that the published epsilon of 1e-8 does not matter.
Both are timed in turn, three times, in CPU time of the process with one thread, and the least of each is told, for other work on the
machine only adds to it.
"""

import math
import os
import platform
import sys
import time
from importlib.metadata import version
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import torch

from breadth.measure.distance import pairwise

PUBLISHED = "torch_uu/metrics/diversity/task2vec_based_metrics/task_similarity.py"
REPEATS = 3


def published():
    """The published module, without the package around it, whose import needs some thirty others."""
    package = find_spec("uutils")
    path = package and Path(package.submodule_search_locations[0]) / PUBLISHED
    if not path or not path.exists():
        raise SystemExit("the published code is not installed: pip install --no-deps ultimate-utils, then run again")
    spec = spec_from_file_location("task_similarity", path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def processor():
    """Name of the processor, as the system tells it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def embeddings(tasks, filters):
    """Positive embeddings [M, D] whose filters and tasks are of unlike size, none far below 1."""
    rng = np.random.default_rng(0)
    h = rng.gamma(2.0, 1.0, (tasks, filters)) * np.exp(rng.normal(8, 2, filters)) * np.exp(rng.normal(0, 0.5, (tasks, 1)))
    return np.maximum(h, 1.0)


def timed(function):
    """CPU seconds and result of one call."""
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def main(pairs="2000"):
    torch.set_num_threads(1)
    module = published()
    print(f"{processor()}, {torch.get_num_threads()} thread, Python {platform.python_version()}")
    print(f"ultimate-utils {version('ultimate-utils')}, numpy {np.__version__}, torch {torch.__version__}")
    for tasks, filters in ((500, 9_600), (40, 134_993)):
        h = embeddings(tasks, filters)
        few = min(tasks, math.ceil((1 + math.sqrt(1 + 8 * int(pairs))) / 2))
        given = [SimpleNamespace(hessian=row) for row in h[:few]]
        theirs, ours = [], []
        for _ in range(REPEATS):
            theirs.append(timed(lambda: module.pdist(given, "cosine")))  # noqa: B023
            ours.append(timed(lambda: pairwise(h)))  # noqa: B023
        theirs_of, ours_of = few * (few - 1) // 2, tasks * (tasks - 1) // 2
        a, b = min(t for t, _ in theirs) / theirs_of * 1e3, min(t for t, _ in ours) / ours_of * 1e3
        apart = np.abs(theirs[0][1] - ours[0][1][:few, :few]).max()
        print(
            f"M {tasks:3} D {filters:7,}   published {a:.4f} ms a pair ({theirs_of:,} of {ours_of:,} pairs)   "
            f"ours {b:.4f} ms a pair (all)   ratio {a / b:.1f}   largest difference {apart:.1e}"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
