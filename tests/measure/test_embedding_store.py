"""The store of task embeddings: found again byte for byte, never for another task or protocol, damage is made anew."""

import re

import numpy as np
import pytest

from breadth.data.formats import load
from breadth.data.task import task
from breadth.data.union import single
from breadth.errors import MeasureError
from breadth.measure.probe import probe
from breadth.measure.store import EmbeddingStore, default_store
from breadth.measure.task2vec import Task2Vec
from breadth.measure.tensors import read_tensors, write_tensors
from breadth.nets.build import Architecture

TASK = task(single(load("digits")), 0, ways=3, per_class=4)
PROBE = probe(Architecture("conv-stride", 4, 1, 8))


def files(folder):
    return sorted(p for p in folder.rglob("*") if p.is_file())


def no_work(self, task):
    raise AssertionError("embedded again")


def same(a, b):
    assert a.values.tobytes() == b.values.tobytes()
    assert a.items.tobytes() == b.items.tobytes()
    assert (a.layers, a.loss, a.doubt) == (b.layers, b.loss, b.doubt)


def test_a_stored_embedding_comes_back_without_work(tmp_path, monkeypatch):
    t2v = Task2Vec(PROBE, store=EmbeddingStore(tmp_path))
    first = t2v(TASK)
    assert len(files(tmp_path)) == 1
    monkeypatch.setattr(Task2Vec, "_embedded", no_work)
    same(t2v(TASK), first)


def test_nothing_is_stored_without_a_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Task2Vec(PROBE)(TASK)
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    "other",
    [
        lambda s: Task2Vec(probe(Architecture("conv-stride", 4, 1, 8), seed=1), store=s)(TASK),
        lambda s: Task2Vec(PROBE, ridge=0.2, store=s)(TASK),
        lambda s: Task2Vec(PROBE, "rademacher", store=s)(TASK),
        lambda s: Task2Vec(PROBE, "rademacher", draws=2, store=s)(TASK),
        lambda s: Task2Vec(PROBE, "rademacher", seed=1, store=s)(TASK),
        lambda s: Task2Vec(PROBE, store=s)(task(single(load("digits")), 1, ways=3, per_class=4)),
    ],
)
def test_another_task_or_protocol_has_a_file_of_its_own(tmp_path, other):
    store = EmbeddingStore(tmp_path)
    Task2Vec(PROBE, store=store)(TASK)
    other(store)
    assert len(files(tmp_path)) == 2


def test_a_damaged_file_is_made_again(tmp_path):
    t2v = Task2Vec(PROBE, store=EmbeddingStore(tmp_path))
    first = t2v(TASK)
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    for damage in (b"", b"no tensors", whole[:-8], whole[:-9] + b"?" + whole[-8:]):
        path.write_bytes(damage)
        same(t2v(TASK), first)
        assert path.read_bytes() != damage


def test_an_interrupted_write_leaves_the_older_file(tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"x": np.arange(3)}, {"k": "v"})
    monkeypatch.setattr("os.fsync", lambda fd: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_tensors(path, {"x": np.arange(4)}, {})
    arrays, meta = read_tensors(path, ["x"])
    assert (arrays["x"].tolist(), meta, files(tmp_path)) == ([0, 1, 2], {"k": "v"}, [path])


def test_an_absent_array_is_named_as_damage(tmp_path):
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"x": np.arange(3)}, {})
    message = f"'{path}' holds no readable embeddings (KeyError); delete it and embed the tasks again"
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        read_tensors(path, ["y"])


def test_the_default_place_follows_the_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_store() == tmp_path / "breadth" / "embeddings"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_store() == tmp_path / ".cache" / "breadth" / "embeddings"
