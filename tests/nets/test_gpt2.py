"""GPT-2: the same numbers as the transformers package, files that it reads, and clear words about files that do not fit."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from breadth.errors import CheckpointError, SpecError
from breadth.nets.gpt2 import Gpt2Size, gpt2, load_gpt2, save_gpt2

SIZE = Gpt2Size(vocab_size=40, n_positions=16, n_embd=24, n_layer=2, n_head=3)
TOKENS = torch.randint(0, 40, (3, 16), generator=torch.Generator().manual_seed(0))


@pytest.fixture
def folder(tmp_path):
    save_gpt2(gpt2(SIZE, seed=0), tmp_path)
    return tmp_path


def changed(folder, config=None, tensors=None, drop=()):
    """The folder with a changed config and changed tensors."""
    given = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**given, **(config or {})}))
    weights = {k: v for k, v in load_file(folder / "model.safetensors").items() if k not in drop} | (tensors or {})
    save_file(weights, folder / "model.safetensors")
    return folder


@pytest.mark.parametrize("tied", [True, False])
def test_transformers_reads_the_files_and_gives_the_same_logits(tmp_path, tied):
    transformers = pytest.importorskip("transformers")
    model = gpt2(Gpt2Size(40, 16, 24, 2, 3, tied), seed=1)
    save_gpt2(model, tmp_path)
    theirs = transformers.GPT2LMHeadModel.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        assert torch.allclose(model(TOKENS), theirs(TOKENS).logits, atol=1e-5)
        assert torch.allclose(load_gpt2(tmp_path)(TOKENS), model(TOKENS), atol=0)


def test_files_that_transformers_wrote_are_read(tmp_path):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(vocab_size=40, n_positions=16, n_embd=24, n_layer=2, n_head=3)
    ).eval()
    theirs.save_pretrained(tmp_path)
    with torch.no_grad():
        assert torch.allclose(load_gpt2(tmp_path)(TOKENS), theirs(TOKENS).logits, atol=1e-5)


@pytest.mark.parametrize(
    "variant",
    [
        {"scale_attn_by_inverse_layer_idx": True},
        {"scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True, "tie_word_embeddings": False},
        {"activation_function": "gelu_pytorch_tanh", "n_inner": 96},
    ],
)
def test_variants_give_the_logits_of_transformers(tmp_path, variant):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(2)
    size = {"vocab_size": 40, "n_positions": 16, "n_embd": 24, "n_layer": 3, "n_head": 3, "initializer_range": 0.5}
    theirs = transformers.GPT2LMHeadModel(transformers.GPT2Config(**size, **variant)).eval()
    for p in theirs.parameters():  # biases too, which start at 0
        torch.nn.init.normal_(p, std=0.5)
    theirs.save_pretrained(tmp_path)
    with torch.no_grad():
        logits = theirs(TOKENS).logits
        torch.testing.assert_close(load_gpt2(tmp_path)(TOKENS), logits, atol=1e-4, rtol=1e-4)
        save_gpt2(load_gpt2(tmp_path), tmp_path / "again")
        torch.testing.assert_close(load_gpt2(tmp_path / "again")(TOKENS), logits, atol=1e-4, rtol=1e-4)


def test_a_body_without_its_prefix_and_with_stored_masks_is_read(folder):
    weights = {k.removeprefix("transformer."): v for k, v in load_file(folder / "model.safetensors").items()}
    save_file({**weights, "h.0.attn.bias": torch.ones(1, 1, 16, 16)}, folder / "model.safetensors")
    assert torch.equal(load_gpt2(folder)(TOKENS), gpt2(SIZE, seed=0)(TOKENS))


def test_a_position_does_not_see_what_follows(folder):
    model, other = gpt2(SIZE, seed=0), TOKENS.clone()
    other[:, 9:] = 0
    assert torch.allclose(model(TOKENS)[:, :9], model(other)[:, :9], atol=1e-6)
    assert not torch.allclose(model(TOKENS)[:, 9:], model(other)[:, 9:], atol=1e-3)


@pytest.mark.parametrize("tied", [True, False])
def test_parameters_are_counted(tied):
    size = Gpt2Size(40, 16, 24, 2, 3, tied)
    assert size.parameters() == sum(p.numel() for p in gpt2(size, seed=0).parameters())


def test_the_seed_decides_the_weights():
    a, b, c = (gpt2(SIZE, seed=s).body.h[0].mlp.c_fc.weight for s in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_missing_and_extra_tensors_are_named(folder):
    changed(folder, drop=("transformer.ln_f.bias",), tensors={"transformer.h.7.ln_1.bias": torch.ones(24)})
    with pytest.raises(CheckpointError) as error:
        load_gpt2(folder)
    assert str(error.value) == (
        f"{folder / 'model.safetensors'}: lacks ln_f.bias and holds the unknown h.7.ln_1.bias; expected exactly the tensors of a GPT-2 "
        "with 2 layers"
    )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "llama"}, "model_type is 'llama'; expected 'gpt2': give a model of the GPT-2 family"),
        (
            {"activation_function": "relu"},
            "activation_function is 'relu'; expected 'gelu_new': this variant of GPT-2 is not supported",
        ),
        ({"add_cross_attention": True}, "add_cross_attention is True; expected False: this variant of GPT-2 is not supported"),
        ({"scale_attn_weights": False}, "scale_attn_weights is False; expected True: this variant of GPT-2 is not supported"),
        ({"layer_norm_epsilon": 1e-6}, "layer_norm_epsilon is 1e-06; expected 1e-05: this variant of GPT-2 is not supported"),
        ({"n_inner": 48}, "n_inner is 48; expected None: this variant of GPT-2 is not supported"),
        ({"n_embd": "24"}, "n_embd is '24'; expected a whole number"),
        ({"n_head": 5}, "a GPT-2 with n_embd=24 and n_head=5 was asked for; expected n_embd to be a multiple of n_head"),
    ],
)
def test_a_config_that_does_not_fit_gets_one_line(folder, config, message):
    with pytest.raises(CheckpointError) as error:
        load_gpt2(changed(folder, config=config))
    assert str(error.value) == f"{folder / 'config.json'}: {message}"


def test_wrong_shapes_are_named(folder):
    with pytest.raises(CheckpointError) as error:
        load_gpt2(changed(folder, tensors={"transformer.ln_f.weight": torch.ones(23)}))
    assert str(error.value) == f"{folder / 'model.safetensors'}: ln_f.weight has shape [23]; config.json says [24]"


def test_a_head_that_belies_its_config_is_refused(folder):
    with pytest.raises(CheckpointError) as error:
        load_gpt2(changed(folder, tensors={"lm_head.weight": torch.zeros(40, 24)}))
    assert str(error.value) == (
        f"{folder / 'model.safetensors'}: lm_head.weight differs from wte.weight, but config.json ties them; set tie_word_embeddings to false"
    )


def test_an_empty_folder_and_impossible_sizes_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"config\.json: not readable as JSON"):
        load_gpt2(tmp_path)
    with pytest.raises(SpecError, match="n_layer=0 was asked for; expected at least 1"):
        Gpt2Size(n_layer=0)
