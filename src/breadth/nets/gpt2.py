"""GPT-2 in its published layout: the language model that is trained and the probe that measures text are the same network.

Pre-norm blocks, learned positions, tanh GELU (Radford et al. 2019). The body gives hidden states; the head is a matrix of its own, so
that a probe's head can be tuned without moving the input embedding, which published files tie to it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from breadth.errors import CheckpointError, SpecError
from breadth.nets.weights import read_weights
from breadth.seeds import integer

__all__ = ["Gpt2", "Gpt2Size", "LanguageModel", "gpt2", "load_gpt2", "save_gpt2"]

# The layers that published files store as [in, out].
_TRANSPOSED = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
# Keys of config.json that change what is computed, with the only value that this network has.
_PLAIN: dict[str, object] = {
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-5,
    "scale_attn_weights": True,
    "n_inner": None,
    "add_cross_attention": False,
}


@dataclass(frozen=True)
class Gpt2Size:
    """Numbers of a GPT-2, under the names of published config.json files. n_positions: the longest sequence; tied: one matrix in and out."""

    vocab_size: int = 256
    n_positions: int = 128
    n_embd: int = 128
    n_layer: int = 2
    n_head: int = 4
    tied: bool = True

    def __post_init__(self) -> None:
        for name in ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head"):
            if getattr(self, name) < 1:
                raise SpecError(f"a GPT-2 with {name}={getattr(self, name)} was asked for; expected at least 1")
        if self.n_embd % self.n_head:
            raise SpecError(
                f"a GPT-2 with n_embd={self.n_embd} and n_head={self.n_head} was asked for; expected n_embd to be a multiple of n_head"
            )

    def parameters(self) -> int:
        """Return the number of parameters, the tied matrix counted once."""
        d = self.n_embd
        block = 12 * d * d + 13 * d
        return (self.vocab_size * (1 if self.tied else 2) + self.n_positions) * d + self.n_layer * block + 2 * d


class _Attention(nn.Module):
    def __init__(self, size: Gpt2Size) -> None:
        super().__init__()
        self.heads = size.n_head
        self.c_attn = nn.Linear(size.n_embd, 3 * size.n_embd)
        self.c_proj = nn.Linear(size.n_embd, size.n_embd)

    def forward(self, x: Tensor) -> Tensor:
        n, t, d = x.shape
        q, k, v = self.c_attn(x).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        return self.c_proj(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(n, t, d))  # type: ignore[no-any-return]


class _Mlp(nn.Module):
    def __init__(self, size: Gpt2Size) -> None:
        super().__init__()
        self.c_fc = nn.Linear(size.n_embd, 4 * size.n_embd)
        self.c_proj = nn.Linear(4 * size.n_embd, size.n_embd)

    def forward(self, x: Tensor) -> Tensor:
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))  # type: ignore[no-any-return]


class _Block(nn.Module):
    def __init__(self, size: Gpt2Size) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(size.n_embd)
        self.attn = _Attention(size)
        self.ln_2 = nn.LayerNorm(size.n_embd)
        self.mlp = _Mlp(size)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))  # type: ignore[no-any-return]


class Gpt2(nn.Module):
    """The body: tokens int64 [n, t], t <= n_positions, -> hidden states [n, t, n_embd] after the last layer norm. No dropout."""

    def __init__(self, size: Gpt2Size) -> None:
        super().__init__()
        self.size = size
        self.wte = nn.Embedding(size.vocab_size, size.n_embd)
        self.wpe = nn.Embedding(size.n_positions, size.n_embd)
        self.h = nn.ModuleList(_Block(size) for _ in range(size.n_layer))
        self.ln_f = nn.LayerNorm(size.n_embd)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1], device=tokens.device))
        for block in self.h:
            x = block(x)
        return self.ln_f(x)  # type: ignore[no-any-return]


class LanguageModel(nn.Module):
    """A body with a head: tokens [n, t] -> logits [n, t, vocab_size] of the token that follows each one. No head of its own where tied."""

    def __init__(self, body: Gpt2) -> None:
        super().__init__()
        self.body = body
        self.lm_head = None if body.size.tied else nn.Linear(body.size.n_embd, body.size.vocab_size, bias=False)

    @property
    def head(self) -> Tensor:
        """The matrix [vocab_size, n_embd] of the logits."""
        return self.body.wte.weight if self.lm_head is None else self.lm_head.weight

    def forward(self, tokens: Tensor) -> Tensor:
        return F.linear(self.body(tokens), self.head)


def gpt2(size: Gpt2Size, seed: int) -> LanguageModel:
    """Return a model with the published initialisation, a function of the seed: normal 0.02, residual projections by 1/sqrt(2 n_layer)."""
    model, rng = LanguageModel(Gpt2(size)), torch.Generator().manual_seed(integer(seed, "gpt2"))
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith("bias"):
                p.zero_()
            elif p.ndim == 1:
                p.fill_(1.0)
            else:
                p.normal_(0.0, 0.02 / (2 * size.n_layer) ** 0.5 if name.endswith("c_proj.weight") else 0.02, generator=rng)
    return model


def _published(model: LanguageModel) -> dict[str, Tensor]:
    """The weights under the names and in the shapes of published files."""
    out = {
        f"transformer.{name}": w.T.contiguous() if name.endswith(_TRANSPOSED) else w for name, w in model.body.state_dict().items()
    }
    return out if model.lm_head is None else {**out, "lm_head.weight": model.lm_head.weight.detach()}


def save_gpt2(model: LanguageModel, folder: str | Path) -> None:
    """Write config.json and model.safetensors, which the transformers package reads as GPT2LMHeadModel."""
    folder, size = Path(folder), model.body.size
    folder.mkdir(parents=True, exist_ok=True)
    written = {k: v for k, v in asdict(size).items() if k != "tied"}
    config = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], **written, "tie_word_embeddings": size.tied}
    (folder / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
    save_file({k: v.contiguous() for k, v in _published(model).items()}, folder / "model.safetensors", {"format": "pt"})


def _config(folder: Path) -> tuple[Gpt2Size, bool]:
    """Return the numbers, and whether scores of attention are divided by the layer's number; any other variant is refused."""
    path = folder / "config.json"
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path}: not readable as JSON ({error}); give a folder with config.json and model.safetensors"
        ) from None
    if not isinstance(given, dict) or given.get("model_type") != "gpt2":
        kind = given.get("model_type") if isinstance(given, dict) else None
        raise CheckpointError(f"{path}: model_type is {kind!r}; expected 'gpt2': give a model of the GPT-2 family")
    numbers = {f.name: given.get(f.name) for f in fields(Gpt2Size) if f.name != "tied"}
    for key, value in numbers.items():
        if not isinstance(value, int):
            raise CheckpointError(f"{path}: {key} is {value!r}; expected a whole number")
    for key, usual in _PLAIN.items():
        also = {"n_inner": 4 * given["n_embd"], "activation_function": "gelu_pytorch_tanh"}.get(key, usual)
        if given.get(key, usual) not in (usual, also):
            raise CheckpointError(f"{path}: {key} is {given[key]!r}; expected {usual!r}: this variant of GPT-2 is not supported")
    try:
        size = Gpt2Size(**numbers, tied=bool(given.get("tie_word_embeddings", True)))  # type: ignore[arg-type]
    except SpecError as error:
        raise CheckpointError(f"{path}: {error}") from None
    return size, bool(given.get("scale_attn_by_inverse_layer_idx"))


