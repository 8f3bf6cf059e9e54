"""Embeddings of given values, without a probe, for tests of what is computed from embeddings."""

import numpy as np

from breadth.measure.embeddings import Embeddings
from breadth.measure.protocol import Protocol

PROTOCOL = Protocol(
    probe="made",
    probe_fingerprint="p" * 64,
    size=16,
    channels=1,
    estimator="exact",
    draws=1,
    estimator_seed=0,
    precision="float32",
    head="ridge",
    ridge=0.1,
    published="",
    convention="source-then-classes",
    tasks=0,
    ways=5,
    per_class=5,
    seed=0,
    version="0",
)


def made(values, *, first=0, **protocol):
    """Embeddings of given values [M, D]; first: row number of the first item, which tells tasks apart."""
    m = len(values)
    stored = {"source": "made", "source_digest": "unknown", **PROTOCOL.as_dict(), "tasks": m} | protocol
    stored = {**stored, "fingerprint": Protocol.of(stored).fingerprint}
    items = first + np.arange(2 * m).reshape(m, 2)
    return Embeddings(np.asarray(values, float), items, ("",) * m, np.ones(m), np.ones(m), stored)


def gamma(m, d=60, seed=0, shape=1.0, **protocol):
    """Embeddings whose numbers are independent gamma variables."""
    return made(np.random.default_rng(seed).gamma(shape, 1.0, (m, d)), **protocol)
