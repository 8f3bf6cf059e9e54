"""Measures behind docs/results/text.md: real packs of text, references, mixtures, GINC, two more probes, a tokeniser of pieces of words.

OMP_NUM_THREADS=1 python docs/results/text.py PACKS [--tasks 12] [--sequences 16] [--draws 2] [--store FOLDER] [--only NAME] [--json FILE]

PACKS: the folder of *.txt.gz packs. Finished embeddings are kept in the store: the same command goes on where it was interrupted. At the sizes
given here about 15 minutes of one core. Prints the tables in Markdown; --json keeps every number.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import stats

from breadth.data.text.batches import Batches
from breadth.data.text.corpus import read_corpus
from breadth.data.text.generated import Ginc
from breadth.data.text.mixture import Mixed
from breadth.data.text.places import TextReading, text_source
from breadth.data.text.tokens import BYTES, tokeniser
from breadth.learn.language import LanguageSettings, language_model_of, train_language
from breadth.measure.store import default_store
from breadth.measure.text.default import default_place
from breadth.measure.text.embed import Text2Vec, embed_draws
from breadth.measure.text.probe import random_text_probe, text_probe_of
from breadth.measure.text.survey import TextSettings, measure_text, value_of
from breadth.nets.gpt2 import Gpt2Size
from breadth.stats.interval import mean
from breadth.study.text_probe import default_text_probe

# Corpora that have little in common: code, law in German, songs in ABC notation, logs, verses in Basque.
UNLIKE = (
    ("python_sklearn", "german_law"),
    ("ag_news", "python_sklearn", "german_law"),
    ("system_logs", "bible_basque", "gsm8k", "latex_stacks"),
)
CONCEPTS = (1, 2, 5, 10, 50, 500, 5000)
VOCABULARIES = (50, 100, 200, 500, 1000, 2000, 4000)
LANGUAGES = range(6)
PIECES = 4096


def corpus(packs, name):
    return Batches(read_corpus(packs / f"{name}.txt.gz"), BYTES)


def measured(sources, probe, settings, scale=False):
    """Return name -> numbers of each source, one measurement for all; the references under their own names."""
    sources = list(sources)
    result = measure_text(
        sources, probe, replace(settings, scale=scale), first=lambda name, value: print(f"  {name}", file=sys.stderr)
    )
    found = {}
    for s in result.sources:
        plain, rows, half = s.plain, s.with_rows, s.split_half
        found[s.name] = {
            "corrected": [plain.corrected.value, plain.corrected.low, plain.corrected.high],
            "plain": plain.diversity.value,
            "noise": plain.floor.value,
            "with_rows": [rows.corrected.value, rows.corrected.low, rows.corrected.high],
            "split_half": [half.value, half.low, half.high],
            "loss": s.loss,
        }
    if result.scale is not None:
        for name in ("floor", "uniform", "ceiling"):
            v = getattr(result.scale, name)
            c = v.corrected
            found[f"({name})"] = {"corrected": [c.value, c.low, c.high], "plain": v.diversity.value, "noise": v.floor.value}
    return found, result


def spearman(x, y, repeats=2000):
    """Return Spearman's rank correlation with its bootstrap interval over the points."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    rng = np.random.default_rng(0)
    drawn = [rng.integers(len(x), size=len(x)) for _ in range(repeats)]
    found = [stats.spearmanr(x[i], y[i]).statistic for i in drawn if len(set(x[i])) > 1 and len(set(y[i])) > 1]
    return [float(stats.spearmanr(x, y).statistic), *np.percentile(found, [2.5, 97.5]).tolist()]


def packs_of(packs):
    return sorted(p.name.removesuffix(".txt.gz") for p in packs.glob("*.txt.gz"))


def other_probe():
    """A probe of another shape, seed and half as much training."""
    size = Gpt2Size(vocab_size=BYTES.vocabulary, n_positions=128, n_embd=96, n_layer=3, n_head=4, tied=False)
    trained = train_language(default_place()[2], size, LanguageSettings(tokens=150_000), seed=1)
    return text_probe_of(language_model_of(trained), "GPT-2 of another shape")


def real(packs, settings):
    found, _ = measured([corpus(packs, name) for name in packs_of(packs)], default_text_probe(), settings, scale=True)
    return found


def mixed(packs, settings):
    sources = {name: corpus(packs, name) for names in UNLIKE for name in names}
    mixtures = [
        Mixed([sources[n] for n in names], how=how, block=settings.sequences)
        for names in UNLIKE
        for how in ("concat", "interleave")
    ]
    for m in mixtures:
        m.name = f"{m.how} {m.name}"
    return measured(mixtures, default_text_probe(), settings)[0]


def probes(packs, settings):
    few = replace(settings, tasks=8)
    sources = [corpus(packs, name) for name in packs_of(packs)]
    return {
        name: measured(sources, probe, few, scale=True)[0]
        for name, probe in (("random weights", random_text_probe()), ("another shape", other_probe()))
    }


def ginc(packs, settings):
    bytes_, many = random_text_probe(), random_text_probe(Gpt2Size(PIECES, 128, 128, 4, 4, tied=False))
    found = {}
    for language in LANGUAGES:
        dial = [Ginc(c, 50, language=language) for c in CONCEPTS]
        found |= {f"concepts, {language}": measured(dial, bytes_, settings)[0]}
        dial = [Ginc(5, v, language=language) for v in VOCABULARIES]
        found |= {f"vocabulary, {language}": measured(dial, many, settings)[0]}
    return found


