"""The probe: frozen, identified by its weights, with embeddings of the published lengths."""

import hashlib
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from breadth.data.task import Task
from breadth.errors import CheckpointError, MeasureError
from breadth.measure.fisher import fisher_diagonal
from breadth.measure.probe import line_probe, probe, probe_of
from breadth.measure.task2vec import Task2Vec
from breadth.nets.build import Architecture, build
from breadth.nets.head import classifier
from measure.toys import Words, numbers, settled, some_head, words

SMALL = Architecture("conv-stride", 4, 1, 16)


@pytest.mark.parametrize("kind, dimension", [("resnet18", 9_600), ("resnet34", 17_024)])
def test_embeddings_have_the_published_length(kind, dimension):
    p = probe(Architecture(kind))
    assert p.embedding_dim == dimension
    assert p.feature_dim == 512
    assert p.layers[:2] == (("conv1", 64), ("bn1", 64))


def test_a_probe_is_frozen_and_in_eval_mode():
    p = probe(SMALL)
    assert not p.body.training
    assert not any(w.requires_grad for w in p.body.parameters())
    assert (p.size, p.channels, p.device, p.name) == (16, 1, torch.device("cpu"), "conv-stride (random, seed 0)")


def test_the_fingerprint_follows_architecture_and_weights():
    first = probe(SMALL, 0)
    assert probe(SMALL, 0).fingerprint == first.fingerprint
    assert probe(SMALL, 0, name="other name").fingerprint == first.fingerprint
    assert re.fullmatch("[0-9a-f]{64}", first.fingerprint)
    assert probe(SMALL, 1).fingerprint != first.fingerprint
    weights = build(SMALL, 0).state_dict()
    for key in ("features.conv3.weight", "features.norm2.running_mean"):
        changed = {k: v.clone() for k, v in weights.items()}
        changed[key].view(-1)[0] += 1e-6
        assert probe(SMALL, weights=changed).fingerprint != first.fingerprint
    # The same weights at another image size take other pixels, hence are another probe.
    assert probe(Architecture("conv-stride", 4, 1, 32), weights=weights).fingerprint != first.fingerprint
    counted = {**weights, "features.norm1.num_batches_tracked": torch.tensor(7)}
    assert probe(SMALL, weights=counted).fingerprint == first.fingerprint


def test_weights_of_a_classifier_fit_without_its_head():
    net = classifier(build(SMALL, 3), 7, 0)
    p = probe(SMALL, weights=net.state_dict(), name="trained")
    assert p.fingerprint == probe(SMALL, 3).fingerprint
    assert p.name == "trained"
    with torch.no_grad():
        for w in net.parameters():
            w.zero_()
    x = torch.ones(1, 1, 16, 16)
    assert np.array_equal(p.body(x), probe(SMALL, 3).body(x))


def test_weights_that_do_not_fit():
    with pytest.raises(
        CheckpointError,
        match=r"^weights lack 1 of the body's 28 tensors, first 'features.conv1.bias'; "
        r"give weights of the same architecture$",
    ):
        probe(SMALL, weights={k: v for k, v in build(SMALL, 0).state_dict().items() if k != "features.conv1.bias"})


def test_to_returns_another_probe():
    p = probe(SMALL)
    q = p.to("cpu")
    assert q.fingerprint == p.fingerprint
    assert q.body is not p.body


def test_the_line_probe_has_equally_many_kinks_in_every_decade():
    p = line_probe(0, width=3000)
    w, b = p.body.features.linear1.weight.detach()[:, 0], p.body.features.linear1.bias.detach()
    kinks = (-b / w).numpy()
    assert set(w.tolist()) == {-1.0, 1.0}
    assert np.histogram(np.abs(kinks), [0.1, 1, 10, 100])[0] == pytest.approx([1000] * 3, rel=0.1)
    assert np.mean(kinks > 0) == pytest.approx(0.5, abs=0.05)
    assert line_probe(0).fingerprint == line_probe(0).fingerprint != line_probe(1).fingerprint
    assert (line_probe().embedding_dim, line_probe().size) == (256, 1)


class Net(nn.Module):
    """A classifier as torchvision writes them, with what a probe must not see: a tied output layer, and layers that never run."""

    def __init__(self, classes=7):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 6, 3, stride=2, bias=False), nn.BatchNorm2d(6)
        self.layer1 = nn.ModuleList([nn.Conv2d(6, 8, 3), nn.Conv2d(8, 8, 3)])
        self.auxiliary = nn.ModuleList([nn.LSTM(3, 3), nn.Linear(3, 3)])
        self.fc = nn.Sequential(nn.Dropout(), nn.Linear(8, classes))
        self.after = nn.MultiheadAttention(classes, 1)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        for layer in self.layer1[:1]:
            x = torch.relu(layer(x))
        x = self.fc(x.mean((2, 3)))[None]
        return {"out": self.after(x, x, x)[0]}


