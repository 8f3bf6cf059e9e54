"""Train the small networks of studies/checkpoints.toml and write each as one of the published programs would have.

    python studies/make_checkpoints.py [STUDY] [OUT]

They stand in for checkpoints that one has downloaded: nothing but their files, and what the study says of them, reaches the study. The
layout of a file is the last part of its name: pt-latin.rfs.pt is written as the code of arXiv 2003.11539 does.
"""

from __future__ import annotations

import argparse
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from breadth.data.digest import source_digest
from breadth.data.union import Union, pooled
from breadth.learn.maml import MamlSettings, meta_train
from breadth.learn.pretrain import PretrainSettings, pretrain
from breadth.learn.trained import Trained
from breadth.nets.build import Architecture
from breadth.study.sources import task_source
from breadth.study.spec import Study
from breadth.study.toml import read_study

FILTERS = 16
PT = PretrainSettings(images=12_000, augmentation="none")
MAML = MamlSettings(order=1, tasks=150)
OPTION = "5CNN_opt_as_model_for_few_shot"


class Learner(nn.Module):
    """The 5CNN of the published code by the names of its layers: ``model.features.conv1`` ... ``model.cls``."""

    def __init__(self, filters: int, channels: int, classes: int, features: int) -> None:
        super().__init__()
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for i in range(1, 5):
            layers[f"conv{i}"] = nn.Conv2d(channels if i == 1 else filters, filters, 3, padding=1)
            layers[f"norm{i}"] = nn.BatchNorm2d(filters, eps=1e-3)
            layers[f"relu{i}"] = nn.ReLU()
            layers[f"pool{i}"] = nn.MaxPool2d(2)
        self.model = nn.ModuleDict({"features": nn.Sequential(layers), "cls": nn.Linear(features, classes)})


class MAMLMetaLearner(nn.Module):
    """What old files hold under "meta_learner": the network and how it adapts."""

    def __init__(self, base_model: nn.Module, inner_lr: float) -> None:
        super().__init__()
        self.base_model, self.inner_lr = base_model, inner_lr


def renamed(weights: dict[str, Tensor]) -> OrderedDict[str, Tensor]:
    """Return weights under the published names instead of this package's ``body.*`` and ``head.*``."""
    return OrderedDict((k.replace("body.", "model.", 1).replace("head.", "model.cls.", 1), v) for k, v in weights.items())


def contents(layout: str, maml: bool, trained: Trained, options: dict[str, Any]) -> Any:
    """Return what the published program of ``layout`` hands to ``torch.save``."""
    state, arch = renamed(trained.weights), trained.arch
    head = state["model.cls.weight"]
    args = argparse.Namespace(**options, model_option=OPTION, image_size=arch.size, log_root=Path("logs"))
    steps = int(trained.cost["steps"])
    network = Learner(arch.filters, arch.channels, *head.shape)
    network.load_state_dict(state)
    match layout:
        case "uutils":
            said = {"training_mode": "iterations", "it": steps, "epoch_num": -1, "args_dict": vars(args), "model_state_dict": state}
            said |= {"model_str": str(network), "model_hps": {"image_size": arch.size}, "model_option": OPTION}
            return {**said, "agent_type": MAMLMetaLearner} if maml else said
        case "old":
            return {"f_model_state_dict": state, "args": args, "it": steps}
        case "learner":
            return {"meta_learner": MAMLMetaLearner(network, options["inner_lr"]), "args": args, "it": steps}
        case "rfs":
            named = {k.removeprefix("model.").replace("cls.", "classifier."): v for k, v in state.items()}
            return {"opt": args, "model": named, "accuracy": 0.5, "epoch": 1, "optimizer": {"state": {}, "param_groups": []}}
        case "state":
            return state
        case "whole":
            return network
    raise ValueError(f"layout '{layout}' given; expected one of: uutils, old, learner, rfs, state, whole, safetensors")


def write(path: Path, trained: Trained, *, maml: bool, options: dict[str, Any]) -> None:
    """Write a network in the layout that the name of its file tells."""
    layout = path.suffix[1:] if path.suffix == ".safetensors" else path.suffixes[-2][1:]
    if layout == "safetensors":
        save_file(renamed(trained.weights), path)
    else:
        torch.save(contents(layout, maml, trained, options), path)


def data_of(study: Study, name: str) -> Union:
    """Return the training data that a checkpoint names: a [[train]] table of whole sets, or one set."""
    table = next((t for t in study.train if t.name == name), None)
    sources = study.sources()
    parts = [
        {"name": d, "load": sources[d].load, "digest": source_digest(str(sources[d].load))}
        for d in (table.domains if table else [name])
    ]
    body = {"set": name, "parts": parts, "convention": "source-then-classes", "seed": 0, "pixels": study.images.model_dump()}
    return task_source(body, Path())


def main(file: str = "studies/checkpoints.toml", out: str | None = None) -> None:
    """Train every checkpoint of a study that is not there yet."""
    torch.set_num_threads(1)
    study = read_study(file)
    folder = Path(out or study.data_root)
    folder.mkdir(parents=True, exist_ok=True)
    for i, c in enumerate(study.checkpoint or ()):
        path = folder / c.file
        if path.exists():
            continue
        source = data_of(study, c.data)
        arch = Architecture("conv", FILTERS, study.images.channels, study.images.size)
        if c.learner == "MAML":
            trained = meta_train(source, arch, MAML, seed=i)
            options: dict[str, Any] = {
                "data_option": c.data,
                "lr": MAML.lr,
                "inner_lr": MAML.inner_lr,
                "agent_opt": "MAMLMetaLearner_default",
            }
        else:
            trained = pretrain(pooled(source), arch, PT, seed=i)
            options = {"data_option": c.data, "lr": PT.lr, "batch_size": PT.batch}
        write(path, trained, maml=c.learner == "MAML", options=options)
        print(f"{path}: {c.learner} on {c.data}, last accuracy in training {trained.history[-1]['accuracy']:.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
