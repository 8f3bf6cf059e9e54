"""Precision of pre-training: bf16 is another run with nearly the same result, float32 the very run it was before there was a choice."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from breadth.data.episode import episodes
from breadth.data.images import prepare, to_float
from breadth.data.union import single
from breadth.errors import CheckpointError, SpecError
from breadth.learn import checkpoint
from breadth.learn.adam import Adam
from breadth.learn.augment import augmented
from breadth.learn.evaluate import evaluate_pretrained
from breadth.learn.pretrain import PretrainSettings, batches, pretrain
from breadth.learn.schedule import learning_rate
from breadth.learn.trained import body_of
from breadth.nets.build import Architecture, build
from breadth.nets.head import classifier
from breadth.seeds import generator, integer

SIZE = 16
ARCH = Architecture(filters=16, channels=1, size=SIZE)


def written_out(data, settings, seed):
    """The weights after pre-training in float32, step by step, without any context or cast."""
    steps = -(-settings.images // settings.batch)
    net = classifier(build(ARCH, integer(seed, "body")), data.n_classes, integer(seed, "head"))
    net.to(memory_format=torch.channels_last)
    net.train()
    params = dict(net.named_parameters())
    optimizer = Adam(settings.weight_decay, decoupled=True)
    moments, rows = optimizer.start(params), batches(data.n_items, settings.batch, integer(seed, "train"))
    for t in range(steps):
        images = augmented(data.inputs[rows(t)], settings.augmentation, generator(seed, "augment", t))
        net.zero_grad()
        x = torch.from_numpy(to_float(images)).to(memory_format=torch.channels_last)
        F.cross_entropy(net(x), torch.from_numpy(data.labels[rows(t)])).backward()
        optimizer.step(params, moments, t, learning_rate(settings.schedule, settings.lr, t, steps=steps))
    return net.state_dict()


def test_float32_is_bitwise_the_plain_loop(digits):
    train = prepare(digits[0], size=SIZE, channels=1)
    settings = PretrainSettings(images=640, batch=64)
    expected, got = written_out(train, settings, 3), pretrain(train, ARCH, settings, seed=3).weights
    assert all(torch.equal(got[k], v) for k, v in expected.items())


def test_bf16_learns_as_well(digits):
    both = prepare(digits[0], size=SIZE, channels=1)
    train, test = (both.select(np.arange(i, both.n_items, 2)) for i in range(2))
    suite, found = episodes(single(test), count=100), {}
    for precision in ("float32", "bf16"):
        trained = pretrain(train, ARCH, PretrainSettings(images=6400, batch=64, precision=precision), seed=0)
        assert {v.dtype for v in trained.weights.values()} == {torch.float32, torch.int64}
        scores = evaluate_pretrained(body_of(trained), suite, heads=("logistic",), batch_norm=("running",))
        found[precision] = scores["logistic/running"].accuracy.mean(), trained.weights["body.features.conv1.weight"]
    assert found["float32"][0] > 0.9
    assert found["bf16"][0] == pytest.approx(found["float32"][0], abs=0.03)
    assert not np.array_equal(found["bf16"][1], found["float32"][1])


def test_only_bf16_is_written_into_the_identity_of_a_run(digits, tmp_path):
    train = prepare(digits[0], size=SIZE, channels=1)
    settings = {p: PretrainSettings(images=128, batch=64, precision=p) for p in ("float32", "bf16")}
    for precision, each in settings.items():
        pretrain(train, ARCH, each, seed=0, folder=tmp_path / precision)
    told = {p: checkpoint.load(tmp_path / p)[1]["identity"]["settings"] for p in settings}
    assert set(told["bf16"]) - set(told["float32"]) == {"precision"}
    assert told["bf16"]["precision"] == "bf16"
    with pytest.raises(CheckpointError) as e:
        pretrain(train, ARCH, settings["bf16"], seed=0, folder=tmp_path / "float32")
    assert str(e.value) == (
        f"checkpoint '{tmp_path / 'float32'}' belongs to another run: its settings is {told['float32']}, this run's is "
        f"{told['bf16']}; give another folder or delete this one"
    )


def test_an_unknown_precision_is_refused():
    with pytest.raises(SpecError) as e:
        PretrainSettings(precision="bf32")
    assert str(e.value) == "unknown precision 'bf32'; expected one of: bf16, float32; did you mean 'float32'?"


@pytest.mark.parametrize(("kind", "size"), [("conv-stride", 8), ("resnet18", 16), ("resnet34", 16)])
def test_bf16_is_refused_where_its_gradients_are_wrong(digits, kind, size):
    arch, settings = Architecture(kind, filters=8, channels=1, size=size), PretrainSettings(images=32, batch=32, precision="bf16")
    with pytest.raises(SpecError) as e:
        pretrain(prepare(digits[0], size=size, channels=1), arch, settings, seed=0)
    assert str(e.value) == (
        f"bf16 on a CPU has wrong gradients for the network '{kind}' at size {size}; use size {size + 1} or more, "
        "or precision 'float32'"
    )
    one_pixel = []
    for at in (size, size + 1):
        body, seen = build(replace(arch, size=at), 0), []
        for layer in body.modules():
            if isinstance(layer, torch.nn.Conv2d) and layer.stride == (2, 2) and layer.kernel_size == (3, 3):
                layer.register_forward_pre_hook(lambda _, given, seen=seen: seen.append(given[0].shape[-1]))
        body(torch.zeros((2, 1, at, at)))
        one_pixel.append(1 in seen)
    assert one_pixel == [True, False]
