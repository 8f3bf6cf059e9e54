"""Checkpoints from elsewhere: every layout becomes a body with the features of the original, or one line that says why not."""

import argparse
import pathlib
from collections import OrderedDict

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from breadth.errors import CheckpointError
from breadth.learn import checkpoint
from breadth.learn.foreign.describe import alike, describe, find_checkpoints
from breadth.learn.foreign.json_values import plain, settings_of
from breadth.learn.foreign.rebuild import body_from, classifier_from, read_foreign
from breadth.learn.pretrain import PretrainSettings, pretrain
from breadth.learn.trained import body_of
from breadth.nets.build import Architecture, build
from breadth.nets.head import classifier
from breadth.nets.pickled import Name, Stub
from oracle import published

SIZE = {"conv": 84, "conv-stride": 32, "resnet12": 84, "resnet18": 64, "resnet34": 64}


def random_body(kind, *, filters=4, seed=1):
    """A body with weights and running statistics unlike any start, and its architecture."""
    arch = Architecture(kind, filters if kind.startswith("conv") else 32, 3, SIZE[kind])
    body, generator = build(arch, 0), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in body.state_dict().items():
            if name.endswith(("running_var", "norm1.weight", "bn1.weight", "bn2.weight")):
                value.uniform_(0.5, 1.5, generator=generator)
            elif value.is_floating_point():  # as large as keeps the signal alive through twelve layers
                value.normal_(0.0, (2 / value[0].numel()) ** 0.5 if value.ndim == 4 else 0.3, generator=generator)
    return arch, body.eval()


def images(arch):
    return torch.randn((2, 3, arch.size, arch.size), generator=torch.Generator().manual_seed(0))


def with_head(body, name, classes=5, prefix=""):
    """State dict of a body with a head: names as a program that keeps the head under ``name`` would write them."""
    head = torch.randn((classes, body.feature_dim), generator=torch.Generator().manual_seed(2))
    state = {f"{prefix}{k}": v for k, v in body.state_dict().items()}
    return OrderedDict({**state, f"{name}.weight": head, f"{name}.bias": torch.zeros(classes)})


def same_features(found, body, arch):
    with torch.no_grad():
        return torch.equal(body_from(found)(images(arch)), body(images(arch)))


def saved(tmp_path, value, name="ckpt.pt", **options):
    torch.save(value, tmp_path / name, **options)
    return tmp_path / name


def refused(call, *arguments):
    with pytest.raises(CheckpointError) as e:
        call(*arguments)
    assert "\n" not in str(e.value)
    return str(e.value)


# the published forward passes, from their description


@pytest.mark.parametrize("kind, forward", [("conv", published.features_5cnn), ("resnet12", published.features_resnet12)])
def test_published_networks_give_the_features_of_their_description(tmp_path, kind, forward):
    arch, body = random_body(kind)
    state = with_head(body, "model.cls", prefix="model.") if kind == "conv" else with_head(body, "cls")
    option = "5CNN_opt_as_model_for_few_shot_sl" if kind == "conv" else "resnet12_rfs_mi"
    path = saved(tmp_path, {"model_state_dict": state, "model_option": option, "model_hps": {"image_size": 84}})
    with torch.no_grad():
        ours = body_from(read_foreign(path))(images(arch))
    torch.testing.assert_close(ours, forward(state, images(arch)), rtol=1e-4, atol=1e-5)
    name = next(k for k in state if k.endswith("running_var"))
    wrong = {**state, name: state[name] + 0.1}
    assert not torch.allclose(ours, forward(wrong, images(arch)), rtol=1e-4, atol=1e-5)


# layouts


