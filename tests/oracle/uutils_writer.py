"""Checkpoints written by the savers of the PyPI package ultimate-utils themselves, in a process of its own.

    python tests/oracle/uutils_writer.py FOLDER

The package imports some thirty others that saving never uses; those that are not installed are replaced by objects that swallow
everything (``MagicMock``). Model classes and savers are the package's own. Beside each checkpoint lies ``features.expected``: a fixed input
and what the package's own forward makes of it, in eval mode.
"""

import importlib.abc
import importlib.machinery
import sys
import types
from argparse import Namespace
from pathlib import Path
from unittest.mock import MagicMock

import torch
from torch import nn


class _Swallows(types.ModuleType):
    __path__ = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return MagicMock(name=name)


class _StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Asked last: whatever a file of uutils imports and nobody else could find. Imports inside of other packages fail as ever."""

    def find_spec(self, name, path=None, target=None):
        frame = sys._getframe(1)
        while "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        if name.split(".")[0] in ("uutils", "torch") or "uutils" not in Path(frame.f_code.co_filename).parts:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return _Swallows(spec.name)

    def exec_module(self, module):
        pass


def trained(model, seed):
    """The model with weights and running statistics unlike any start, drawn from ``seed``."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if name.endswith("num_batches_tracked"):
                value.fill_(7)
            elif name.endswith("running_var"):
                value.uniform_(0.5, 1.5, generator=generator)
            else:  # as large as keeps the signal alive through twelve layers
                value.normal_(0.0, (2 / value[0].numel()) ** 0.5 if value.ndim == 4 else 0.3, generator=generator)
    return model.eval()


def _models():
    from uutils.torch_uu.models.learner_from_opt_as_few_shot_paper import get_default_learner_and_hps_dict
    from uutils.torch_uu.models.resnet_rfs import get_resnet_rfs_model_cifarfs_fc100

    return {
        "5cnn-pt": ("5CNN_opt_as_model_for_few_shot_sl", get_default_learner_and_hps_dict(n_classes=64, filter_size=8)),
        "5cnn-maml": ("5CNN_opt_as_model_for_few_shot", get_default_learner_and_hps_dict(n_classes=5, filter_size=32)),
        "resnet12-pt": (
            "resnet12_rfs_cifarfs_fc100",
            get_resnet_rfs_model_cifarfs_fc100("resnet12_rfs_cifarfs_fc100", num_classes=64),
        ),
    }


def features(model, x):
    if hasattr(model, "get_embedding"):
        return model.get_embedding(x)
    return model.model.features(x).flatten(1)


def _forward(model, path):
    x = torch.randn((3, 3, 84, 84), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.save({"x": x, "features": features(model, x), "logits": model(x)}, path)


def _args(folder, option, model, hps):
    args = Namespace(rank=-1, log_root=folder, training_mode="iterations", it=1234, epoch_num=-1)
    args.model, args.model_option, args.model_hps = model, option, hps
    args.opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    args.opt_option, args.opt_hps, args.scheduler = "Adam_rfs_cifarfs", {"lr": 1e-3}, None
    args.scheduler_option, args.scheduler_hps = "None", None
    args.data_option, args.data_path, args.criterion = "hdb4_micod", Path("/data/l2l_data"), nn.CrossEntropyLoss()
    return args


def main(root):
    sys.meta_path.append(_StandIns())
    import uutils
    from uutils.torch_uu.checkpointing_uu.meta_learning import save_for_meta_learning
    from uutils.torch_uu.checkpointing_uu.supervised_learning import save_for_supervised_learning
    from uutils.torch_uu.meta_learners.maml_meta_learner import MAMLMetaLearner

    for kind, (option, (model, hps)) in _models().items():
        folder = root / kind
        folder.mkdir()
        args = _args(folder, option, trained(model, 1), hps)
        if kind.endswith("maml"):
            args.inner_lr, args.nb_inner_train_steps, args.fo = 0.1, 5, False
            args.agent, args.agent_opt = MAMLMetaLearner(args, model), "MAMLMetaLearner"
            save_for_meta_learning(args)
            # As the package's save_checkpoint_simple does, whose path is broken: settings and the meta-learner as an object.
            old = root / "5cnn-maml-old"
            old.mkdir()
            args.agent.args = uutils.make_args_pickable(args)
            torch.save({"args": args.agent.args, "meta_learner": args.agent}, old / "ckpt_file.pt")
            _forward(model, old / "features.expected")
        else:
            save_for_supervised_learning(args)
        _forward(model, folder / "features.expected")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
