"""ANIL: the head's closed gradients against autograd, batched against one by one, and its tests."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from breadth.data.episode import episodes
from breadth.data.union import single
from breadth.learn import batched
from breadth.learn.anil import adapted_head, head_gradient, meta_gradient_of_tasks
from breadth.learn.evaluate import evaluate_maml
from breadth.learn.inner import meta_gradient
from breadth.learn.maml import MamlSettings, meta_train
from breadth.learn.trained import classifier_of
from breadth.nets.build import Architecture, build
from breadth.nets.head import classifier
from breadth.nets.norm import bn_train
from learn.test_batched import ARCHS, distance, network, tasks_of

INNER = {"steps": 4, "lr": 0.3}


def unrolled(net, support, query):
    """Gradients by name of one task, the head adapted by autograd inside autograd."""
    names = [name for name, _ in net.named_parameters()]
    with bn_train(net):
        f, q = net.body(support[0]), net.body(query[0])
    w, b = net.head.weight, net.head.bias
    for _ in range(INNER["steps"]):
        gw, gb = torch.autograd.grad(F.cross_entropy(F.linear(f, w, b), support[1]), (w, b), create_graph=True)
        w, b = w - INNER["lr"] * gw, b - INNER["lr"] * gb
    loss = F.cross_entropy(F.linear(q, w, b), query[1])
    return dict(zip(names, torch.autograd.grad(loss, list(net.parameters())), strict=True)), loss


@pytest.mark.parametrize("arch", ARCHS, ids=str)
def test_the_meta_gradient_is_that_of_the_unrolled_head(arch):
    net, (support, query) = network(arch), tasks_of(arch)
    model = batched.conv_tasks(arch, net)
    theta = model.flat(dict(net.named_parameters())).expand(3, -1)
    with torch.no_grad():
        found = meta_gradient_of_tasks(model, theta, support, query, **INNER)
    got = model.named(found.gradient)
    for t in range(3):
        expected, loss = unrolled(net, (support[0][t], support[1][t]), (query[0][t], query[1][t]))
        assert distance({k: g[t] for k, g in got.items()}, expected) < 1e-9
        assert found.loss[t].item() == pytest.approx(loss.item(), rel=1e-9)


def test_head_gradients_pass_gradcheck_and_equal_the_unrolled_loop_on_features():
    g = torch.Generator().manual_seed(0)
    f, q, w, b = (torch.randn(s, generator=g, dtype=torch.float64) for s in ((2, 6, 4), (2, 5, 4), (3, 4), (3,)))
    y, yq = torch.arange(6).expand(2, -1) % 3, torch.arange(5).expand(2, -1) % 3
    found = head_gradient((f, y), (q, yq), w, b, **INNER)
    for t in range(2):
        params = {"w": w.clone().requires_grad_(), "b": b.clone().requires_grad_()}
        expected, _, logits = meta_gradient(
            lambda p, x: F.linear(x, p["w"], p["b"]), params, (f[t], y[t]), (q[t], yq[t]), order=2, **INNER
        )
        torch.testing.assert_close(found.weight[t], expected["w"])
        torch.testing.assert_close(found.bias[t], expected["b"])
        torch.testing.assert_close(found.logits[t], logits)

    def total(features, ends):
        phi, c = adapted_head(features, y, w.expand(2, 3, 4), b.expand(2, 3), **INNER)
        return F.cross_entropy((ends @ phi.mT + c[:, None]).flatten(0, 1), yq.flatten(), reduction="sum") / 5

    assert torch.autograd.gradcheck(total, (f.requires_grad_(), q.requires_grad_()))
    expected_f, expected_q = torch.autograd.grad(total(f, q), (f, q))
    torch.testing.assert_close(found.support, expected_f)
    torch.testing.assert_close(found.query, expected_q)


@pytest.mark.parametrize("arch", [Architecture("mlp", 8, size=64), Architecture("conv-stride", 4, 1, 8)], ids=str)
def test_training_learns_and_is_repeated_to_the_bit(digits, arch):
    data = digits[0]
    if arch.kind == "mlp":
        data = type(data)(
            data.name, data.inputs.reshape(len(data.inputs), -1).astype("float32") / 255, data.labels, data.class_names
        )
    settings = MamlSettings(tasks=160, adapts="head", inner_lr=0.5, lr=1e-2, window=10)
    a, b = (meta_train(single(data), arch, settings, seed=0) for _ in range(2))
    assert all(torch.equal(v, b.weights[k]) for k, v in a.weights.items())
    assert a.history[-1]["loss"] < 0.8 * a.history[0]["loss"]
    plain = meta_train(single(data), arch, replace(settings, adapts="all"), seed=0)
    assert plain.history != a.history


def test_evaluation_adapts_the_head_alone(digits):
    arch = Architecture("conv-stride", 4, 1, 8)
    net = classifier(build(arch, 0), 5, 0)
    suite = episodes(single(digits[1]), queries=5, count=6)
    scores = evaluate_maml(net, suite, adapts="head", steps=(1, 3), batch_norm=("running", "support", "transductive"))
    assert list(scores) == [f"anil{k}/{m}" for m in ("running", "support", "transductive") for k in (1, 3)]
    assert [s.method for s in scores.values()] == list(scores)
    episode = suite[2]
    support, query = (
        torch.from_numpy(x).permute(0, 3, 1, 2).float() / 127.5 - 1 for x in (episode.support_inputs, episode.query_inputs)
    )
    with torch.no_grad(), bn_train(net):
        f, q = net.body(support), net.body(query)
    w, b = net.head.weight.detach().clone().requires_grad_(), net.head.bias.detach().clone().requires_grad_()
    for _ in range(3):
        gw, gb = torch.autograd.grad(F.cross_entropy(F.linear(f, w, b), torch.from_numpy(episode.support_labels)), (w, b))
        w, b = (w - 0.1 * gw).detach().requires_grad_(), (b - 0.1 * gb).detach().requires_grad_()
    loss = F.cross_entropy(F.linear(q, w, b), torch.from_numpy(episode.query_labels)).item()
    assert scores["anil3/transductive"].loss[2] == pytest.approx(loss, rel=1e-4)


def test_a_trained_network_is_better_at_new_classes_than_a_new_one(digits):
    arch = Architecture("conv-stride", 8, 1, 8)
    trained = meta_train(single(digits[0]), arch, MamlSettings(tasks=200, adapts="head", inner_lr=0.5, lr=1e-2), seed=0)
    suite = episodes(single(digits[1]), queries=10, count=60)
    new = meta_train(single(digits[0]), arch, MamlSettings(tasks=4, adapts="head", lr=1e-9), seed=0)
    after, before = (
        evaluate_maml(classifier_of(t), suite, inner_lr=0.5, steps=(5,), adapts="head")["anil5/transductive"].accuracy
        for t in (trained, new)
    )
    print(before.mean(), after.mean())
    assert after.mean() > before.mean() + 0.05