def pieces(packs, settings):
    """The references and some packs as pieces of words: where the published upper bound comes from."""
    import tokenizers

    stream = default_place()[2]
    text = bytes(stream[stream < 256].astype(np.uint8)).decode("utf-8", "replace")
    inner = tokenizers.ByteLevelBPETokenizer()
    inner.train_from_iterator(text.splitlines(), vocab_size=PIECES, special_tokens=["<|endoftext|>"], show_progress=False)
    with tempfile.TemporaryDirectory() as folder:
        inner.save(f"{folder}/tokenizer.json")
        cut = tokeniser(f"{folder}/tokenizer.json")
    probe = random_text_probe(Gpt2Size(cut.vocabulary, 128, 128, 4, 4, tied=False))
    places = [packs / f"{name}.txt.gz" for name in ("ag_news", "novel_moby_dick", "gsm8k", "system_logs")]
    sources = [text_source(place, TextReading(cut)) for place in [*places, "constant-tokens", "uniform-tokens"]]
    return measured(sources, probe, replace(settings, tasks=8))[0]


def head(packs, settings):
    """Draws and tuning: what each does to the noise and to what is left without it."""
    sources = [corpus(packs, "ag_news"), corpus(packs, "german_law"), text_source("constant-tokens"), text_source("uniform-tokens")]
    ways = {
        "8 draws": replace(settings, draws=8),
        "the probe's head": replace(settings, head_steps=0),
        "64 sequences": replace(settings, sequences=64, tasks=6),
        "4 sequences": replace(settings, sequences=4, tasks=24),
    }
    return {name: measured(sources, default_text_probe(), how)[0] for name, how in ways.items()}


def draws(packs, settings):
    """Intervals without noise from both draws of 20 batches of 64 sequences, and from one draw with a second of five batches."""
    found = {}
    for name in ("ag_news", "german_law", "movie_reviews"):
        e, both = embed_draws(corpus(packs, name), Text2Vec(default_text_probe(), draws=2), tasks=20, sequences=64, seed=0)
        ways = {
            "2 draws": value_of(e, both, 2),
            "1 draw, five batches again": value_of(replace(e, values=both[:, 0]), both[:5], 1),
            "the other draw, five other batches again": value_of(replace(e, values=both[:, 1]), both[5:10], 1),
        }
        for how, v in ways.items():
            c = v.corrected
            value = {"corrected": [c.value, c.low, c.high], "plain": v.diversity.value, "noise": v.floor.value}
            found.setdefault(how, {})[name] = value
    return found


def certain(values):
    """Return the share of the variance between sources that is no error of their values."""
    c = np.array([v["corrected"] for v in values])
    return 1 - (((c[:, 2] - c[:, 1]) / 4) ** 2).mean() / c[:, 0].var(ddof=1)


def shown(e):
    return f"{e[0]:.4f} [{e[1]:.4f}, {e[2]:.4f}]"


def print_values(found):
    print("| source | without noise | plain | noise | with vocabulary rows | split halves | loss |\n|---|---|---|---|---|---|---|")
    for name, v in sorted(found.items(), key=lambda item: item[1]["corrected"][0]):
        cells = [name, shown(v["corrected"]), f"{v['plain']:.4f}", f"{v['noise']:.4f}"]
        if "loss" in v:
            cells += [shown(v["with_rows"]), shown(v["split_half"]), f"{v['loss']:.2f}"]
        print(f"| {' | '.join(cells + [''] * (7 - len(cells)))} |")
    print()


def report(found):
    """Print every table there is, and the rank correlations that rest on them."""
    for section, values in found.items():
        print(f"\n## {section}\n")
        if all("corrected" in v for v in values.values()):
            print_values(values)
            continue
        for name, inner in values.items():
            print(f"{section}: {name}\n")
            print_values(inner)
    if {"real", "probes"} <= set(found):
        base = {k: v["corrected"][0] for k, v in found["real"].items() if not k.startswith("(")}
        for name, inner in found["probes"].items():
            agreement = spearman(list(base.values()), [inner[k]["corrected"][0] for k in base])
            print(f"rank agreement of the default probe with {name}: {shown(agreement)}; no error: "
                  f"{certain([found['real'][k] for k in base]):.0%}, {certain([inner[k] for k in base]):.0%}")  # fmt: skip
    if "ginc" in found:
        for dial, steps in (("concepts", CONCEPTS), ("vocabulary", VOCABULARIES)):
            for what in ("corrected", "with_rows"):
                y = np.array([[v[what][0] for v in found["ginc"][f"{dial}, {k}"].values()] for k in LANGUAGES])
                rho = mean(np.array([stats.spearmanr(steps, of_language).statistic for of_language in y]))
                print(
                    f"GINC, {dial}, {what}: Spearman {shown([rho.value, rho.low, rho.high])}, mean and t interval of {len(y)} languages"
                )
                print("  by step:", ", ".join(f"{step}: {value:.4f}" for step, value in zip(steps, y.mean(0), strict=True)))


SECTIONS = {"real": real, "mixed": mixed, "ginc": ginc, "pieces": pieces, "head": head, "draws": draws, "probes": probes}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packs", type=Path)
    parser.add_argument("--tasks", type=int, default=12)
    parser.add_argument("--sequences", type=int, default=16)
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--store", type=Path, default=default_store())
    parser.add_argument("--only", choices=SECTIONS, action="append")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    settings = TextSettings(asked.tasks, asked.sequences, asked.draws, store=asked.store, rivals=False)
    found = {}
    for name in asked.only or SECTIONS:
        started = time.process_time()
        print(name, file=sys.stderr)
        found[name] = SECTIONS[name](asked.packs, settings)
        print(f"{name}: {time.process_time() - started:.0f} CPU seconds", file=sys.stderr, flush=True)
        if asked.json:
            asked.json.write_text(json.dumps(found, indent=1))
    report(found)


if __name__ == "__main__":
    main()