def a_net(seed=0, **options):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Net(**options)


def test_a_probe_of_any_module_ends_at_the_input_of_its_head():
    net = a_net()
    p = probe_of(net, "fc", size=16, channels=3)
    assert (p.name, p.feature_dim, p.size, p.channels, p.vocabulary) == ("Net (given module)", 8, 16, 3, True)
    assert p.layers == (("conv1", 6), ("bn1", 6), ("layer1.0", 8))
    assert probe_of(net, size=16, channels=3, name="mine").name == "mine"
    x = numbers(4, 3, 16, 16)
    expected = torch.relu(net.layer1[0](torch.relu(net.eval().bn1(net.conv1(x))))).mean((2, 3))
    assert torch.equal(p.body(x), expected)
    assert not p.body.training
    assert not any(w.requires_grad for w in p.body.parameters())
    q = p.to("cpu")
    assert torch.equal(q.body(x), expected)
    assert (q.fingerprint, q.layers, q.device) == (p.fingerprint, p.layers, torch.device("cpu"))


def test_a_head_may_have_a_dotted_name_and_any_type():
    inner = probe_of(a_net(), "fc.1", size=16, channels=3)
    assert inner.layers == (("conv1", 6), ("bn1", 6), ("layer1.0", 8))
    body = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3), nn.LogSoftmax(1))
    assert probe_of(body, "2", size=5, channels=1).layers == (("0", 4),)
    assert probe_of(body, "3", size=5, channels=1).layers == (("0", 4), ("2", 3))


def test_a_probe_of_a_module_measures_as_that_of_its_architecture():
    body = build(SMALL, 3)
    known, found = probe(SMALL, 3), probe_of(classifier(body, 7, 0), "head", size=16, channels=1)
    assert found.layers == tuple((f"body.{name}", size) for name, size in known.layers)
    head, x = some_head(3, known.feature_dim), numbers(4, 1, 16, 16)
    expected = fisher_diagonal(known.body, head, x)
    for name, value in fisher_diagonal(found.body, head, x).items():
        assert np.array_equal(value, expected[name.removeprefix("body.")])


def state_of(net):
    modules = {
        name: (set(m.__dict__), m.training, len(m._forward_hooks), len(m._forward_pre_hooks)) for name, m in net.named_modules()
    }
    parameters = {name: (id(p), p.requires_grad, p.grad is None, p._version) for name, p in net.named_parameters()}
    return modules, parameters, {key: value.clone() for key, value in net.state_dict().items()}


def test_the_module_stays_as_it_was():
    net, seen = a_net(), []
    net.bn1.eval()
    net.conv1.weight.requires_grad_(False)
    net.layer1[0].weight.grad = torch.ones_like(net.layer1[0].weight)
    net.conv1.register_forward_hook(lambda *_: seen.append(1))
    modules, parameters, state = state_of(net)
    p = probe_of(net, size=16, channels=3)
    fisher_diagonal(p.body, some_head(3, 8), numbers(2, 3, 16, 16))
    after = state_of(net)
    assert after[:2] == (modules, parameters)
    assert all(torch.equal(value, state[key]) for key, value in after[2].items())
    assert all(w.grad is None for w in p.body.parameters())
    with torch.no_grad():
        net.conv1.weight.zero_()
    assert p.body(torch.ones(1, 3, 16, 16)).abs().sum() > 0  # a copy, not a view


def test_the_fingerprint_of_a_module_follows_body_and_settings_but_not_the_head():
    def of(net, head="fc", **options):
        return probe_of(net, head, **{"size": 16, "channels": 3, **options}).fingerprint

    first = of(a_net())
    assert re.fullmatch("[0-9a-f]{64}", first)
    assert of(a_net()) == of(a_net().eval()) == of(a_net(), name="other") == first
    other_head = a_net()
    with torch.no_grad():
        other_head.fc[1].weight.zero_()
    assert of(other_head) == first
    strided = a_net()
    strided.layer1[0].stride = (2, 2)
    moved = a_net()
    moved.bn1.running_mean[0] += 1e-6
    changed = {
        first,
        of(a_net(1)),
        of(strided),
        of(moved),
        of(a_net(), size=18),
        of(a_net(), "fc.1"),
        of(a_net(), vocabulary=False),
    }
    assert len(changed) == 7