def layouts(kind, state):
    """Files that hold ``state`` (re-created from the published savers' keys, where the savers themselves are not at hand)."""
    option = {"conv": "5CNN_opt_as_model_for_few_shot", "resnet12": "resnet12_rfs"}[kind]
    args = argparse.Namespace(
        model_option=option, image_size=84, data_path=pathlib.Path("/data/mi"), opt=nn.CrossEntropyLoss(), it=np.int64(3)
    )
    names = {"model_option": option, "model_hps": {"image_size": 84}}
    return {
        "uutils": {
            "training_mode": "epochs",
            "it": -1,
            "epoch_num": 7,
            "args_dict": vars(args),
            "model_state_dict": state,
            **names,
        },
        "uutils-old": {"f_model_state_dict": state, "args": args, "epoch_num": 7},
        "rfs": {
            "opt": argparse.Namespace(dataset="miniImageNet", model=option, model_option=option, image_size=84),
            "model": state,
            "accuracy": 0.5,
            "epoch": 7,
            "optimizer": {"state": {0: {"m": torch.ones(2)}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
        },
        "wrapped": {"state_dict": state, "args": args, "epoch": 7},
    }


@pytest.mark.parametrize("form", [{}, {"_use_new_zipfile_serialization": False}])
@pytest.mark.parametrize("layout", ["uutils", "uutils-old", "rfs", "wrapped"])
@pytest.mark.parametrize("kind", ["conv", "resnet12"])
def test_a_layout_round_trips(tmp_path, kind, layout, form):
    arch, body = random_body(kind)
    prefix = {"conv": {"uutils": "model.", "uutils-old": "module.model.", "rfs": "", "wrapped": "net.base_model."}}.get(kind, {})
    state = with_head(body, "classifier" if layout == "rfs" else f"{prefix.get(layout, '')}cls", 9, prefix.get(layout, ""))
    found = read_foreign(saved(tmp_path, layouts(kind, state)[layout], **form))
    assert (found.layout, found.architecture, found.head_width, found.epoch) == (layout, arch, 9, 7)
    assert same_features(found, body, arch)
    assert set(found.state) == set(state)
    if layout == "rfs":
        assert (found.mode, found.options["dataset"]) == ("PT", "miniImageNet")


@pytest.mark.parametrize("kind", ["resnet12", "resnet18", "resnet34"])
@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
def test_a_plain_state_dict_of_a_residual_network(tmp_path, kind, name):
    arch, body = random_body(kind)
    state = with_head(body, "fc", 1000)
    path = tmp_path / name
    (save_file if name.endswith("safetensors") else torch.save)(dict(state), path)
    found = read_foreign(path)
    assert (found.layout, found.mode, found.architecture.kind, found.head_width) == ("state-dict", "unknown", kind, 1000)
    assert same_features(found, body, arch)
    with torch.no_grad():
        logits = classifier_from(found)(images(arch))
        torch.testing.assert_close(logits, body(images(arch)) @ state["fc.weight"].T)


class Learner(nn.Module):
    """A network as the published code builds it: features and head in a ModuleDict called ``model``."""

    def __init__(self, body):
        super().__init__()
        self.model = nn.ModuleDict({"features": body.features, "cls": nn.Linear(body.feature_dim, 5)})


@pytest.mark.parametrize("kind", ["conv", "conv-stride"])
@pytest.mark.parametrize("form", [{}, {"_use_new_zipfile_serialization": False}])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_network_pickled_whole(tmp_path, kind, form, wrapped):
    arch, body = random_body(kind)
    net = Learner(body)
    found = read_foreign(saved(tmp_path, {"mdl": net, "epoch_num": 3} if wrapped else net, **form))
    assert (found.layout, found.architecture.kind, found.prefix) == ("module", kind, "model.")
    assert found.state.keys() == net.state_dict().keys()
    found = read_foreign(tmp_path / "ckpt.pt", architecture=arch)
    assert same_features(found, body, arch)


def test_a_module_that_holds_itself(tmp_path):
    net = Learner(random_body("conv")[1])
    object.__getattribute__(net, "_modules")["again"] = net
    assert refused(read_foreign, saved(tmp_path, net)) == (
        f"{tmp_path}/ckpt.pt: modules that hold each other, or far too many of them; give a file of trained weights"
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory, digits):
    folder = tmp_path_factory.mktemp("own") / "run"
    arch = Architecture("conv-stride", 4, 1, 8)
    return folder, pretrain(digits[0], arch, PretrainSettings(images=128, batch=32), seed=0, folder=folder)


def test_a_checkpoint_of_this_package(trained):
    folder, result = trained
    for path in (folder, next(folder.glob("weights-*"))):
        found = read_foreign(path)
        assert (found.layout, found.mode, found.iteration, found.architecture) == ("breadth", "PT", 4, result.arch)
        assert found.evidence == "written beside the weights"
        ours, theirs = body_from(found).state_dict(), body_of(result).state_dict()
        assert all(torch.equal(ours[k], v) for k, v in theirs.items())
        assert torch.equal(classifier_from(found).head.weight, result.weights["head.weight"])


def test_an_unfinished_checkpoint_of_this_package_says_so(tmp_path):
    arch = Architecture("conv-stride", 4, 1, 8)
    net = classifier(build(arch, 0), 5, 0)
    tensors = {**{f"net.{k}": v for k, v in net.state_dict().items()}, "adam.head.weight": torch.ones(2)}
    identity = {"learner": "maml", "arch": {"kind": "conv-stride", "filters": 4, "channels": 1, "size": 8}}
    checkpoint.save(tmp_path, tensors, {"finished": False, "identity": identity, "step": 12})
    found = read_foreign(tmp_path)
    assert (found.mode, found.iteration, found.notes[0]) == ("MAML", 12, "its training is unfinished")
    assert torch.equal(body_from(found).state_dict()["features.conv1.weight"], net.body.state_dict()["features.conv1.weight"])


# prefixes and heads


def test_two_names_of_one_head_are_one_head_and_two_heads_are_none(tmp_path):
    arch, body = random_body("resnet12")
    state = with_head(body, "cls")
    twice = {**state, "classifier.weight": state["cls.weight"].clone(), "classifier.bias": state["cls.bias"]}
    assert read_foreign(saved(tmp_path, twice)).head_width == 5
    other = {**state, "classifier.weight": torch.ones(64, 640)}
    found = read_foreign(saved(tmp_path, other))
    assert found.head_width is None
    assert found.notes == ("heads that differ: 'cls' [5, 640], 'classifier' [64, 640]; the body is used without any",)
    assert same_features(found, body, arch)
    assert refused(classifier_from, found) == (
        f"{tmp_path}/ckpt.pt: 2 heads, 1 of them with a bias; expected one with a bias: use the body alone"
    )


def test_a_network_under_two_names_is_one_if_equal_and_refused_if_not(tmp_path):
    arch, body = random_body("resnet12")
    state = {**with_head(body, "a.cls", prefix="a."), **{f"bb.{k}": v for k, v in body.state_dict().items()}}
    found = read_foreign(saved(tmp_path, {"state_dict": state}))
    assert same_features(found, body, arch)
    assert found.notes[1] == "96 tensors under 'bb.' equal those under 'a.'"
    state["bb.layer1.0.conv1.weight"] = state["bb.layer1.0.conv1.weight"] + 1
    found = read_foreign(saved(tmp_path, {"state_dict": state}))
    assert refused(body_from, found) == (
        f"{tmp_path}/ckpt.pt: its network is not known: two networks, under 'a.' and 'bb.'; save the one that is meant; "
        "give kind, filters and size in its [[checkpoint]] table, where it is a network that breadth builds"
    )


# strictness


def altered(tmp_path, change, kind="resnet12"):
    state = dict(with_head(random_body(kind)[1], "cls"))
    change(state)
    return refused(body_from, read_foreign(saved(tmp_path, state))).removeprefix(f"{tmp_path}/ckpt.pt: ")


@pytest.mark.parametrize(
    "change, message",
    [
        (
            lambda s: s.pop("layer2.0.bn1.weight"),
            "weights lack 1 of the body's 96 tensors, first 'layer2.0.bn1.weight'; give weights of the same architecture",
        ),
        (
            lambda s: s.update({"layer2.0.extra": torch.ones(1)}),
            "weights hold 1 tensors that the body does not know, first 'layer2.0.extra'; give weights of the same architecture",
        ),
        (
            lambda s: s.update({"layer2.0.bn1.weight": torch.ones(3)}),
            "weights 'layer2.0.bn1.weight' have shape [3]; the body expects [160]",
        ),
        (
            lambda s: s.update({"cls.weight": torch.ones(5, 16000)}),
            "head 'cls' takes 16000 features, the body resnet12 at size 84 gives 640; give the architecture or the image size that it "
            "was trained with",
        ),
        (
            lambda s: s.update({"layer3.1.conv1.weight": torch.ones(1)}),
            "its network is not known: layer1-4 of 1, 1, 2, 1 blocks of three 3x3 convolutions (RFS); only 1, 1, 1, 1 without "
            "squeeze-and-excitation is built here; "
            "give kind, filters and size in its [[checkpoint]] table, where it is a network that breadth builds",
        ),
        (
            lambda s: s.update({"layer1.0.se.fc.0.weight": torch.ones(1)}),
            "its network is not known: layer1-4 of 1, 1, 1, 1 blocks of three 3x3 convolutions with squeeze-and-excitation (RFS); only "
            "1, 1, 1, 1 without squeeze-and-excitation is built here; "
            "give kind, filters and size in its [[checkpoint]] table, where it is a network that breadth builds",
        ),
    ],
)
def test_the_body_is_strict(tmp_path, change, message):
    assert altered(tmp_path, change) == message


def test_counters_may_be_missing(tmp_path):
    arch, body = random_body("resnet12")
    state = {k: v for k, v in with_head(body, "cls").items() if not k.endswith("num_batches_tracked")}
    assert same_features(read_foreign(saved(tmp_path, state)), body, arch)


@pytest.mark.parametrize(
    "state, evidence",
    [
        ({"features.conv1.weight": torch.tensor(1.0)}, "'features.conv1.weight' has shape [], which is no layer's"),
        ({"features.conv1.weight": torch.ones(0, 3, 3, 3)}, "'features.conv1.weight' has shape [0, 3, 3, 3], which is no layer's"),
        (
            {"features.conv1.weight": torch.ones(9, 3, 5, 5)},
            "'features.conv1.weight' has shape [9, 3, 5, 5]; expected [9, 3, 3, 3]",
        ),
        ({"features.conv1.weight": torch.ones(9, 3, 3, 3)}, "'features.conv2.weight' is missing"),
        (
            {"features.conv1.weight": torch.ones(9**5, 1, 3, 3), "features.conv2.weight": torch.ones(9, 9, 3, 3)},
            "'features.conv2.weight' has shape [9, 9, 3, 3]; expected [59049, 59049, 3, 3]",
        ),
        ({"features.linear1.weight": torch.ones(9**5, 1)}, "'features.linear2.weight' is missing"),
        (
            {
                **{f"layer{i}.{j}.conv1.weight": torch.ones(1, 1) for i in range(1, 5) for j in range(2)},
                "conv1.weight": torch.ones(64, 3, 3, 3),
            },
            "'conv1.weight' has shape [64, 3, 3, 3]; expected [64, 3, 7, 7]",
        ),
        (
            {
                **{f"layer{i}.0.conv1.weight": torch.ones(64, 9**5) for i in range(1, 5)},
                "layer1.0.conv3.weight": torch.ones(1, 1, 3, 3),
            },
            "'layer1.0.conv1.weight' has shape [64, 59049]; expected [64, 3, 3, 3]",
        ),
    ],
)
def test_no_network_is_built_that_is_larger_than_the_file(tmp_path, state, evidence):
    found = read_foreign(saved(tmp_path, {"model_state_dict": state, "model_option": "5CNN", "model_hps": {"image_size": 84}}))
    assert found.architecture is None
    assert found.evidence == evidence


def test_image_sizes_that_no_data_has_are_not_believed(tmp_path):
    _, _, found = conv_file(tmp_path, model_option="5CNN", model_hps={"image_size": 5000})
    assert found.architecture.size == 84
    assert "the head takes 4 x 5 x 5 features" in found.evidence


def test_names_that_would_break_a_line_are_refused(tmp_path):
    for name in ("a\nbreadth: fine", "\x1b[2J", "x" * 301):
        assert refused(read_foreign, saved(tmp_path, {name: torch.ones(1)})) == (
            f"{tmp_path}/ckpt.pt: its tensors have names that are no names of layers; give a file of trained weights"
        )


def test_modules_that_share_a_great_many_fields_are_refused(tmp_path):
    many, net = {f"w{i}": nn.Parameter(torch.ones(1)) for i in range(500)}, nn.Sequential(*(nn.Identity() for _ in range(300)))
    for module in net:
        object.__setattr__(module, "_parameters", many)
    assert refused(read_foreign, saved(tmp_path, net)) == (
        f"{tmp_path}/ckpt.pt: modules that hold each other, or far too many of them; give a file of trained weights"
    )


@pytest.mark.parametrize("form", [{}, {"_use_new_zipfile_serialization": False}])
def test_changed_files_are_read_or_refused_and_nothing_else(tmp_path, form):
    _, body = random_body("conv")
    state = with_head(body, "model.cls", prefix="model.")
    path = saved(tmp_path, layouts("conv", state)["uutils-old"], **form)
    content, rng, outcomes = path.read_bytes(), np.random.default_rng(0), []
    pickled = content.find(b"f_model_state_dict") - 20
    for _ in range(150):
        changed = bytearray(content)
        for place in rng.integers(pickled, pickled + 3000, 2):
            changed[place] = rng.integers(256)
        path.write_bytes(changed)
        try:
            describe(read_foreign(path))
            outcomes.append("read")
        except CheckpointError as error:
            outcomes.append("refused" if "\n" not in str(error) else str(error))
    assert set(outcomes) <= {"read", "refused"}
    assert "refused" in outcomes


# what the file does not say


def conv_file(tmp_path, kind="conv", **facts):
    arch, body = random_body(kind)
    state = with_head(body, "model.cls", prefix="model.")
    return arch, body, read_foreign(saved(tmp_path, {"model_state_dict": state, **facts}))


PRINTED = "Learner(\n  (norm1): BatchNorm2d(4, eps={eps}, momentum=0.95, affine=True)\n  (pool1): {pool}\n)"
FEATURES = "features.conv1 has 4 filters on 3 channels"


@pytest.mark.parametrize(
    "facts, kind, evidence",
    [
        ({}, None, f"{FEATURES}; conv (pooled) and conv-stride have the same tensors, and the file does not say which it is"),
        (
            {"model_option": "5CNN_opt_as_model_for_few_shot"},
            "conv",
            f"model_option is 5CNN_opt_as_model_for_few_shot; {FEATURES}; eps of batch norm not in the file, 0.001 taken; the head takes "
            "4 x 5 x 5 features: size 84 taken, of those that give as many",
        ),
        (
            {"model_str": PRINTED.format(eps="0.001", pool="MaxPool2d(kernel_size=2)"), "model_hps": {"image_size": 84}},
            "conv",
            f"its layers hold MaxPool2d; {FEATURES}; image_size 84 in its settings",
        ),
        (
            {"model_hps": {"image_size": 84, "bn_eps": 1e-3}},
            "conv",
            f"its head takes what conv gives at image_size 84; {FEATURES}; image_size 84 in its settings",
        ),
        (
            {"model_hps": {"image_size": 80, "bn_eps": 1e-3}},
            None,
            f"{FEATURES}; conv (pooled) and conv-stride have the same tensors, and the file does not say which it is",
        ),
        (
            {"model_option": "5CNN", "model_hps": {"image_size": 84, "bn_eps": 1e-5}},
            "conv",
            f"model_option is 5CNN; {FEATURES}; eps of batch norm 1e-05, where this package's has 0.001; image_size 84 in its settings",
        ),
        (
            {"model_str": PRINTED.format(eps="1e-05", pool="MaxPool2d(kernel_size=2)"), "model_hps": {"image_size": 84}},
            "conv",
            f"its layers hold MaxPool2d; {FEATURES}; eps of batch norm 1e-05, where this package's has 0.001; image_size 84 in its settings",
        ),
        (
            {"model_option": "5CNN", "model_hps": {"image_size": 84, "bn_eps": -1e-5}},
            None,
            f"model_option is 5CNN; {FEATURES}; eps of batch norm -1e-05, where this package's has 0.001; "
            "network eps is -1e-05; expected a number between 0 and 1, as in 1e-5",
        ),
        (
            {"model_option": "5CNN", "model_hps": {"image_size": 84, "spp": True}},
            None,
            f"model_option is 5CNN; {FEATURES}; but its settings say spp, another last layer",
        ),
    ],
)
def test_pooling_and_size_are_told_by_evidence_or_not_at_all(tmp_path, facts, kind, evidence):
    _, _, found = conv_file(tmp_path, **facts)
    assert (found.architecture.kind if found.architecture else None, found.evidence) == (kind, evidence)


def test_the_caller_may_say_what_the_file_does_not(tmp_path):
    arch, body, found = conv_file(tmp_path, "conv-stride")
    assert found.architecture is None
    found = read_foreign(found.path, architecture=arch)
    assert found.evidence == "given by the caller"
    assert same_features(found, body, arch)


def test_a_residual_network_without_average_pooling_is_not_this_one(tmp_path):
    state = with_head(random_body("resnet12")[1], "cls")
    found = read_foreign(saved(tmp_path, {"model_state_dict": state, "model_hps": {"avg_pool": False}}))
    assert found.architecture is None
    assert found.evidence.endswith("; but its settings say avg_pool=False, another last layer")


@pytest.mark.parametrize(
    "state, evidence",
    [
        (
            {"base.0.conv.weight": torch.ones(1), "features.1.0.conv.weight": torch.ones(1)},
            "learn2learn's network for Omniglot (base.0.conv), which averages its features over the image",
        ),
        (
            {"vit.embeddings": torch.ones(1)},
            "no tensor has a name that one of this package's networks has (the first is 'vit.embeddings')",
        ),
        (
            {"layer1.0.conv1.weight": torch.ones(4, 4, 1, 1), "layer1.0.conv3.weight": torch.ones(4, 4, 1, 1)},
            "a residual network (layer1-4 of 1, 0, 0, 0 blocks) that is neither RFS's ResNet-12 nor torchvision's ResNet-18 or -34",
        ),
    ],
)
def test_networks_that_are_not_built_here_are_named(tmp_path, state, evidence):
    found = read_foreign(saved(tmp_path, state))
    assert (found.architecture, found.evidence) == (None, evidence)


@pytest.mark.parametrize(
    "value, reason",
    [
        ([1, 2], "it holds a list, not weights"),
        ({"a": 1, "b": [torch.ones(1)]}, "no weights under a name that is known; its keys are 'a', 'b'"),
        ({1: 2}, "no weights under a name that is known; its keys are no texts"),
        (argparse.Namespace(a=1), "it holds a argparse.Namespace, which has no modules"),
        (nn.ReLU(), "it holds a torch.nn.modules.activation.ReLU without a tensor"),
        ({}, "no weights under a name that is known; its keys are no texts"),
    ],
)
def test_what_holds_no_weights(tmp_path, value, reason):
    assert refused(read_foreign, saved(tmp_path, value)) == f"{tmp_path}/ckpt.pt: {reason}; give a file of trained weights"


def test_tensors_that_are_not_finite_are_noted(tmp_path):
    state = with_head(random_body("resnet12")[1], "cls")
    state["layer1.0.bn1.bias"][0] = float("nan")
    found = read_foreign(saved(tmp_path, state))
    assert found.notes == ("1 tensors hold nan or infinity",)
    assert alike([describe(found), describe(found)])["output"] == []


# settings


def test_settings_become_plain_values(tmp_path):
    deep = []
    deep.append(deep)
    args = argparse.Namespace(
        lr=np.float32(0.5), n=np.int64(3), array=np.arange(3), big=np.zeros((2, 2)), path=pathlib.Path("/a/b"), device=torch.device("cpu"),
        dtype=torch.float32, long="x" * 1000, many=list(range(1000)), deep=deep, tensor=torch.ones(2), nan=float("nan"), huge=2**80,
        loss=nn.MSELoss(), kind=argparse.Namespace, flag=True, none=None, names={"a", "b"},
    )  # fmt: skip
    path = saved(tmp_path, {"state_dict": {"w": torch.ones(1)}, "args": args})
    options = read_foreign(path).options
    assert {k: options[k] for k in ("lr", "n", "array", "big", "path", "device", "dtype", "nan", "huge", "flag", "none")} == {
        "lr": 0.5,
        "n": 3,
        "array": [0, 1, 2],
        "big": [[0.0, 0.0], [0.0, 0.0]],
        "path": "/a/b",
        "device": "cpu",
        "dtype": "torch.float32",
        "nan": "nan",
        "huge": "<a huge number>",
        "flag": True,
        "none": None,
    }
    assert (len(options["long"]), len(options["many"])) == (303, 201)
    assert options["deep"] == [[[["..."]]]]
    assert (options["tensor"], options["loss"]) == ("<tensor [2]>", "<torch.nn.modules.loss.MSELoss>")
    assert sorted(options["names"]) == ["a", "b"]


def test_settings_that_grow_when_written_out_are_cut():
    laughs = ["ha"] * 100
    for _ in range(10):
        laughs = [laughs] * 100
    assert len(str(plain(laughs))) < 100_000
    assert len(str(settings_of({str(i): laughs for i in range(100)}))) < 200_000


@pytest.mark.parametrize("kind", ["O8", "V8", "S8", "U2", "f3", "", None, 3])
def test_numpy_objects_of_other_types_are_not_rebuilt(kind):
    number = Stub(Name("numpy.core.multiarray", "scalar"), (Stub(Name("numpy", "dtype"), (kind,)), b"\0" * 8))
    assert plain(number) == "<numpy.core.multiarray.scalar>"


def test_a_tensor_of_one_number_may_say_any_stride(tmp_path):
    _, body = random_body("conv")
    state = {**with_head(body, "cls"), "scale": torch.arange(5.0).reshape(1, 5)[:, 2]}
    assert state["scale"].stride() == (5,)
    plainly = {**state, "scale": state["scale"].clone(memory_format=torch.contiguous_format).reshape(1)}
    assert (
        read_foreign(saved(tmp_path, state, "a.pt")).tensors_sha256 == read_foreign(saved(tmp_path, plainly, "b.pt")).tensors_sha256
    )


# duplicates and folders


def test_duplicates_by_content_and_by_output(tmp_path):
    _, body = random_body("resnet12")
    state = with_head(body, "cls")
    saved(tmp_path, {"model": state, "opt": {}, "epoch": 1}, "a.pt")
    saved(tmp_path, {"state_dict": {f"module.{k}": v for k, v in with_head(body, "cls", 64).items()}}, "b.pth")
    (tmp_path / "deep").mkdir()
    halved = {**state, "layer1.0.bn1.bias": state["layer1.0.bn1.bias"] * (1 + 1e-7)}
    saved(tmp_path / "deep", halved, "c.ckpt")
    saved(tmp_path / "deep", with_head(random_body("resnet12", seed=3)[1], "cls"), "d.bin")
    (tmp_path / "notes.txt").write_text("no checkpoint")
    paths = find_checkpoints([tmp_path])
    assert paths == [tmp_path / "a.pt", tmp_path / "b.pth", tmp_path / "deep" / "c.ckpt", tmp_path / "deep" / "d.bin"]
    a, b, c, _ = map(str, paths)
    assert alike([describe(read_foreign(p)) for p in paths]) == {"content": [[a, b]], "output": [[a, b, c]]}


def test_a_folder_of_this_package_is_one_checkpoint(trained, tmp_path):
    folder, _ = trained
    assert find_checkpoints([folder.parent]) == [folder]
    assert refused(find_checkpoints, [tmp_path]) == (
        f"{tmp_path}: no checkpoint in this folder; expected files that end in .pt, .pth, .ckpt, .bin, .tar, .safetensors"
    )


def test_a_file_above_the_limit_is_refused(tmp_path):
    save_file({"w": torch.ones(1000)}, tmp_path / "w.safetensors")
    size = (tmp_path / "w.safetensors").stat().st_size
    with pytest.raises(CheckpointError) as e:
        read_foreign(tmp_path / "w.safetensors", largest=100)
    assert str(e.value) == f"{tmp_path}/w.safetensors: {size:,} bytes, more than the limit of 100; raise the limit"
