"""Bodies: sizes, names, seeds, and what loads into them."""

import pytest
import torch

from breadth.errors import CheckpointError, SpecError
from breadth.nets.build import Architecture, build, load_body
from breadth.nets.head import classifier

FILTERS = {2: 441, 6: 1961, 8: 3045, 16: 9541, 32: 32901, 64: 121093, 256: 1811461, 512: 7161861}


def count(net):
    return sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize("filters, expected", FILTERS.items())
def test_5cnn_has_the_published_number_of_parameters(filters, expected):
    body = build(Architecture("conv", filters=filters, size=84), 0)
    assert count(classifier(body, 5, 0)) == expected


@pytest.mark.parametrize("kind, expected", [("resnet12", 12_424_320), ("resnet18", 11_176_512), ("resnet34", 21_284_672)])
def test_resnets_have_the_published_number_of_parameters(kind, expected):
    assert count(build(Architecture(kind), 0)) == expected


def test_resnet12_with_a_five_way_head_has_12427525_parameters():
    assert count(classifier(build(Architecture("resnet12"), 0), 5, 0)) == 12_427_525


@pytest.mark.parametrize(
    "kind, size",
    [
        ("conv", 28),
        ("conv", 84),
        ("conv-stride", 28),
        ("conv-stride", 32),
        ("conv-stride", 33),
        ("resnet12", 32),
        ("resnet18", 33),
        ("resnet34", 64),
        ("mlp", 7),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_feature_dim_is_the_width_of_the_output(kind, size, channels):
    body = build(Architecture(kind, filters=8, channels=channels, size=size), 0).eval()
    x = torch.zeros((2, size)) if kind == "mlp" else torch.zeros((2, channels, size, size))
    assert body(x).shape == (2, body.feature_dim)


def test_conv_stride_at_32_pixels_has_four_times_its_filters_as_features():
    assert build(Architecture(filters=32, size=32), 0).feature_dim == 128


@pytest.mark.parametrize("depths, kind, keys", [((2, 2, 2, 2), "resnet18", 120), ((3, 4, 6, 3), "resnet34", 216)])
def test_resnet_names_are_those_of_torchvision(depths, kind, keys):
    """torchvision's own list, written out from its naming rule; 122 and 218 entries with fc.weight and fc.bias."""
    norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    expected = ["conv1.weight", *(f"bn1.{n}" for n in norm)]
    for layer, depth in enumerate(depths, 1):
        for block in range(depth):
            stem = f"layer{layer}.{block}"
            for i in (1, 2):
                expected += [f"{stem}.conv{i}.weight", *(f"{stem}.bn{i}.{n}" for n in norm)]
            if layer > 1 and block == 0:
                expected += [f"{stem}.downsample.0.weight", *(f"{stem}.downsample.1.{n}" for n in norm)]
    assert list(build(Architecture(kind), 0).state_dict()) == expected
    assert len(expected) == keys


def test_resnet12_names_are_those_of_rfs():
    keys = list(build(Architecture("resnet12"), 0).state_dict())
    assert keys[0] == "layer1.0.conv1.weight"
    assert "layer4.0.downsample.1.running_var" in keys
    assert len(keys) == 4 * (4 + 4 * 5)


@pytest.mark.parametrize("kind", ["conv", "conv-stride", "resnet12", "resnet18", "mlp"])
def test_weights_are_a_function_of_the_seed_and_leave_the_global_generator_alone(kind):
    before = torch.get_rng_state()
    a, b, c = (build(Architecture(kind), s).state_dict() for s in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a[k], b[k]) for k in a)
    assert any(not torch.equal(a[k], c[k]) for k in a)
    assert all(torch.isfinite(v).all() for v in a.values())


@pytest.mark.parametrize(
    "kind, layer, std",
    [
        ("resnet18", "layer3.0.conv1.weight", (2 / (256 * 9)) ** 0.5),
        ("resnet12", "layer3.0.conv1.weight", (2 / 1.0001 / (320 * 9)) ** 0.5),
        ("conv", "features.conv2.weight", (1 / (32 * 9) / 3) ** 0.5),
    ],
)
def test_scale_of_the_initial_weights(kind, layer, std):
    assert build(Architecture(kind), 0).state_dict()[layer].std().item() == pytest.approx(std, rel=0.02)


def test_head_is_seeded_and_named():
    nets = [classifier(build(Architecture(), 0), 5, s) for s in (1, 1, 2)]
    assert torch.equal(nets[0].head.weight, nets[1].head.weight)
    assert not torch.equal(nets[0].head.weight, nets[2].head.weight)
    assert {k.split(".")[0] for k in nets[0].state_dict()} == {"body", "head"}


def test_a_torchvision_state_dict_loads_and_its_fc_is_dropped():
    source = build(Architecture("resnet18"), 1)
    given = {**source.state_dict(), "fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}
    loaded = load_body(build(Architecture("resnet18"), 2), given)
    assert all(torch.equal(v, loaded.state_dict()[k]) for k, v in source.state_dict().items())


def test_a_classifier_loads_into_a_body():
    net = classifier(build(Architecture(), 1), 7, 0)
    assert torch.equal(
        load_body(build(Architecture(), 2), net.state_dict()).state_dict()["features.conv1.weight"],
        net.body.state_dict()["features.conv1.weight"],
    )


def test_a_missing_counter_is_forgiven():
    given = {k: v for k, v in build(Architecture(), 1).state_dict().items() if "num_batches" not in k}
    load_body(build(Architecture(), 2), given)


@pytest.mark.parametrize(
    "change, message",
    [
        (
            lambda w: w.pop("features.conv1.bias"),
            "weights lack 1 of the body's 28 tensors, first 'features.conv1.bias'; give weights of the same architecture",
        ),
        (
            lambda w: w.update(extra=torch.zeros(1)),
            "weights hold 1 tensors that the body does not know, first 'extra'; give weights of the same architecture",
        ),
        (
            lambda w: w.update({"features.conv1.bias": torch.zeros(3)}),
            "weights 'features.conv1.bias' have shape [3]; the body expects [32]",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused(change, message):
    weights = build(Architecture(), 1).state_dict()
    change(weights)
    with pytest.raises(CheckpointError) as e:
        load_body(build(Architecture(), 2), weights)
    assert str(e.value) == message


@pytest.mark.parametrize(
    "fields, message",
    [
        (
            {"kind": "resnet81"},
            "unknown network kind 'resnet81'; expected one of: conv, conv-stride, mlp, resnet12, resnet18, "
            "resnet34; did you mean 'resnet18'?",
        ),
        ({"filters": 0}, "network filters is 0; expected at least 1"),
        ({"kind": "conv", "size": 8}, "network 'conv' at size 8 has no pixels left after four halvings; expected size 16 or more"),
    ],
)
def test_impossible_architectures_are_refused(fields, message):
    with pytest.raises(SpecError) as e:
        Architecture(**fields)
    assert str(e.value) == message
