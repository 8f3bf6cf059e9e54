"""Speed and memory of MAML beside the loop that learn2learn runs: 5-way 5-shot, 5 queries a class, 5 inner steps, 28 x 28 grey pixels,
four stride-2 convolutions of 32 filters, meta-batches of 8 tasks.

    python benchmarks/learn.py [--rounds N] [--json FILE]

learn2learn does not build on Python 3.11, so "the peer" is its algorithm written out here: a clone of the module for each task, a
functional update of the clone's parameters a step, the query loss backward into the module. Rounds are interleaved, rates are medians.
Rows 1 and 2 (one thread) count CPU seconds, row 3 wall seconds of whole processes, row 4 the peak memory of a process above its base.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from breadth.learn.meta_step import Inner, meta_step
from breadth.nets.build import Architecture, build
from breadth.nets.head import Classifier, classifier

ARCH = Architecture("conv-stride", filters=32, channels=1, size=28)
TASKS, STEPS, LR = 8, 5, 0.1
Step = Callable[[], object]


def drawn() -> list[list[Tensor]]:
    """Tasks of noise: the time of a step does not depend on what is in the images."""
    g = torch.Generator().manual_seed(0)
    labels = torch.arange(5).repeat_interleave(5)
    return [
        [torch.randn((25, 1, 28, 28), generator=g), labels, torch.randn((25, 1, 28, 28), generator=g), labels] for _ in range(TASKS)
    ]


def cloned(module: nn.Module) -> nn.Module:
    """A module of the same form whose parameters are clones that pass gradients on."""
    new = module.__new__(type(module))
    new.__dict__ = {
        **module.__dict__,
        "_parameters": {k: None if p is None else p.clone() for k, p in module._parameters.items()},
        "_buffers": {k: None if b is None else b.clone() for k, b in module._buffers.items()},
        "_modules": {k: cloned(m) for k, m in module._modules.items()},
    }
    return new


def parameters(module: nn.Module) -> list[tuple[nn.Module, str]]:
    return [(m, k) for m in module.modules() for k, p in m._parameters.items() if p is not None]


def peer(net: Classifier, tasks: list[list[Tensor]], order: int) -> Step:
    def step() -> None:
        net.train()
        net.zero_grad()
        for sx, sy, qx, qy in tasks:
            learner = cloned(net)
            places = parameters(learner)
            for _ in range(STEPS):
                weights = [m._parameters[k] for m, k in places]
                gradient = torch.autograd.grad(F.cross_entropy(learner(sx), sy), weights, create_graph=order == 2)
                for (m, k), p, g in zip(places, weights, gradient, strict=True):
                    m._parameters[k] = p - LR * g
            (F.cross_entropy(learner(qx), qy) / len(tasks)).backward()

    return step


def ours(net: Classifier, tasks: list[list[Tensor]], order: int) -> Step:
    step = meta_step(ARCH, net, Inner(STEPS, LR, order, "all"))
    return lambda: step(tasks)


def anil(net: Classifier, tasks: list[list[Tensor]], _: int) -> Step:
    step = meta_step(ARCH, net, Inner(STEPS, LR, 2, "head"))
    return lambda: step(tasks)


SIDES = {"ours": ours, "peer": peer, "anil": anil}


def side(name: str, order: int) -> Step:
    return SIDES[name](classifier(build(ARCH, 0), 5, 0), drawn(), order)


def agreement(order: int) -> float:
    """Relative distance of the two meta-gradients, biases before batch norm (true gradient 0) left out."""
    found = []
    for name in ("ours", "peer"):
        net = classifier(build(ARCH, 0), 5, 0)
        SIDES[name](net, drawn(), order)()
        found.append(
            torch.cat(
                [p.grad.flatten() for k, p in net.named_parameters() if p.grad is not None and not (".conv" in k and "bias" in k)]
            )
        )
    return float((found[0] - found[1]).norm() / found[1].norm())


def rates(order: int, rounds: int, names: tuple[str, ...]) -> dict[str, Any]:
    """Tasks a CPU second of each side on one thread, the median ratio to the peer over rounds, and all rounds."""
    torch.set_num_threads(1)
    steps = {name: side(name, order) for name in names}
    for step in steps.values():
        step()
    found: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, step in steps.items():
            start = time.process_time()
            step()
            step()
            found[name].append(2 * TASKS / (time.process_time() - start))
    ratio = {n: statistics.median(a / b for a, b in zip(found[n], found["peer"], strict=True)) for n in names if n != "peer"}
    return {"tasks per CPU-s": {n: statistics.median(v) for n, v in found.items()}, "ratio": ratio, "rounds": found}


def peak_memory() -> int:
    """Peak resident kB of this process; unlike ru_maxrss it does not begin with that of the process which started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def worker(name: str, order: int, threads: int, seconds: float) -> None:
    """Print tasks a wall second over ``seconds``, after a step to warm up, and the peak memory above base in MB."""
    torch.set_num_threads(threads)
    step = side(name, order)
    base = peak_memory()
    step()
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        step()
        done += TASKS
    peak = peak_memory()
    print(json.dumps({"rate": done / max(time.perf_counter() - start, 1e-9), "memory": (peak - base) / 1024}))


