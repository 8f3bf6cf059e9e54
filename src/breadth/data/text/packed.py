"""Token streams for training: documents of a corpus in a seeded order, joined by the end token, none of them twice."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator

import numpy as np

from breadth.data.text.batches import HELD_BYTES
from breadth.data.text.corpus import Corpus
from breadth.data.text.tokens import Tokeniser
from breadth.errors import DataError
from breadth.seeds import generator

__all__ = ["tokens_held", "training_tokens"]

# Documents that are shuffled among each other: whole books would else be cut at the same place under every seed.
PIECE = 4096
# Documents of so many tokens are used once. Shorter ones, a speaker's "Ay, my lord." for one, come again by nature.
ONCE = 64


def _pieces(corpus: Corpus, tokeniser: Tokeniser) -> Iterator[np.ndarray]:
    """Documents with their end, copies left out; long ones in pieces, of which only the last has it."""
    seen = set()
    for text in corpus.documents():
        tokens = np.append(tokeniser.encode(text), np.int32(tokeniser.end))
        if len(tokens) > ONCE:
            digest = hashlib.sha256(tokens.tobytes()).digest()
            if digest in seen:
                continue
            seen.add(digest)
        yield from (tokens[at : at + PIECE] for at in range(0, len(tokens), PIECE))


def tokens_held(corpus: Corpus, tokeniser: Tokeniser) -> int:
    """Return how many tokens a corpus has for training, ends of documents included."""
    return sum(map(len, _pieces(corpus, tokeniser)))


def training_tokens(corpus: Corpus, tokeniser: Tokeniser, tokens: int, seed: int) -> np.ndarray:
    """Return ``tokens`` tokens of a corpus, int32 [tokens]: documents (long ones in pieces of 4096 tokens) in an order of ``seed``.

    No document of 64 tokens or more comes twice, even where the corpus repeats it; the last document is cut where the number is
    reached. A corpus whose tokens take more than 512 MiB is read twice instead of held. Raises DataError for one of fewer tokens.
    """
    sizes, size, held = array("q"), 0, list[np.ndarray]()
    for piece in _pieces(corpus, tokeniser):
        sizes.append(len(piece))
        size += piece.nbytes
        if size <= HELD_BYTES:
            held.append(piece)
        else:
            held.clear()
    order = generator(seed, "training tokens", corpus.digest).permutation(len(sizes))
    ends = np.cumsum(np.array(sizes)[order])
    if ends[-1] < tokens:
        raise DataError(
            f"'{corpus.name}' holds {ends[-1]:,} tokens; {tokens:,} were asked for, and no text is used twice: ask for fewer, or leave it out"
        )
    wanted = order[: int(np.searchsorted(ends, tokens)) + 1].tolist()
    found = dict(enumerate(held))
    if not found:
        some = frozenset(wanted)
        # Copies, since a piece would hold its whole document.
        found = {i: piece.copy() for i, piece in enumerate(_pieces(corpus, tokeniser)) if i in some}
    return np.concatenate([found[i] for i in wanted])[:tokens]
