"""Task2Vec side by side with the original code, in one run: CPU seconds, memory and ratios on the same task, weights and thread.

python benchmarks/task2vec.py [--full] [--json]

The original is Task2Vec of the PyPI package ultimate-utils at its defaults (pip install --no-deps ultimate-utils). One 5-way task of 100
images of 84 x 84, ResNet-18, one thread. By default the original's Fisher is timed on 10 of its 156 batches after one to warm up, and its
distances on 2,016 pairs, and both are scaled up; --full runs all of them. Each row runs in a process of its own.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

THREADS = 1
WAYS, PER_CLASS, SIZE = 5, 20, 84
DRAWS, BATCH = 10_000, 64
TIMED_BATCHES = 10
TASKS, TIMED_TASKS = 500, 64
REPEATS = 3
OURS = {
    "exact": {},
    "exact, published head": {"head": "adam"},
    "exact, 256 MB": {"memory": 256 * 2**20},
    "Rademacher, 1 draw": {"estimator": "rademacher"},
    "exact, bf16": {"precision": "bf16"},
    "Rademacher, 1 draw, bf16": {"estimator": "rademacher", "precision": "bf16"},
}
# Ratios promised at least, and aimed at.
PROMISED = {"exact": (30, 40), "Rademacher, 1 draw": (60, 80), "distances": (5, 16)}
PASS = (1.2, 1.0)


def timed(function):
    """Return (CPU seconds, wall seconds, result)."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = function()
    return time.process_time() - cpu, time.perf_counter() - wall, result