def test_the_fingerprint_of_a_known_architecture_is_the_hash_of_its_name_and_bytes():
    p = probe(SMALL)
    sha = hashlib.sha256(json.dumps(SMALL.as_dict(), sort_keys=True).encode())
    for key, value in sorted(p.body.state_dict().items()):
        if not key.endswith("num_batches_tracked"):
            sha.update(f"\n{key} torch.float32 {list(value.shape)}\n".encode() + value.numpy().tobytes())
    assert p.fingerprint == sha.hexdigest()


def test_short_weights_have_fingerprints_too():
    ramp = torch.arange(3)
    assert of_bytes(ramp.bfloat16()) != of_bytes(ramp.half())
    assert of_bytes(ramp.bfloat16()) != of_bytes(ramp.bfloat16() + 1)


def of_bytes(weight):
    body = nn.Sequential(nn.Linear(1, 3, bias=False, dtype=weight.dtype), nn.Tanh())
    with torch.no_grad():
        body[0].weight.copy_(weight[:, None])
    return probe_of(body, "1", size=1, channels=1).fingerprint


def test_probes_of_words_take_integers_and_may_leave_the_vocabulary_out():
    net = nn.Sequential(Words(), nn.Linear(6, 2))
    p = probe_of(net, "1", size=7, channels=1)
    assert (p.feature_dim, p.embedding_dim) == (6, 11 + 9 + 6 * 7 + 10)
    q = probe_of(net, "1", size=7, channels=1, vocabulary=False)
    assert (q.vocabulary, q.embedding_dim) == (False, 6 * 7 + 10)
    assert q.body(words(3, 7)).shape == (3, 6)


def test_tasks_of_integers_are_embedded_with_and_without_the_vocabulary():
    net = nn.Sequential(settled(Words()), nn.Linear(6, 2))
    inputs, labels, items = words(8, 7).numpy(), np.arange(8) % 2, np.arange(8)
    task = Task(inputs, labels, 2, "words", "", items)
    found = [Task2Vec(probe_of(net, "1", size=7, channels=1, vocabulary=v), ridge=1.0)(task) for v in (True, False)]
    assert [len(e.values) for e in found] == [11 + 9 + 52, 52]
    np.testing.assert_allclose(found[1].values, found[0].values[20:], rtol=1e-5)
    message = (
        "'words' holds numbers of type float32; probe 'Sequential (given module)' expects integers, the rows of its embedding layer"
    )
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        Task2Vec(probe_of(net, "1", size=7, channels=1))(replace(task, inputs=inputs.astype(np.float32)))


class Aside(nn.Module):
    """The head is there but never called."""

    def __init__(self):
        super().__init__()
        self.a, self.fc = nn.Linear(16, 4), nn.Linear(4, 3)

    def forward(self, x):
        return self.a(x)


class Uncopyable(Aside):
    def __init__(self):
        super().__init__()
        self.kept = self.a.weight * 2


@pytest.mark.parametrize(
    "make, head, message",
    [
        (
            a_net,
            "f",
            "the module (Net) has no submodule 'f'; expected the dotted name of its head, e.g. 'after.out_proj'; did you mean 'fc'?",
        ),
        (a_net, "", "the module (Net) has no submodule ''; expected the dotted name of its head, e.g. 'after.out_proj'"),
        (nn.Tanh, "fc", "the module (Tanh) has no submodule 'fc'; expected the dotted name of its head"),
        (
            Aside,
            "fc",
            "the head 'fc' is not called when the module sees vectors [1, 16]; expected a submodule that every input passes through",
        ),
        (
            lambda: nn.Sequential(nn.Linear(9, 4), nn.Linear(4, 3)),
            "1",
            "the module does not run on vectors [1, 16] without its head '1' (mat1 and mat2 shapes cannot be multiplied (1x16 and "
            "9x4)); expected it to: check size, channels and head",
        ),
        (
            a_net,
            "bn1",
            "the head 'bn1' is given features of shape [1, 6, 7, 7] for images [1, 3, 16, 16]; expected [1, d]: name a head after pooling",
        ),
        (lambda: nn.Sequential(nn.Tanh(), nn.Sigmoid()), "1", "the module (Sequential) has no weights; expected a network"),
        (
            Uncopyable,
            "fc",
            "the module cannot be copied (Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at "
            "the moment.  If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, see "
            "https://github.com/pytorch/pytorch/pull/103001); expected one that deepcopy takes",
        ),
    ],
)
def test_modules_that_are_no_probe(make, head, message):
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        probe_of(make(), head, size=16, channels=3)


def test_layers_without_a_rule_before_the_head_are_named():
    net = nn.Sequential(nn.Linear(16, 4), nn.PReLU(), nn.Linear(4, 3))
    with pytest.raises(MeasureError, match=r"^layer '1' \(PReLU\) holds weight, but has no Fisher rule; expected one of: Conv1d, "):
        probe_of(net, "2", size=16, channels=3)
