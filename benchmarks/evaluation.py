"""Speed of few-shot evaluation and of pre-training: one thread, CPU seconds, interleaved rounds, medians of the ratios of a round.

    python benchmarks/evaluation.py [--rounds N] [--json FILE]

Evaluation, 5-way 5-shot, 15 queries a class, a pre-trained body of four stride-2 convolutions of 32 filters on drawn characters (glyphs):

- "RFS loop": what the code of arXiv 2003.11539 does, written out: draw an episode, pass all its images through the body, L2-normalise,
  fit scikit-learn's LogisticRegression (lbfgs, C = 1, max_iter = 1000), predict;
- "scikit-learn, cached": the same fit and prediction on features that are there already;
- "heads, cached": ours on features that are there already;
- "features once + heads": ours with the passes of all items counted;
- "evaluate_pretrained": the library's call from a new suite to the scores, with every draw of an episode.

Each round takes the next 60 episodes of the suite for the first two, and 2,000 episodes for ours; ten rounds compare 600 episodes.

Where the 2,000 episodes' time goes is told part by part. Evaluation of adapted classifiers (MAML after 5 and 10 steps, ANIL): the
library's chunks of episodes, and the same episodes one by one through autograd (MAML) or with a head for each (ANIL).

Pre-training: the plain loop (contiguous float32, torch.optim.AdamW and OneCycleLR) on the batches and augmentations of ours,
and ``pretrain`` in float32 and in bf16; beside it the arithmetic of the float32 passes (three times the forward products) as a
part of the rate of one large matrix product.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import sklearn
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn import functional as F

from breadth.data.episode import Episodes, episodes
from breadth.data.formats import load
from breadth.data.images import LabeledSet, to_float
from breadth.data.union import single
from breadth.learn import evaluate
from breadth.learn.augment import augmented
from breadth.learn.evaluate import evaluate_pretrained
from breadth.learn.flops import GRADIENT, forward_flops
from breadth.learn.heads import logistic
from breadth.learn.meta_step import Adapts
from breadth.learn.pretrain import Precision, PretrainSettings, batches, pretrain
from breadth.learn.readout import Given, _Readouts, one_by_one, reader
from breadth.learn.trained import body_of
from breadth.nets.body import Body
from breadth.nets.build import Architecture, Kind, build
from breadth.nets.head import classifier
from breadth.nets.norm import BatchNorm
from breadth.seeds import generator, integer

COUNT, PIECE, CHUNK = 2000, 60, 256
Rounds = dict[str, list[float]]


@lru_cache(maxsize=1)
def glyphs() -> tuple[LabeledSet, LabeledSet]:
    """(100 classes for training, 60 other classes for the test), 20 items each, 28 x 28."""
    everything = load("glyphs:classes=160")
    return everything.of_classes(range(100)), everything.of_classes(range(100, 160))


def rate(done: int, work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return done / (time.process_time() - start)


def summary(found: Rounds, peers: tuple[str, ...]) -> dict[str, Any]:
    ratios = {
        f"{name} : {peer}": statistics.median(a / b for a, b in zip(found[name], found[peer], strict=True))
        for name in found
        for peer in peers
        if name not in peers
    }
    return {"median": {k: statistics.median(v) for k, v in found.items()}, "ratio": ratios, "rounds": found}


def fitted(support: Tensor, query: Tensor, suite: Episodes) -> float:
    """Accuracy of scikit-learn's logistic regression on one episode's normalised features, as the RFS code calls it."""
    ways = np.arange(suite.ways)
    head = LogisticRegression(random_state=0, C=1.0, max_iter=1000).fit(support.numpy(), ways.repeat(suite.shots))
    return float((head.predict(query.numpy()) == ways.repeat(suite.queries)).mean())


@torch.no_grad()
def rfs_loop(body: Body, suite: Episodes, which: range) -> list[float]:
    out = []
    for i in which:
        episode = suite[i]
        images = to_float(np.concatenate([episode.support_inputs, episode.query_inputs]))
        features = F.normalize(body(torch.from_numpy(images)), dim=1)
        n = len(episode.support_labels)
        out.append(fitted(features[:n], features[n:], suite))
    return out


def evaluation(rounds: int) -> dict[str, Any]:
    train, test = glyphs()
    body = body_of(pretrain(train, Architecture("conv-stride", 32, 1, 28), PretrainSettings(images=20_000), seed=0))
    suite = episodes(single(test), count=COUNT)
    items = torch.from_numpy(suite.items)
    labels, truth = (torch.arange(suite.ways).repeat_interleave(n) for n in (suite.shots, suite.queries))

    @torch.no_grad()
    def table() -> Tensor:
        pieces = torch.from_numpy(to_float(test.inputs)).to(memory_format=torch.channels_last).split(256)
        return F.normalize(torch.cat([cast(Tensor, body(x)) for x in pieces]), dim=1)

    def heads(features: Tensor) -> Tensor:
        """Accuracy [episodes]."""
        right = []
        for at in items.split(CHUNK):
            support, query = features[at[:, :, :5].flatten(1)], features[at[:, :, 5:].flatten(1)]
            right.append((logistic(support, labels, query).argmax(2) == truth).double().mean(1))
        return torch.cat(right)

    features = table()
    ours = heads(features)
    found: Rounds = {}
    accuracy: dict[str, list[float]] = {"RFS loop": [], "scikit-learn, cached": []}

    def cached(which: range) -> list[float]:
        return [fitted(features[items[i, :, :5].flatten()], features[items[i, :, 5:].flatten()], suite) for i in which]

    def product() -> object:
        fresh = episodes(suite.source, count=COUNT)  # a suite keeps its draws, a new one has them to make
        return evaluate_pretrained(body, fresh, heads=("logistic",), batch_norm=("running",))

    for r in range(rounds):
        which = range(r * PIECE % COUNT, r * PIECE % COUNT + PIECE)
        sides: list[tuple[str, int, Callable[[], object]]] = [
            ("RFS loop", PIECE, lambda w=which: accuracy["RFS loop"].extend(rfs_loop(body, suite, w))),  # type: ignore[misc]
            ("scikit-learn, cached", PIECE, lambda w=which: accuracy["scikit-learn, cached"].extend(cached(w))),  # type: ignore[misc]
            ("heads, cached", COUNT, lambda: heads(features)),
            ("features once + heads", COUNT, lambda: heads(table())),
            ("evaluate_pretrained", COUNT, product),
        ]
        for name, done, work in sides:
            found.setdefault(name, []).append(rate(done, work))
    found["(drawing alone)"] = [rate(COUNT, lambda: episodes(suite.source, count=COUNT).items) for _ in range(rounds)]
    logits = [logistic(features[items[:, :, :5].flatten(1)], labels, features[items[:, :, 5:].flatten(1)])]
    found["(scoring alone)"] = [rate(COUNT, lambda: evaluate._scores(logits, suite, "")) for _ in range(rounds)]
    compared = len(accuracy["RFS loop"])
    out = summary(found, ("RFS loop", "scikit-learn, cached"))
    mine = float(ours[:compared].mean())
    out["episodes compared"] = compared
    out["mean accuracy"] = {"heads, cached": mine, **{k: float(np.mean(v)) for k, v in accuracy.items()}}
    out["difference of mean accuracy"] = {k: mine - float(np.mean(v)) for k, v in accuracy.items()}
    return out


def adapted(kind: Kind, adapts: Adapts, rounds: int, count: int = 8) -> dict[str, Any]:
    """Episodes a CPU second, 5 and 10 steps, queries by the statistics of the support set and by their own."""
    net = classifier(build(Architecture(kind, 32, 1, 28), 0), 5, 0)
    modes: tuple[BatchNorm, ...] = ("support", "transductive")
    given = evaluate._given(episodes(single(glyphs()[1]), count=count), range(count), "cpu")
    read, several = reader(net, given, steps=(5, 10), lr=0.1, modes=modes, adapts=adapts)

    def pieces(size: int) -> list[Given]:
        return [Given(*(part[at : at + size] for part in given)) for at in range(0, count, size)]

    def alone() -> object:
        if adapts == "head":
            return [read(one) for one in pieces(1)]
        return one_by_one(net, _Readouts((5, 10), 0.1, modes), given)

    found: Rounds = {"one by one": [], "chunks of episodes": []}
    for _ in range(rounds):
        found["one by one"].append(rate(count, alone))
        found["chunks of episodes"].append(rate(count, lambda: [read(piece) for piece in pieces(several)]))
    return summary(found, ("one by one",))


def products() -> float:
    """Operations a CPU second of a product of two matrices of 1024 x 1024 in float32, the best of ten."""
    a = torch.randn((1024, 1024), generator=torch.Generator().manual_seed(0))
    return max(rate(2 * 1024**3, lambda: a @ a) for _ in range(10))


def plain(data: LabeledSet, arch: Architecture, settings: PretrainSettings) -> None:
    """Pre-training as it is usually written, on the very batches and shifts of ``pretrain``."""
    steps = -(-settings.images // settings.batch)
    net = classifier(build(arch, integer(0, "body")), data.n_classes, integer(0, "head"))
    net.train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=settings.lr, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.lr, total_steps=steps)
    rows = batches(data.n_items, settings.batch, integer(0, "train"))
    for t in range(steps):
        images = to_float(augmented(data.inputs[rows(t)], settings.augmentation, generator(0, "augment", t)))
        optimizer.zero_grad()
        logits = net(torch.from_numpy(images))
        F.cross_entropy(logits, torch.from_numpy(data.labels[rows(t)])).backward()
        optimizer.step()
        schedule.step()


def pretraining(kind: Kind, rounds: int, images: int) -> dict[str, Any]:
    """Images a CPU second."""
    data, arch = glyphs()[0], Architecture(kind, 32, 1, 28)
    precisions: tuple[Precision, ...] = ("float32", "bf16")
    settings = {p: PretrainSettings(images=images, precision=p) for p in precisions}
    found: Rounds = {}
    for r in range(rounds + 1):
        sides: list[tuple[str, Callable[[], object]]] = [("plain loop", lambda: plain(data, arch, settings["float32"]))]
        sides += [(p, lambda p=p: pretrain(data, arch, settings[p], seed=0)) for p in precisions]  # type: ignore[misc]
        for name, work in sides:
            value = rate(images, work)
            if r:  # the first round warms up
                found.setdefault(name, []).append(value)
    out = summary(found, ("plain loop",))
    one = GRADIENT * forward_flops(arch, classifier(build(arch, 0), data.n_classes, 0))
    out["part of the rate of products"] = out["median"]["float32"] * one / products()
    return out


def machine() -> dict[str, Any]:
    model = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cpu": f"{model[0]}, {os.cpu_count()} virtual cores",
        "threads": torch.get_num_threads(),
        "load": ", ".join(f"{x:.1f}" for x in os.getloadavg()),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
    }


def shown(title: str, found: dict[str, Any]) -> None:
    print(title)
    for name, value in found["median"].items():
        ratios = [f"{r:.2f}x {pair.split(' : ')[1]}" for pair, r in found["ratio"].items() if pair.startswith(f"{name} : ")]
        print(f"  {name:24}{value:10.1f}  {', '.join(ratios)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    args = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[str, Any] = {"machine": machine()}
    print(found["machine"])
    found["evaluation"] = evaluation(args.rounds)
    shown("evaluation, episodes a CPU second", found["evaluation"])
    print("  mean accuracy", found["evaluation"]["mean accuracy"], "over", found["evaluation"]["episodes compared"], "episodes")
    print("  ours minus theirs", found["evaluation"]["difference of mean accuracy"], flush=True)
    found["pretraining"] = {}
    found["adapted"] = {}
    adapting: tuple[tuple[Kind, Adapts], ...] = (("conv-stride", "all"), ("conv", "all"), ("conv-stride", "head"))
    for kind, adapts in adapting:
        title = f"evaluation of {'MAML' if adapts == 'all' else 'ANIL'}, {kind}, episodes a CPU second"
        found["adapted"][title] = adapted(kind, adapts, 3)
        shown(title, found["adapted"][title])
    kinds: tuple[tuple[Kind, int, int], ...] = (("conv-stride", args.rounds, 2560), ("conv", 5, 1280), ("resnet12", 2, 64))
    for kind, rounds, images in kinds:
        found["pretraining"][kind] = pretraining(kind, rounds, images)
        shown(f"pre-training {kind}, images a CPU second", found["pretraining"][kind])
        print(
            f"  float32: {found['pretraining'][kind]['part of the rate of products']:.0%} of the rate of one large matrix product"
        )
    found["machine"]["load at the end"] = machine()["load"]
    print("load at the end", found["machine"]["load at the end"])
    if args.json:
        args.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
