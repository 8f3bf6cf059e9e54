"""The default probe of text: a small GPT-2, trained once on what every Python has, kept, and handed to the measure frozen."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable

from breadth.learn.language import LanguageSettings, language_model_of, train_language
from breadth.measure.text.default import SEED, TOKENS, cached_text_probe, default_place
from breadth.measure.text.probe import DEFAULT_SIZE, TextProbe
from breadth.nets.gpt2 import save_gpt2

__all__ = ["default_text_probe"]

Report = Callable[[int, int], None]


def default_text_probe(*, report: Report | None = None, device: str = "cpu") -> TextProbe:
    """Return the default probe of text, trained on the CPU where this machine has none yet (half a minute), else read from the cache.

    The folder, under ``$XDG_CACHE_HOME/breadth/probes``, appears complete or not at all; training goes on where it was interrupted.
    report(done, total) counts tokens. Other Python versions have other documentation, hence another probe with another fingerprint.
    """
    folder, _, stream = default_place()
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        training = folder.with_name(f"{folder.name}.training")
        settings = LanguageSettings(tokens=TOKENS)
        trained = train_language(stream, DEFAULT_SIZE, settings, seed=SEED, folder=training, report=report)
        new = tempfile.mkdtemp(dir=folder.parent)
        save_gpt2(language_model_of(trained), new)
        try:
            os.replace(new, folder)
        except OSError:
            # Another process was faster; its weights are the same.
            shutil.rmtree(new)
            if not folder.is_dir():
                raise
        shutil.rmtree(training, ignore_errors=True)
    return cached_text_probe(device)
