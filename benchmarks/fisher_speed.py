"""Seconds of one task embedding: exact Fisher by activation gradients beside the plain loop over samples and classes, in one run.

python benchmarks/fisher_speed.py [cpu|cuda]

Prints machine, threads and versions, then for each probe the seconds a task and the ratio. The loop is timed on a few samples of the task
and scaled up, for it takes minutes; its result on those samples is compared with the fast one.
"""

import platform
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from breadth.data.formats import load
from breadth.data.images import prepare, to_float
from breadth.data.task import task
from breadth.data.union import single
from breadth.measure.fisher import fisher_diagonal
from breadth.measure.head import Head, fit_head
from breadth.measure.probe import probe
from breadth.nets.build import Architecture
from oracle.fisher import fisher_diagonal as fisher_by_loop

SAMPLES = 4


def seconds(function, device, repeats):
    """Median seconds of ``function`` over ``repeats`` calls after one call to warm up."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        function()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return float(np.median(times[1:]))


def main(device="cpu"):
    torch.set_num_threads(1)
    name = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or platform.machine()
    print(
        f"{name}, {torch.get_num_threads()} CPU thread, Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}"
    )
    source = single(prepare(load("glyphs:scripts=latin,classes=40"), size=32, channels=3))
    drawn = task(source, 0, ways=5, per_class=20)
    for kind, filters in (("resnet18", 64), ("conv", 64), ("conv-stride", 32)):
        net = probe(Architecture(kind, filters, 3, 32)).to(device)
        x = torch.from_numpy(to_float(drawn.inputs)).to(device)
        with torch.no_grad():
            features = net.body(x).double().cpu().numpy()
        head: Head = fit_head(features, drawn.labels, 5)
        fast = seconds(lambda: fisher_diagonal(net.body, head, x), device, 5)  # noqa: B023
        slow = seconds(lambda: fisher_by_loop(net.body, head, x[:SAMPLES]), device, 1) * len(x) / SAMPLES  # noqa: B023
        a, b = fisher_diagonal(net.body, head, x[:SAMPLES]), fisher_by_loop(net.body, head, x[:SAMPLES])
        error = max(float(np.abs(np.asarray(a[k]) - np.asarray(b[k])).max() / np.asarray(b[k]).max()) for k in b)
        speed = f"{fast:8.4f} s a task   loop {slow:8.2f} s   ratio {slow / fast:7.0f}"
        print(f"{kind:12} {filters:3}  {speed}   largest error {error:.1e} of a layer's largest")


if __name__ == "__main__":
    main(*sys.argv[1:])