def _divide_queries(weights: dict[str, Tensor], size: Gpt2Size) -> None:
    """Divide the queries of layer i, from 1, by i."""
    for i in range(size.n_layer):
        for kind in ("weight", "bias"):
            weights[f"body.h.{i}.attn.c_attn.{kind}"][: size.n_embd] /= i + 1


def load_gpt2(folder: str | Path) -> LanguageModel:
    """Return the model of a folder with config.json and model.safetensors (or pytorch_model.bin), as the Hub serves GPT-2.

    Names with or without "transformer." are read; the masks that old files store are not weights. Where config.json has scores of attention
    divided by the layer's number (``scale_attn_by_inverse_layer_idx``), the weights of the queries are divided instead: the same function.
    Raises CheckpointError that names missing and extra tensors, wrong shapes, and variants that compute something else.
    """
    folder = Path(folder)
    size, divided = _config(folder)
    path = next(
        (p for p in (folder / "model.safetensors", folder / "pytorch_model.bin") if p.is_file()), folder / "model.safetensors"
    )
    found = {k.removeprefix("transformer."): v for k, v in read_weights(path).items()}
    found = {k: v for k, v in found.items() if not k.endswith((".attn.bias", ".attn.masked_bias"))}
    with torch.device("meta"):
        model = LanguageModel(Gpt2(size))
    expected = {
        k: tuple(reversed(v.shape)) if k.endswith(_TRANSPOSED) else tuple(v.shape) for k, v in model.body.state_dict().items()
    }
    head = found.pop("lm_head.weight", None)
    if (
        head is not None
        and size.tied
        and (head.shape != found.get("wte.weight", head).shape or not head.equal(found["wte.weight"]))
    ):
        raise CheckpointError(
            f"{path}: lm_head.weight differs from wte.weight, but config.json ties them; set tie_word_embeddings to false"
        )
    missing, extra = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    if head is None and not size.tied:
        missing.append("lm_head.weight")
    if missing or extra:
        said = [f"{what} {', '.join(names[:4])}{f' and {len(names) - 4} more' if len(names) > 4 else ''}"
                for what, names in (("lacks", missing), ("holds the unknown", extra)) if names]  # fmt: skip
        raise CheckpointError(f"{path}: {' and '.join(said)}; expected exactly the tensors of a GPT-2 with {size.n_layer} layers")
    wrong = next((k for k, shape in expected.items() if tuple(found[k].shape) != shape), None)
    if wrong:
        raise CheckpointError(f"{path}: {wrong} has shape {list(found[wrong].shape)}; config.json says {list(expected[wrong])}")
    weights = {f"body.{k}": (v.T if k.endswith(_TRANSPOSED) else v).float().contiguous() for k, v in found.items()}
    if not size.tied:
        assert head is not None
        if tuple(head.shape) != (size.vocab_size, size.n_embd):
            raise CheckpointError(
                f"{path}: lm_head.weight has shape {list(head.shape)}; config.json says [{size.vocab_size}, {size.n_embd}]"
            )
        weights["lm_head.weight"] = head.float().contiguous()
    if divided:
        _divide_queries(weights, size)
    model.load_state_dict(weights, strict=True, assign=True)
    return model.requires_grad_(True)
