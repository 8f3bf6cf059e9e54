"""CPU seconds of one task embedding beside a plain forward and backward pass of the same images, in one run.

python benchmarks/fisher_speed.py [cpu|cuda]            ResNet-18, 5 classes, 100 images of 84 x 84
python benchmarks/fisher_speed.py memory BYTES          peak resident memory of a process that does one exact Fisher

Prints machine, threads and versions; the plain pass (weights requiring gradients), each estimator and precision with its ratio to the
plain pass (the smallest of a few interleaved repeats); what bf16 changes; the error against the plain loop over samples and classes;
and the slowest operations. Memory at caps comes first.
"""

import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from breadth.measure.distance import cosine
from breadth.measure.fisher import chunk_size, fisher_diagonal
from breadth.measure.head import fit_head
from breadth.nets.build import Architecture, build
from oracle.fisher import fisher_diagonal as fisher_by_loop

WAYS, ITEMS, SIZE, REPEATS, CAPS = 5, 100, 84, 3, (200_000_000, 400_000_000, 800_000_000)


def seconds(function, device):
    """CPU seconds (wall seconds on a GPU) of one call."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    start = clock()
    function()
    if device == "cuda":
        torch.cuda.synchronize()
    return clock() - start


def setting(device, seed=0):
    """Body, images of coloured blocks with noise, labels and the fitted head."""
    rng = np.random.default_rng(seed)
    labels = np.arange(ITEMS) % WAYS
    centres = rng.normal(size=(WAYS, 3, 6, 6)).repeat(SIZE // 6, 2).repeat(SIZE // 6, 3)
    x = torch.from_numpy(centres[labels] + rng.normal(size=(ITEMS, 3, SIZE, SIZE))).float().to(device)
    body = build(Architecture("resnet18"), 0).eval().requires_grad_(False).to(device)
    with torch.no_grad():
        features = torch.cat([body(part) for part in x.split(10)]).double().cpu().numpy()
    return body, x, labels, fit_head(features, labels, WAYS)


def embedding(body, x, labels, head, **options):
    return np.concatenate(list(fisher_diagonal(body, head, x, labels=labels, **options).values()))


def plain(body, x):
    body.requires_grad_(True)
    torch.autograd.grad(body(x).sum(), list(body.parameters()))
    body.requires_grad_(False)


def memory(cap):
    parts = setting("cpu")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    embedding(*parts, memory=int(cap))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    chunk = chunk_size(parts[0], parts[1], WAYS - 1, int(cap))
    print(
        f"memory {int(cap) / 1e6:5.0f} MB: chunk {chunk:3}, peak of the process {after / 1e3:5.0f} MB, {before / 1e3:.0f} MB before"
    )


def main(device="cpu"):
    torch.set_num_threads(1)
    name = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or platform.machine()
    versions = f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}"
    print(f"{name}, {torch.get_num_threads()} CPU thread, {versions}", flush=True)
    if device == "cpu":
        # First, while this process is small: on Linux a child starts with its parent's peak.
        for cap in CAPS:
            subprocess.run([sys.executable, __file__, "memory", str(cap)], check=True)
    body, x, labels, head = setting(device)
    parts = (body, x, labels, head)
    calls = {"plain forward and backward": lambda: plain(body, x)}
    for precision in ("float32", "bf16"):
        for estimator in ("empirical", "rademacher", "exact"):
            calls[f"{estimator} {precision}"] = lambda e=estimator, p=precision: embedding(*parts, estimator=e, precision=p)
    times = {key: [] for key in calls}
    for repeat in range(REPEATS + 1):
        for key, call in calls.items():
            spent = seconds(call, device)
            if repeat:  # the first call warms up
                times[key].append(spent)
    floor = min(times["plain forward and backward"])
    for key, spent in times.items():
        print(f"{key:28} {min(spent):7.3f} s   ratio to plain {min(spent) / floor:5.2f}")
    other = setting(device, seed=1)
    a, b = embedding(*parts), embedding(*parts, precision="bf16")
    c, d = embedding(*other), embedding(*other, precision="bf16")
    error = np.abs(b - a)[a > 0] / a[a > 0]
    print(
        f"bf16: entries differ by {np.median(error):.1e} (median), {np.quantile(error, 0.99):.1e} (99 %); to float32 {cosine(a, b):.1e}"
    )
    print(f"      distance of two tasks {cosine(a, c):.5f} in float32, {cosine(b, d):.5f} in bf16")
    few = (body, x[:2], labels[:2], head)
    by_loop = np.concatenate(list(fisher_by_loop(body, head, x[:2], labels=labels[:2]).values()))
    print(f"largest error against the loop {np.abs(embedding(*few) - by_loop).max() / by_loop.max():.1e} of the largest entry")
    with torch.profiler.profile() as profile:
        embedding(*parts)
    events = sorted(profile.key_averages(), key=lambda e: -e.self_cpu_time_total)[:10]
    print("exact, slowest operations:")
    for event in events:
        print(f"  {event.key:40} {event.self_cpu_time_total / 1e6:7.3f} s in {event.count} calls")


if __name__ == "__main__":
    torch.set_num_threads(1)
    memory(sys.argv[2]) if sys.argv[1:2] == ["memory"] else main(*sys.argv[1:])
