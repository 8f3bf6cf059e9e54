"""The other metrics see the items of the tasks: equally many of each source, with one kernel width, whatever the memory."""

import numpy as np
import pytest

from breadth.data.images import to_float
from breadth.data.union import single
from breadth.measure.diversity import embed
from breadth.measure.fisher import features_of
from breadth.measure.items import chosen_rows, rival_panels
from breadth.measure.probe import probe
from breadth.measure.rivals.kernel import median_distance
from breadth.measure.rivals.vendi import vendi
from breadth.measure.task2vec import Task2Vec
from breadth.nets.build import Architecture
from measure.embedded import made
from measure.small import source

NET = probe(Architecture("conv-stride", 4, 1, 8), 0)


def features(s, rows):
    import torch

    return features_of(NET.body, torch.from_numpy(to_float(s.inputs[rows]))).double().numpy()


def test_equally_many_different_rows_of_the_tasks():
    few, many = made(np.ones((4, 3))), made(np.ones((20, 3)), first=100)
    for limit, n in ((300, 8), (5, 5)):
        rows = chosen_rows([few, many], limit, 0)
        for chosen, e in zip(rows, (few, many), strict=True):
            assert len(chosen) == n
            assert chosen.tolist() == sorted(set(chosen.tolist()))
            assert set(chosen.tolist()) <= set(e.items.ravel().tolist())


def test_the_seed_decides_which_rows():
    e = made(np.ones((20, 3)))
    a, b, again = (chosen_rows([e], 10, seed)[0].tolist() for seed in (0, 1, 0))
    assert a == again != b


def test_one_kernel_width_for_all_sources():
    s = [source("a"), source("b", seed=1, spread=90)]
    rows = [np.arange(0, 96, 4), np.arange(1, 96, 4)]
    panels = rival_panels(s, rows, NET, seed=0, memory=None)
    x = [features(*pair) for pair in zip(s, rows, strict=True)]
    width = median_distance(np.concatenate(x))
    for f, panel in zip(x, panels, strict=True):
        (shown,) = [r for r in panel if r.name == "Vendi q=1, rbf"]
        assert shown.estimate.value == pytest.approx(vendi(f, kernel="rbf", sigma=width), rel=1e-9)
        assert shown.estimate.value != pytest.approx(vendi(f, kernel="rbf", sigma=median_distance(f)), rel=1e-4)
    assert [r.name for r in panels[0]] == [r.name for r in panels[1]]


def test_memory_changes_nothing():
    s, rows = source("a"), np.arange(0, 96, 5)
    (plain,), (tight,) = (rival_panels([s], [rows], NET, seed=0, memory=m) for m in (None, 1))
    for r, t in zip(plain, tight, strict=True):
        assert t.estimate.value == pytest.approx(r.estimate.value, rel=1e-5), r.name


def test_items_of_one_class_have_no_gradient_score():
    s = source("a")
    (one,), (two,) = (rival_panels([s], [rows], NET, seed=0, memory=None) for rows in (np.arange(12), np.arange(24)))
    assert "G-Vendi" not in [r.name for r in one]
    assert "G-Vendi" in [r.name for r in two]


def test_the_panel_is_of_items_that_were_measured():
    s = source("a")
    e = embed(single(s), Task2Vec(NET), tasks=3, ways=3, per_class=4, seed=0)
    (rows,) = chosen_rows([e], 300, 0)
    assert rows.tolist() == np.unique(e.items).tolist()