def median(function):
    """Median CPU and wall seconds of REPEATS calls after one to warm up, and the last result."""
    function()
    runs = sorted((timed(function) for _ in range(REPEATS)), key=lambda run: run[0])
    return runs[REPEATS // 2]


def task_and_probe():
    import torch

    from breadth.data.formats import load
    from breadth.data.images import prepare
    from breadth.data.task import task
    from breadth.data.union import single
    from breadth.measure.probe import probe
    from breadth.nets.build import Architecture

    torch.set_num_threads(THREADS)
    source = single(prepare(load(f"glyphs:classes=40,size={SIZE}"), size=SIZE, channels=3))
    return task(source, 0, ways=WAYS, per_class=PER_CLASS), probe(Architecture("resnet18", channels=3, size=SIZE))


def inputs():
    import torch

    from breadth.data.images import to_float

    drawn, net = task_and_probe()
    return torch.from_numpy(to_float(drawn.inputs)), drawn, net


def original(full):
    """The original at its defaults: seconds of each stage."""
    from breadth.measure.head import initial_head
    from oracle import peer

    x, drawn, net = inputs()
    network = peer.network(net.body, WAYS, initial_head(WAYS, net.feature_dim, 0))
    seconds = {}

    def watched(name, function):
        def run(*args, **options):
            cpu, wall, result = timed(lambda: function(*args, **options))
            seconds[name] = (cpu, wall)
            return result

        return run

    def prepared(t2v):
        for name, method in (("features", "_cache_features"), ("head", "_fit_classifier")):
            setattr(t2v, method, watched(name, getattr(t2v, method)))
        fisher = t2v.compute_fisher

        def some(dataset):
            t2v.loader_opts = {"num_samples": BATCH}
            fisher(dataset)
            t2v.loader_opts = {"num_samples": TIMED_BATCHES * BATCH}
            watched("Fisher", fisher)(dataset)

        t2v.compute_fisher = watched("Fisher", fisher) if full else some

    peer.embed(network, x, drawn.labels, seed=0, prepare=prepared)
    if not full:
        seconds["Fisher"] = tuple(s * (DRAWS // BATCH) / TIMED_BATCHES for s in seconds["Fisher"])
    return {
        "stages": {k: v[0] for k, v in seconds.items()},
        "cpu": sum(v[0] for v in seconds.values()),
        "wall": sum(v[1] for v in seconds.values()),
    }


def ours(name):
    """One task through Task2Vec; the head is timed alone too. distance: to the exact embedding."""
    from breadth.measure.distance import cosine
    from breadth.measure.head import fit_head, fit_head_adam
    from breadth.measure.task2vec import Task2Vec

    x, drawn, net = inputs()
    options = OURS[name]
    cpu, wall, found = median(lambda: Task2Vec(net, **options)(drawn))
    features = net.body(x).double().numpy()
    fit = (
        (lambda: fit_head_adam(features, drawn.labels, WAYS, seed=0))
        if "head" in options
        else lambda: fit_head(features, drawn.labels, WAYS)
    )
    head = median(fit)[0]
    # Read before the exact embedding is made, which may need more.
    peak = memory()
    exact = Task2Vec(net, **{k: v for k, v in options.items() if k == "head"})(drawn)
    stages = {"head": head, "forward and Fisher": cpu - head}
    return {"stages": stages, "cpu": cpu, "wall": wall, "memory": peak, "distance": cosine(found.values, exact.values)}


def plain():
    """Forward and backward of the task in one batch, ordinary weight gradients: what training on it would cost."""
    import torch

    x, drawn, net = inputs()
    body = net.body.requires_grad_(True)
    head = torch.nn.Linear(net.feature_dim, WAYS)

    def step():
        torch.nn.functional.cross_entropy(head(body(x)), torch.from_numpy(drawn.labels)).backward()

    cpu, wall, _ = median(step)
    return {"cpu": cpu, "wall": wall}


def embeddings(m):
    import numpy as np

    return np.random.default_rng(0).gamma(0.5, size=(m, 9600))


def original_distances(full):
    from oracle import peer

    task2vec, similarity = peer.load()
    m = TASKS if full else TIMED_TASKS
    found = [task2vec.Embedding(h.astype("float32"), None) for h in embeddings(m)]
    cpu, wall, _ = timed(lambda: similarity.pdist(found))
    scale = TASKS * (TASKS - 1) / (m * (m - 1))
    return {"cpu": cpu * scale, "wall": wall * scale}


def our_distances():
    from breadth.measure.distance import pairwise

    h = embeddings(TASKS)
    cpu, wall, _ = median(lambda: pairwise(h))
    return {"cpu": cpu, "wall": wall}


def memory():
    """Largest resident memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def part(name, full):
    """Run one row in this process."""
    if name in OURS:
        return ours(name)
    functions = {
        "original": lambda: original(full),
        "plain forward and backward": plain,
        "original distances": lambda: original_distances(full),
        "distances": our_distances,
        "start": lambda: {"cpu": 0.0, "wall": timed(inputs)[1]},
    }
    found = functions[name]()
    return {"memory": memory(), **found}


def separately(name, full):
    """Run one row in a new process and return its result."""
    command = [sys.executable, __file__, "--part", name, *(["--full"] if full else [])]
    done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": str(THREADS)}, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"'{name}' failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def machine():
    import numpy as np
    import torch

    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    features = [f for f in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if any(f in line.split() for line in lines)]
    return {
        "processor": model,
        "instructions": features,
        "cores": os.cpu_count(),
        "threads": THREADS,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "load": os.getloadavg()[0],
    }


def report(rows, about, full):
    """Print what was measured as text."""
    how = (
        "all batches and pairs"
        if full
        else f"{TIMED_BATCHES} of {DRAWS // BATCH} batches and {TIMED_TASKS * (TIMED_TASKS - 1) // 2:,} pairs, scaled up"
    )
    print("; ".join(f"{k}: {', '.join(v) if isinstance(v, list) else v}" for k, v in about.items()))
    print(f"one {WAYS}-way task of {WAYS * PER_CLASS} images of {SIZE} x {SIZE}, ResNet-18; the original was run on {how}\n")
    columns = ["", "CPU s", "wall s", "peak MB", "ratio", "promised", "aimed at", "distance to exact", "stages, CPU s"]
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    for name, row in rows.items():
        promised, aimed = (f"{n}x" for n in PROMISED[name]) if name in PROMISED else ("", "")
        ratio = f"{row['ratio']:.1f}x" if "ratio" in row else ""
        distance = f"{row['distance']:.4f}" if "distance" in row else ""
        stages = ", ".join(f"{k} {v:.2f}" for k, v in row.get("stages", {}).items())
        numbers = f"{row['cpu']:.2f} | {row['wall']:.2f} | {row['memory']:.0f}"
        print(f"| {name} | {numbers} | {ratio} | {promised} | {aimed} | {distance} | {stages} |")
    one = rows["Rademacher, 1 draw"]["passes"]
    print(
        f"\nRademacher, head included, beside a plain forward and backward pass: {one:.2f} times (promised {PASS[0]}, aimed at {PASS[1]})"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="run all of the original's batches and pairs")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        print(json.dumps(part(given.part, given.full)))
        return
    names = ["start", "original", *OURS, "plain forward and backward", "original distances", "distances"]
    about = machine()
    rows = {name: separately(name, given.full) for name in names}
    for name in OURS:
        rows[name]["ratio"] = rows["original"]["cpu"] / rows[name]["cpu"]
        rows[name]["passes"] = rows[name]["cpu"] / rows["plain forward and backward"]["cpu"]
    rows["distances"]["ratio"] = rows["original distances"]["cpu"] / rows["distances"]["cpu"]
    if given.json:
        print(json.dumps({"machine": about, "full": given.full, "rows": rows}, indent=1))
    else:
        report(rows, about, given.full)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    main()
