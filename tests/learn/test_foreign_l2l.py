"""learn2learn's CNN4 among the published checkpoints: other names of layers, another eps of batch norm, everything else the same."""

from collections import OrderedDict

import pytest
import torch
from torch.nn import functional as F

from breadth.errors import CheckpointError, SpecError
from breadth.learn import batched
from breadth.learn.foreign.rebuild import body_from, classifier_from, read_foreign
from breadth.nets.build import Architecture, build
from breadth.nets.head import classifier
from breadth.nets.norm import batch_norms

SETTINGS = {"model_option": "4CNN_l2l_cifarfs", "model_hps": {"ways": 5, "hidden_size": 6, "embedding_size": 24}}


def state_of(width=6, side=2, layers=4, prefix="", cls=True):
    """Tensors as the published program's CNN4 names them, with running variances so small that eps matters."""
    g = torch.Generator().manual_seed(0)
    out = OrderedDict()
    for i in range(layers):
        at = f"{prefix}features.{i}"
        out[f"{at}.normalize.weight"] = torch.rand(width, generator=g)
        out[f"{at}.normalize.bias"] = torch.randn(width, generator=g)
        out[f"{at}.normalize.running_mean"] = torch.randn(width, generator=g)
        out[f"{at}.normalize.running_var"] = torch.rand(width, generator=g) * 1e-2
        out[f"{at}.normalize.num_batches_tracked"] = torch.tensor(3)
        out[f"{at}.conv.weight"] = torch.randn((width, 3 if i == 0 else width, 3, 3), generator=g) / 5
        out[f"{at}.conv.bias"] = torch.randn(width, generator=g)
    for head in ("classifier", "cls") if cls else ("classifier",):
        out[f"{prefix}{head}.weight"] = torch.full((5, width * side * side), 0.1)
        out[f"{prefix}{head}.bias"] = torch.arange(5.0)
    return out


def features(state, x, prefix=""):
    """conv - norm - ReLU - pooling four times, as the network is described."""
    for i in range(4):
        at = f"{prefix}features.{i}"
        x = F.conv2d(x, state[f"{at}.conv.weight"], state[f"{at}.conv.bias"], padding=1)
        mean, var, gamma, beta = (
            state[f"{at}.normalize.{k}"].view(1, -1, 1, 1) for k in ("running_mean", "running_var", "weight", "bias")
        )
        x = F.max_pool2d(((x - mean) / (var + 1e-5).sqrt() * gamma + beta).relu(), 2)
    return x.flatten(1)


def saved(tmp_path, state, **more):
    path = tmp_path / "ckpt.pt"
    torch.save({"model_state_dict": state, **more}, path)
    return path


@pytest.mark.parametrize("prefix", ["", "module.", "model."])
def test_the_published_network_gives_the_features_of_its_description(tmp_path, prefix):
    state = state_of(prefix=prefix)
    found = read_foreign(saved(tmp_path, state, **SETTINGS))
    assert found.architecture == Architecture("conv", 6, 3, 32, 1e-5)
    assert found.evidence == (
        "model_option is 4CNN_l2l_cifarfs; features.conv1 has 6 filters on 3 channels; eps of batch norm 1e-05, where this package's has "
        "0.001; the head takes 6 x 2 x 2 features: size 32 taken, of those that give as many"
    )
    assert "layers under learn2learn's names (features.0.conv, features.0.normalize)" in found.notes
    assert (found.head_width, len(found.heads)) == (5, 1)  # classifier and cls are one
    x = torch.randn((3, 3, 32, 32), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = features(state, x, prefix)
        torch.testing.assert_close(body_from(found)(x), expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(
            classifier_from(found)(x), expected.sum(1, keepdim=True) * 0.1 + torch.arange(5.0), rtol=1e-4, atol=1e-3
        )
        usual = body_from(read_foreign(found.path, architecture=Architecture("conv", 6, 3, 32, 1e-3)))
        assert not torch.allclose(usual(x), expected, rtol=1e-2)


def test_bare_weights_need_the_kind_and_keep_the_eps_of_their_names(tmp_path):
    path = saved(tmp_path, state_of())
    assert read_foreign(path).evidence == (
        "features.conv1 has 6 filters on 3 channels; conv (pooled) and conv-stride have the same tensors, and the file does not say which "
        "it is"
    )
    assert read_foreign(path, architecture=Architecture("conv", 6, 3, 32)).architecture.eps == 1e-5


@pytest.mark.parametrize("layers", [3, 5])
def test_another_number_of_layers_is_refused(tmp_path, layers):
    with pytest.raises(CheckpointError) as e:
        body_from(read_foreign(saved(tmp_path, state_of(layers=layers), **SETTINGS)))
    assert str(e.value).endswith({
        3: ": weights lack 6 of the body's 28 tensors, first 'features.conv4.weight'; give weights of the same architecture",
        5: ": weights hold 7 tensors that the body does not know, first 'features.4.normalize.weight'; give weights of the same architecture",
    }[layers])  # fmt: skip


def test_an_impossible_eps_is_one_line_also_where_the_caller_gives_the_architecture(tmp_path):
    path = saved(tmp_path, state_of(), model_hps={"bn_eps": 0})
    with pytest.raises(CheckpointError) as e:
        read_foreign(path, architecture=Architecture("conv", 6, 3, 32))
    assert (
        str(e.value) == f"{path}: network eps is 0.0; expected a number between 0 and 1, as in 1e-5; give a file of trained weights"
    )


@pytest.mark.parametrize("kind", ["conv", "conv-stride", "resnet12", "resnet18", "mlp"])
def test_eps_reaches_every_batch_norm_and_leaves_no_trace_where_it_is_the_kinds_own(kind):
    plain, other = Architecture(kind, 4, 3, 32), Architecture(kind, 4, 3, 32, 2e-4)
    assert all(m.eps == 2e-4 for m in batch_norms(build(other, 0)).values())
    assert plain.as_dict() == {"kind": kind, "filters": 4, "channels": 3, "size": 32}
    assert Architecture(**other.as_dict()) == other
    if kind.startswith("conv"):
        assert {b.eps for b in batched.conv_tasks(other, classifier(build(other, 0), 3, 0)).blocks} == {2e-4}


@pytest.mark.parametrize("eps", [0, 1, -1e-5, float("nan"), float("inf")])
def test_an_eps_that_cannot_be(eps):
    with pytest.raises(SpecError) as e:
        Architecture(eps=eps)
    assert str(e.value) == f"network eps is {eps}; expected a number between 0 and 1, as in 1e-5"
