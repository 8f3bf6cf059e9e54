"""The probe of text: a frozen GPT-2 body with a head of its own, identified by a fingerprint of its weights."""

from __future__ import annotations

import hashlib
import json
import platform
import sysconfig
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from breadth.data.text.corpus import corpus_of
from breadth.data.text.packed import training_tokens
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
        return self.gpt2(tokens).flatten(1)  # type: ignore[no-any-return]


@dataclass(frozen=True, eq=False)
class TextProbe:
    """A frozen body in eval mode and the head that tuning starts from, [vocabulary, n_embd]: a copy, where published files tie it.

    vocabulary: whether the rows of words and positions count; they are a third of the published vector and make the coefficient largely a
    count of shared words. layers: (name, filters) in the order of the embedding.
    """

    body: Flat
    head: Tensor
    name: str
    fingerprint: str
    layers: tuple[tuple[str, int], ...]
    vocabulary: bool = False

    @property
    def size(self) -> Gpt2Size:
        """Numbers of the network."""
        return self.body.gpt2.size

    @property
    def device(self) -> torch.device:
        """Where the weights lie; batches are moved there."""
        return self.head.device


def text_probe_of(model: LanguageModel, name: str, *, vocabulary: bool = False, device: str = "cpu") -> TextProbe:
    """Return a probe from a language model, which is used up by it. The fingerprint covers body, head and ``vocabulary``."""
    body = Flat(model.body).to(device).eval().requires_grad_(False)
    head = model.head.detach().clone().to(device)
    sha = hashlib.sha256(json.dumps([asdict(model.body.size) | {"tied": None}, vocabulary]).encode())
    for key, value in [*sorted(body.state_dict().items()), ("head", head)]:
        sha.update(f"\n{key} {list(value.shape)}\n".encode())
        sha.update(value.cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return TextProbe(body, head, name, sha.hexdigest(), layer_sizes(body, vocabulary), vocabulary)


def random_text_probe(size: Gpt2Size = DEFAULT_SIZE, seed: int = 0, *, vocabulary: bool = False, device: str = "cpu") -> TextProbe:
    """Return a probe with the weights that training would start from."""
    return text_probe_of(gpt2(size, seed), f"GPT-2 (random, seed {seed})", vocabulary=vocabulary, device=device)


def text_probe(folder: str | Path, *, vocabulary: bool = False, device: str = "cpu") -> TextProbe:
    """Return a probe from a folder as the Hub serves GPT-2, see ``load_gpt2``."""
    return text_probe_of(load_gpt2(folder), f"GPT-2 ({Path(folder).resolve().name})", vocabulary=vocabulary, device=device)


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
    total = sum(len(BYTES.encode(d)) + 1 for d in documents)
    return name, training_tokens(corpus, BYTES, total, 0)
