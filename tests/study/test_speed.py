"""Tokens a second of language models: told beside the time left and kept in the record, of one attempt, never of what an earlier one did."""

import re
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from breadth.cli import run as command
from breadth.learn import language
from breadth.study.engine import run_all
from breadth.study.engines import agenda as agenda_of
from breadth.study.engines.agenda import Agenda, AtWork, Progress
from breadth.study.plan import plan_study
from breadth.study.run import execute
from breadth.study.runspec import RunSpec
from breadth.study.spec import Study
from breadth.study.speed import Speed
from breadth.study.store import Store
from study.small import as_toml
from study.text_small import small_text, write_corpora


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """A run that trains on 100,000 tokens, and the folder of its corpora."""
    folder = tmp_path_factory.mktemp("text")
    tables = small_text(folder, write_corpora(folder))
    tables["learner"][0]["tokens"] = 100_000
    return plan_study(Study.model_validate(tables)).scores["1x-north-1", "tiny", 0], folder


def test_what_was_done_before_the_attempt_does_not_count():
    now = iter([100.0, 101.0, 104.0])
    speed = Speed(lambda: next(now))
    rates = []
    for done in (50_000, 60_000, 70_000):
        speed.note(done)
        rates.append(speed.rate)
    assert rates == [None, 10_000.0, 5_000.0]


def test_two_reports_in_one_tick_of_the_clock_tell_nothing():
    speed = Speed(lambda: 1.0)
    speed.note(1)
    speed.note(2)
    assert speed.rate is None


def test_each_language_model_is_told_with_its_rate_and_all_with_their_sum(tmp_path):
    runs = [RunSpec(kind, f"arm {kind}", {}) for kind in ("text-train", "text-probe", "train", "text-measure")]
    told = []
    agenda = Agenda(runs, Store(tmp_path), told.append)
    agenda.tell([AtWork(r, 0.5, 10_800.4) for r in runs])
    agenda.tell([AtWork(runs[0], 0.5), AtWork(runs[2], 0.5, 3.0)])
    assert told[0].running == (
        "text-train arm text-train, 10,800 tokens/s",
        "text-probe arm text-probe, 10,800 tokens/s",
        "train arm train",
        "text-measure arm text-measure",
    )
    assert told[0].tokens_per_second == 21_600.8
    assert told[1].running == ("text-train arm text-train", "train arm train")
    assert told[1].tokens_per_second is None


@pytest.mark.parametrize(("resumed", "left"), [(True, 40.0), (False, 20 / 3)])
def test_the_time_left_takes_no_credit_for_what_an_earlier_attempt_did(tmp_path, monkeypatch, resumed, left):
    """Half of the work was done before, a tenth in the ten seconds since: four tenths are left."""
    run, store = RunSpec("text-train", "arm", {}, seconds=90.0), Store(tmp_path)
    folder = store.begin(run)
    if resumed:
        (folder / "checkpoint").mkdir()
    seconds, told = [100.0], []
    monkeypatch.setattr(agenda_of, "time", SimpleNamespace(monotonic=lambda: seconds[0]))
    agenda = Agenda([run], store, told.append)
    assert agenda.next().run == run
    agenda.tell([AtWork(run)])
    agenda.tell([AtWork(run, 0.5)])
    seconds[0] += 10
    agenda.tell([AtWork(run, 0.6)])
    assert [p.fraction for p in told] == [0.0, 0.5, 0.6]
    assert told[-1].seconds_left == pytest.approx(left)


def test_a_worker_tells_its_rate_while_it_trains(planned, tmp_path):
    run, folder = planned
    told = []
    run_all([run], Store(tmp_path), folder, report=told.append)
    rates = [p.tokens_per_second for p in told if p.tokens_per_second]
    assert rates
    assert all(100 < rate < 10_000_000 for rate in rates)
    shown = [name for p in told for name in p.running if p.tokens_per_second]
    assert all(re.fullmatch(r"text-train 1x-north-1 tiny seed 0, [\d,]+ tokens/s", name) for name in shown), shown


class Interrupted(Exception):
    pass


def test_a_resumed_run_keeps_the_rate_of_the_attempt_that_ended_it(planned, tmp_path, monkeypatch):
    run, folder = planned
    store = Store(tmp_path)
    train = language.train

    def saving_often(*given, save_every, **named):
        return train(*given, save_every=0.05, **named)

    monkeypatch.setattr(language, "train", saving_often)
    store.begin(run)

    def interrupt(done, total):
        if done > 0.6 * total:
            raise Interrupted

    with pytest.raises(Interrupted):
        execute(run, store, folder, device="cpu", report=interrupt)
    monkeypatch.undo()
    seen = []
    execute(run, store, folder, device="cpu", report=lambda done, total: seen.append((time.monotonic(), done)))
    (first, before), (last, after) = seen[0], seen[-1]
    assert before > 0.5 * after
    cost = store.result(run)["cost"]
    assert cost["tokens"] == after
    assert cost["tokens_per_second"] == pytest.approx((after - before) / (last - first), rel=0.05)


def test_the_command_shows_the_sum_beside_the_time_left(planned, tmp_path, monkeypatch):
    _, folder = planned
    tables = small_text(folder, write_corpora(folder))
    (tmp_path / "s.toml").write_text(as_toml(tables), encoding="utf-8")
    shown = []

    @contextmanager
    def bar(what, *, quiet):
        yield lambda fraction, left, now: shown.append(now)

    def told(runs, store, data_root, *, report, **_):
        report(Progress(79, 244, 0.59, 2580.0, ("text-train a, 10,800 tokens/s", "text-train b, 10,700 tokens/s"), 21_500.0))
        report(Progress(0, 244, 0.0, float("nan"), ("text-probe trained",)))
        return 0

    monkeypatch.setattr(command, "progress_bar", bar)
    monkeypatch.setattr(command, "run_all", told)
    command.run(tmp_path / "s.toml", tmp_path / "runs")
    assert shown == [
        "79/244 runs, 21,500 tokens/s; text-train a, 10,800 tokens/s; text-train b, 10,700 tokens/s",
        "0/244 runs; text-probe trained",
    ]
