"""A small study of text that finishes in seconds, on corpora that the tests write: words of a domain's own among common ones."""

import gzip
import json

from breadth.seeds import generator

DOMAINS = ("north", "south", "east", "west")
HELD_OUT = ("moon", "star")
COMMON = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "is",
    "that",
    "it",
    "for",
    "on",
    "with",
    "as",
    "was",
    "at",
    "by",
    "this",
    "from",
    "or",
    "an",
    "be",
]


def words_of(name, count=60):
    """Invented words of a domain: each has letters of its own."""
    rng = generator(7, "words", name)
    letters = list(rng.permutation(list("abcdefghijklmnopqrstuvwxyz"))[:9])
    return ["".join(rng.choice(letters, rng.integers(3, 9))) for _ in range(count)]


def documents_of(name, count, length=30):
    """Documents of a domain: half of its own words, half common ones."""
    rng, own = generator(7, "documents", name), words_of(name)
    return [" ".join(str(rng.choice(own if rng.random() < 0.5 else COMMON)) for _ in range(length)) + "." for _ in range(count)]


def write_corpora(folder, count=130):
    """Write all corpora, one of them gzipped and one as JSON lines; return their [data.*] tables."""
    tables = {}
    for name in (*DOMAINS, *HELD_OUT, "outside"):
        texts = documents_of(name, count)
        if name == "south":
            (folder / "south.txt.gz").write_bytes(gzip.compress("\n".join(texts).encode(), mtime=0))
            tables[name] = {"load": "south.txt.gz"}
        elif name == "east":
            (folder / "east.jsonl").write_text("\n".join(json.dumps({"id": 1, "body": t}) for t in texts), encoding="utf-8")
            tables[name] = {"load": "east.jsonl", "text_col": "body"}
        else:
            (folder / f"{name}.txt").write_text("\n".join(texts), encoding="utf-8")
            tables[name] = {"load": f"{name}.txt", "by": "line"}
    return tables


def small_text(folder, tables, **parts):
    """Return the tables of the small study: 8 training sets of 12,000 byte tokens, two sizes of a model."""
    size = {"kind": "language", "n_embd": 16, "n_head": 2, "tokens": 2048, "batch": 4}
    return {
        "name": "small-text",
        "title": "A study of text for tests",
        "data_root": str(folder),
        "hypothesis": {"learner": "tiny", "outcome": "loss", "condition": "bits-per-byte", "probe": "trained"},
        "text": {"length": 32, "sequences": 8},
        "data": tables,
        "training": {"tokens": 12_000},
        "design": {"domains": list(DOMAINS), "levels": [1, 2]},
        "learner": [
            {**size, "name": "tiny", "n_layer": 1, "seeds": [0, 1]},
            {**size, "name": "deep", "n_layer": 2, "seeds": [0]},
        ],
        "probe": [
            {
                "name": "trained",
                "kind": "gpt2",
                "n_embd": 16,
                "n_layer": 1,
                "n_head": 2,
                "weights": "trained",
                "data": ["outside"],
                "tokens": 1024,
            },
            {"name": "random", "kind": "gpt2", "n_embd": 16, "n_layer": 1, "n_head": 2},
        ],
        "measure": {"tasks": 6},
        "evaluation": {"data": list(HELD_OUT), "documents": 5, "bytes": 600},
        **parts,
    }