def started(name: str, order: int, threads: int, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--worker", name, str(order), str(threads), str(seconds)]
    env = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)


def reports(*processes: subprocess.Popen[str]) -> list[dict[str, float]]:
    return [json.loads(p.communicate()[0]) for p in processes]


def two_cores(order: int, rounds: int, seconds: float = 8.0) -> dict[str, Any]:
    """Wall-clock rates of two processes of ours with a thread each, and of the peer's one process with two threads."""
    pairs = []
    for _ in range(rounds):
        mine = sum(r["rate"] for r in reports(started("ours", order, 1, seconds), started("ours", order, 1, seconds)))
        pairs.append((mine, reports(started("peer", order, 2, seconds))[0]["rate"]))
    ratio = statistics.median(a / b for a, b in pairs)
    return {"tasks per wall second": [statistics.median(x) for x in zip(*pairs, strict=True)], "ratio": ratio, "rounds": pairs}


def memory() -> dict[str, float]:
    """Peak MB above base of a second-order step of 8 tasks."""
    return {name: reports(started(name, 2, 1, 3.0))[0]["memory"] for name in ("ours", "peer")}


def machine() -> dict[str, str]:
    model = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cpu": f"{model[0]}, {os.cpu_count()} virtual cores",
        "load": ", ".join(f"{x:.1f}" for x in os.getloadavg()),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        name, order, threads, seconds = args.worker
        worker(name, int(order), int(threads), float(seconds))
        return
    found: dict[str, Any] = {"machine": machine()}
    print(found["machine"])
    found["agreement"] = {order: agreement(order) for order in (1, 2)}
    print("distance of the meta-gradients, ours to the peer's:", {k: f"{v:.1e}" for k, v in found["agreement"].items()})
    for title, order, names in (("second order", 2, ("ours", "peer", "anil")), ("first order", 1, ("ours", "peer"))):
        found[title] = rates(order, args.rounds, names)
        shown = {n: round(v, 1) for n, v in found[title]["tasks per CPU-s"].items()}
        print(
            f"{title}, tasks a CPU second: {shown}, ratio { ({n: round(r, 2) for n, r in found[title]['ratio'].items()}) }",
            flush=True,
        )
    found["two cores"] = two_cores(2, max(3, args.rounds // 3))
    print(
        "second order on 2 cores, 2 x 1 thread against the peer's 1 x 2, tasks a wall second:",
        found["two cores"]["tasks per wall second"],
    )
    print(f"ratio {found['two cores']['ratio']:.2f}", flush=True)
    found["memory"] = memory()
    print("second order, 8 tasks, peak MB above base:", found["memory"])
    found["machine"]["load at the end"] = machine()["load"]
    print("load at the end", found["machine"]["load at the end"])
    if args.json:
        args.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
