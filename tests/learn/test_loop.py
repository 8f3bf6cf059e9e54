"""Schedules, the convergence test, and resuming: bitwise the uninterrupted run, also after a real kill."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from breadth.data.union import single
from breadth.errors import BreadthError, CheckpointError
from breadth.learn import checkpoint
from breadth.learn.maml import MamlSettings, meta_train
from breadth.learn.pretrain import PretrainSettings, batches, pretrain
from breadth.learn.schedule import learning_rate, windows_since_best
from breadth.learn.trained import load_trained
from breadth.nets.build import Architecture

ARCH = Architecture(filters=4, channels=1, size=8)
PT = PretrainSettings(images=12 * 16, batch=16, window=5)
FO = MamlSettings(tasks=10, meta_batch=2, window=3)


def same(a, b):
    return (
        a.weights.keys() == b.weights.keys()
        and all(torch.equal(v, b.weights[k]) for k, v in a.weights.items())
        and a.history == b.history
        and a.stopped == b.stopped
        and a.cost["images"] == b.cost["images"]
    )


def train(kind, data, folder=None, report=None, seed=0):
    if kind == "pretrain":
        return pretrain(data, ARCH, PT, seed=seed, folder=folder, report=report, save_every=0)
    return meta_train(
        single(data), ARCH, FO if kind == "maml" else replace(FO, order=2), seed=seed, folder=folder, report=report, save_every=0
    )


@pytest.mark.parametrize("kind", ["pretrain", "maml", "maml2"])
def test_an_interrupted_run_resumes_to_the_same_bits(digits, tmp_path, kind):
    straight = train(kind, digits[0])
    seen = []

    def interrupt(done, total):
        seen.append((done, total))
        if len(seen) in (2, 3, 5):
            raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            train(kind, digits[0], tmp_path, interrupt)
    resumed = train(kind, digits[0], tmp_path, interrupt)
    total = straight.cost["steps"]
    assert [d for d, _ in seen] == [1, 2, 2, 2, 3, *range(3, total + 1)]
    assert {t for _, t in seen} == {total}
    assert same(straight, resumed)
    assert same(straight, load_trained(tmp_path))
    assert not same(straight, train(kind, digits[0], seed=1))


def test_a_finished_run_is_returned_without_training(digits, tmp_path):
    first = train("pretrain", digits[0], tmp_path)
    calls = []
    again = train("pretrain", digits[0], tmp_path, lambda d, t: calls.append((d, t)))
    assert calls == [(12, 12)]
    assert same(first, again)
    assert again.cost == first.cost


RUN = """
import sys, pathlib, torch
torch.set_num_threads(1)
sys.path.insert(0, sys.argv[1])
from test_loop import load_digits, train
train(sys.argv[2], load_digits(), pathlib.Path(sys.argv[3]))
"""


def load_digits():
    import numpy as np

    from breadth.data.formats import load

    everything = load("digits")
    return everything.select(np.flatnonzero(everything.labels < 5), "digits 0-4")


@pytest.mark.parametrize("kind", ["pretrain", pytest.param("maml", marks=pytest.mark.slow)])
def test_a_killed_process_resumes_to_the_same_bits(digits, tmp_path, kind):
    command = [sys.executable, "-c", RUN, os.path.dirname(__file__), kind, str(tmp_path)]
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
    while not checkpoint.exists(tmp_path):
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not checkpoint.load(tmp_path)[1]["finished"]
    assert same(train(kind, digits[0]), train(kind, digits[0], tmp_path))


def test_a_folder_of_another_run_is_refused(digits, tmp_path):
    train("pretrain", digits[0], tmp_path)
    with pytest.raises(CheckpointError) as e:
        train("pretrain", digits[0], tmp_path, seed=1)
    assert str(e.value) == (
        f"checkpoint '{tmp_path}' belongs to another run: its seed is 0, this run's is 1; give another folder or delete this one"
    )


def test_an_unfinished_checkpoint_is_no_result(digits, tmp_path):
    def stop(done, _total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("pretrain", digits[0], tmp_path, stop)
    with pytest.raises(CheckpointError) as e:
        load_trained(tmp_path)
    assert str(e.value) == f"checkpoint '{tmp_path}' is unfinished (step 2); run the same command to resume it"


def test_divergence_is_an_error(digits):
    with pytest.raises(BreadthError) as e:
        pretrain(digits[0], ARCH, replace(PT, lr=1e30, schedule="constant"), seed=0)
    assert str(e.value) == (
        "training diverged: the loss is nan in the 5 steps before step 5; lower the learning rate or the inner learning rate"
    )


def test_divergence_is_the_same_error_where_a_checkpoint_falls_within_the_window(digits, tmp_path):
    with pytest.raises(BreadthError) as e:
        pretrain(digits[0], ARCH, replace(PT, lr=1e30, schedule="constant"), seed=0, folder=tmp_path, save_every=0)
    assert re.fullmatch(
        r"training diverged: the loss is (nan|inf) in the [1-4] steps before step [1-4]; "
        "lower the learning rate or the inner learning rate",
        str(e.value),
    )


def test_a_plateau_stops_training(digits):
    settings = PretrainSettings(
        optimizer="adam", lr=1e-9, schedule="constant", stop="converged", patience=2, window=5, batch=16, images=16 * 500
    )
    trained = pretrain(digits[0], ARCH, settings, seed=0)
    assert trained.stopped == "converged"
    assert trained.cost["steps"] < 500
    assert trained.cost["images"] == 16 * trained.cost["steps"]
    assert windows_since_best([h["loss"] for h in trained.history], 0) == 2


@pytest.mark.parametrize(
    "losses, tolerance, expected",
    [
        ([], 0, 0),
        ([3], 0, 0),
        ([3, 2, 1], 0, 0),
        ([3, 2, 2], 0, 1),
        ([3, 1, 2, 1.5], 0, 2),
        ([3, 2.9, 2.8], 0.1, 2),
        ([3, 4, 2], 0, 0),
    ],
)
def test_windows_since_best(losses, tolerance, expected):
    assert windows_since_best(losses, tolerance) == expected


def test_onecycle_is_that_of_pytorch():
    p = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([p], lr=1.0)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, total_steps=50, cycle_momentum=False)
    for t in range(50):
        assert learning_rate("onecycle", 6e-3, t, 50) == pytest.approx(scheduler.get_last_lr()[0], rel=1e-9)
        optimizer.step()
        if t < 49:
            scheduler.step()


def test_cosine_and_constant():
    assert [learning_rate("constant", 0.1, t, 4) for t in range(4)] == [0.1] * 4
    assert [learning_rate("cosine", 0.1, t, 4) for t in (0, 2)] == [pytest.approx(0.1), pytest.approx(0.05)]


def test_batches_cover_every_item_before_any_comes_back():
    rows = batches(10, 4, 0)
    flat = [r for t in range(10) for r in rows(t).tolist()]
    assert all(sorted(flat[i : i + 10]) == list(range(10)) for i in range(0, 40, 10))
    assert batches(10, 4, 0)(7).tolist() == rows(7).tolist()
    assert batches(3, 8, 0)(0).shape == (8,)
    assert flat != [r for t in range(10) for r in batches(10, 4, 1)(t).tolist()]
