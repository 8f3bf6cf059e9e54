"""The probe of text: a frozen GPT-2 body with a head of its own, identified by a fingerprint of its weights."""

from __future__ import annotations

import hashlib
import json
import platform
import sysconfig
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from breadth.data.hub import told
from breadth.data.items import need
from breadth.data.text.corpus import corpus_of
from breadth.data.text.packed import tokens_held, training_tokens
from breadth.data.text.tokens import BYTES
from breadth.errors import MeasureError
from breadth.measure.rules.layers import layer_sizes
from breadth.nets.gpt2 import Gpt2, Gpt2Size, LanguageModel, gpt2, load_gpt2

__all__ = ["DEFAULT_SIZE", "Flat", "TextProbe", "corpus_of_python", "random_text_probe", "text_probe", "text_probe_of"]

# 0.8 million parameters: large enough to tell corpora apart, trained in half a minute.
DEFAULT_SIZE = Gpt2Size(vocab_size=BYTES.vocabulary, n_positions=128, n_embd=128, n_layer=4, n_head=4, tied=False)


class Flat(nn.Module):
    """A body whose features of a sequence are all its hidden states in one row: tokens [n, t] -> [n, t * n_embd]."""

    def __init__(self, body: Gpt2) -> None:
        super().__init__()
        self.gpt2 = body

    def forward(self, tokens: Tensor) -> Tensor:
        # Whoever records passes asks for attention by its definition, since fused kernels' gradients do not stack under vmap; on a CPU
        # nothing is stacked, and the fused kernel takes a quarter of the time forward.
        with sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]) if tokens.device.type == "cpu" else nullcontext():
            return self.gpt2(tokens).flatten(1)  # type: ignore[no-any-return]


@dataclass(frozen=True, eq=False)
class TextProbe:
    """A frozen body in eval mode and the head that tuning starts from, [vocabulary, n_embd]: a copy, where published files tie it.

    weights: SHA-256 (hex) of body and head. vocabulary: whether the rows of words and positions count; they are a third of the published
    vector and make the coefficient largely a count of shared words.
    """

    body: Flat
    head: Tensor
    name: str
    weights: str
    vocabulary: bool = False

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the weights and of what of them counts."""
        return hashlib.sha256(f"{self.weights} {self.vocabulary}".encode()).hexdigest()

    @cached_property
    def layers(self) -> tuple[tuple[str, int], ...]:
        """(name, filters) in the order of the embedding."""
        return layer_sizes(self.body, self.vocabulary)

    @property
    def size(self) -> Gpt2Size:
        """Numbers of the network."""
        return self.body.gpt2.size

    @property
    def device(self) -> torch.device:
        """Where the weights lie; batches are moved there."""
        return self.head.device


def text_probe_of(model: LanguageModel, name: str, *, vocabulary: bool = False, device: str = "cpu") -> TextProbe:
    """Return a probe from a language model, which is used up by it."""
    body = Flat(model.body).to(device).eval().requires_grad_(False)
    head = model.head.detach().clone().to(device)
    sha = hashlib.sha256(json.dumps(asdict(model.body.size) | {"tied": None}).encode())
    for key, value in [*sorted(body.state_dict().items()), ("head", head)]:
        sha.update(f"\n{key} {list(value.shape)}\n".encode())
        sha.update(value.cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return TextProbe(body, head, name, sha.hexdigest(), vocabulary)


def random_text_probe(size: Gpt2Size = DEFAULT_SIZE, seed: int = 0, *, vocabulary: bool = False, device: str = "cpu") -> TextProbe:
    """Return a probe with the weights that training would start from."""
    return text_probe_of(gpt2(size, seed), f"GPT-2 (random, seed {seed})", vocabulary=vocabulary, device=device)


def text_probe(place: str | Path, *, vocabulary: bool = False, device: str = "cpu", offline: bool = False) -> TextProbe:
    """Return a probe from a folder as the Hub serves GPT-2, see ``load_gpt2``, or from the Hub by name, as in "openai-community/gpt2".

    Raises MeasureError where there is neither, CheckpointError for files of another kind.
    """
    folder = Path(place)
    if not folder.is_dir():
        if str(place).startswith((".", "/", "~")) or str(place).count("/") != 1:
            raise MeasureError(
                f"probe '{place}' is no folder; expected one with config.json and model.safetensors of a GPT-2, a name on the Hub "
                "(USER/NAME), default or random"
            )
        hub = need("huggingface_hub", f"probe '{place}'")
        with told(f"probe '{place}'", "expected a folder, or the name of a GPT-2 on the Hub"):
            files = [
                hub.hf_hub_download(str(place), name, local_files_only=offline) for name in ("config.json", "model.safetensors")
            ]
        folder = Path(files[0]).parent
    name = Path(place).resolve().name if Path(place).is_dir() else str(place)
    return text_probe_of(load_gpt2(folder), f"GPT-2 ({name})", vocabulary=vocabulary, device=device)


def corpus_of_python(most: int = 3_000_000) -> tuple[str, np.ndarray]:
    """Return the name and byte tokens of a corpus that every Python has: the language's own documentation and standard library.

    At most ``most`` tokens; those of the documentation topics come whole, modules (of the library's top folder, by name) as far as they fit.
    Raises MeasureError where the interpreter came without its library's source.
    """
    from pydoc_data import topics

    library = Path(sysconfig.get_paths()["stdlib"])
    sources = sorted(library.glob("*.py"))
    if not sources:
        raise MeasureError(
            f"Python's library has no source in {library}, so no default probe can be trained; give --probe FOLDER or random"
        )
    documents = [text for _, text in sorted(topics.topics.items())]
    held = sum(map(len, documents))
    for path in sources:
        text = path.read_text(encoding="utf-8", errors="replace")
        held += len(text)
        if held > most:
            break
        documents.append(text)
    name = f"documentation and library of Python {platform.python_version()}"
    corpus = corpus_of(documents, name)
    return name, training_tokens(corpus, BYTES, tokens_held(corpus, BYTES), 0)
