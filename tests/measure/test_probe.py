"""The probe: frozen, identified by its weights, with embeddings of the published lengths."""

import re

import numpy as np
import pytest
import torch

from breadth.errors import CheckpointError
from breadth.measure.probe import line_probe, probe
from breadth.nets.build import Architecture, build
from breadth.nets.head import classifier

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
