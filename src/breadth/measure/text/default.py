"""Where the default probe of text lies once it has been trained: this room may not train, it is handed the weights frozen."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from breadth.errors import MeasureError
from breadth.measure.store import default_store
from breadth.measure.text.probe import DEFAULT_SIZE, TextProbe, corpus_of_python, text_probe_of
from breadth.nets.gpt2 import load_gpt2

__all__ = ["SEED", "TOKENS", "TRAINING_SECONDS", "cached_text_probe", "default_place"]

# Enough for half the loss that a small GPT-2 can lose on bytes, in half a minute of one core.
TOKENS, SEED = 300_000, 0
# Of one core, about.
TRAINING_SECONDS = 27
# Goes up whenever training gives other weights.
TRAINED_AS = 1


def default_place() -> tuple[Path, str, np.ndarray]:
    """Return the folder of the default probe, named by a hash of all that its weights follow from, its name and its training tokens."""
    corpus, stream = corpus_of_python()
    sha = hashlib.sha256(json.dumps([TRAINED_AS, asdict(DEFAULT_SIZE), TOKENS, SEED]).encode())
    sha.update(stream.tobytes())
    folder = default_store().parent / "probes" / sha.hexdigest()[:16]
    return folder, f"GPT-2 of {DEFAULT_SIZE.parameters() / 1e6:.1f}M ({corpus})", stream


def cached_text_probe(device: str = "cpu") -> TextProbe:
    """Return the default probe. Raises MeasureError where it has not been trained on this machine yet."""
    folder, name, _ = default_place()
    if not folder.is_dir():
        raise MeasureError(
            "the default probe of text has not been trained here yet; call breadth.study.text_probe.default_text_probe() once (half a "
            "minute), or give a probe: breadth.measure.text.probe.text_probe(FOLDER)"
        )
    return text_probe_of(load_gpt2(folder), name, device=device)
