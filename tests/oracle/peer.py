"""The original: Task2Vec of the PyPI package ultimate-utils, imported as installed, without the thirty packages around it.

Its ``__init__`` files import much that these modules never use; empty stand-ins for the packages let the modules themselves load.
Progress bars and prints are silenced. Nothing else is changed.
"""

import contextlib
import importlib
import importlib.util
import io
import sys
import types
from functools import cache
from pathlib import Path

import torch
from torch import nn

PACKAGE = "uutils.torch_uu.metrics.diversity.task2vec_based_metrics"
MISSING = "the package ultimate-utils is not installed; run: pip install --no-deps ultimate-utils"


def installed():
    return importlib.util.find_spec("uutils") is not None


def _stand_in(name, **attributes):
    module = types.ModuleType(name)
    vars(module).update(attributes)
    return module


@cache
def load():
    """Return the modules (task2vec, task_similarity) of the installed package."""
    root = Path(importlib.util.find_spec("uutils").origin).parent
    stand_ins = {"tqdm": _stand_in("tqdm"), "tqdm.auto": _stand_in("tqdm.auto", tqdm=lambda steps, **_: steps)}
    parts = PACKAGE.split(".")
    for i in range(len(parts)):
        name = ".".join(parts[: i + 1])
        stand_ins[name] = _stand_in(name, __path__=[str(root.joinpath(*parts[1 : i + 1]))])
    before = dict(sys.modules)
    sys.modules.update(stand_ins)
    try:
        return tuple(importlib.import_module(f"{PACKAGE}.{name}") for name in ("task2vec", "task_similarity"))
    finally:
        for name in [n for n in sys.modules if n.split(".")[0] in {"uutils", "tqdm"}]:
            del sys.modules[name]
        sys.modules.update({n: m for n, m in before.items() if n.split(".")[0] == "tqdm"})


def network(body, ways, start):
    """Return the original's probe network around ``body`` with an ``fc`` of start [ways, d + 1], bias last."""
    task2vec, _ = load()

    class Network(task2vec.ProbeNetwork):
        def __init__(self):
            super().__init__()
            self.body = body
            self.fc = nn.Linear(start.shape[1] - 1, ways)
            with torch.no_grad():
                self.fc.weight.copy_(torch.from_numpy(start[:, :-1]))
                self.fc.bias.copy_(torch.from_numpy(start[:, -1]))
            self.layers = [self.body, self.fc]

        @property
        def classifier(self):
            return self.fc

        def forward(self, x, start_from=0):
            for layer in self.layers[start_from:]:
                x = layer(x)
            return x

    return Network().requires_grad_(True)


def embed(net, x, labels, *, seed, prepare=lambda t2v: None, **options):
    """Return what ``Task2Vec(net, **options).embed(dataset)`` returns in the original, with torch's own generator seeded before.

    prepare: called with the Task2Vec before it embeds, e.g. to put its network in evaluation mode.
    """
    task2vec, _ = load()
    t2v = task2vec.Task2Vec(net, **options)
    prepare(t2v)
    with torch.random.fork_rng(devices=[]), contextlib.redirect_stdout(io.StringIO()):
        torch.manual_seed(seed)
        return t2v.embed(torch.utils.data.TensorDataset(x, torch.as_tensor(labels)))
