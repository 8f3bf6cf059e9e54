"""Claims: one owner a run, whatever dies or sleeps, on one machine or on several."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from breadth.errors import StoreError
from breadth.study.engines import claim
from breadth.study.engines.agenda import Agenda, Ticket
from breadth.study.engines.claim import ClaimLost, Watch, current, take
from breadth.study.plan import RunSpec, plan_study
from breadth.study.store import Store
from breadth.study.toml import read_study
from breadth.study.worker import Worker

# A process that lives on another machine, as its claim says.
ELSEWHERE = {"host": "elsewhere", "machine": "another", "pid": 1, "started": "1", "since": 0.0, "stale_after": 120.0}


def foreign(folder, number=1, **changes):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"claim-{number}"
    path.write_text(json.dumps({**ELSEWHERE, "given_back": False, **changes}))
    return path


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands until it is moved on: clock.now += seconds."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr(claim.time, "monotonic", lambda: Clock.now)
    return Clock


def test_a_run_without_claim_is_free_and_one_with_is_not(tmp_path):
    watch = Watch()
    assert watch.free(tmp_path / "run") == 1
    held = take(tmp_path / "run", 1)
    assert watch.free(tmp_path / "run") is None
    held.give_back()
    assert watch.free(tmp_path / "run") == 2


def test_a_claim_says_who_has_the_run(tmp_path):
    held = take(tmp_path, 1, stale_after=40.0)
    seen = current(tmp_path)
    held.give_back()
    assert (seen.number, seen.claim) == (1, held.claim)
    assert (seen.claim.pid, seen.claim.stale_after, seen.claim.given_back) == (os.getpid(), 40.0, False)
    assert abs(seen.claim.since - time.time()) < 60
    assert current(tmp_path).claim.given_back


def test_one_of_many_that_try_at_once_has_the_claim(tmp_path):
    start, won = threading.Barrier(16), []

    def attempt():
        start.wait()
        won.append(take(tmp_path, 1))

    threads = [threading.Thread(target=attempt) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    owners = [held for held in won if held]
    assert (len(won), len(owners)) == (16, 1)
    owners[0].give_back()


def test_of_two_that_find_a_claim_stale_one_takes_over(tmp_path):
    """The slower one must not push out the claim that the faster one has just made."""
    foreign(tmp_path, given_back=True)
    faster, slower = Watch().free(tmp_path), Watch().free(tmp_path)
    assert (faster, slower) == (2, 2)
    held = take(tmp_path, faster)
    assert take(tmp_path, slower) is None
    held.confirm()
    assert Watch().free(tmp_path) is None
    held.give_back()


def test_a_claim_of_another_machine_is_stale_when_its_time_stands_still_for_as_long_as_it_says(tmp_path, clock):
    foreign(tmp_path)
    watch = Watch()
    assert watch.free(tmp_path) is None
    clock.now += 120.0
    assert watch.free(tmp_path) is None
    clock.now += 0.1
    assert watch.free(tmp_path) == 2


def test_a_heartbeat_starts_the_wait_anew(tmp_path, clock):
    path = foreign(tmp_path)
    watch = Watch()
    watch.free(tmp_path)
    clock.now += 100.0
    os.utime(path, (1.0, 1.0))  # whatever time it is there: only that it moved counts
    assert watch.free(tmp_path) is None
    clock.now += 100.0
    assert watch.free(tmp_path) is None
    clock.now += 21.0
    assert watch.free(tmp_path) == 2


def test_a_new_owner_starts_the_wait_anew(tmp_path, clock):
    watch = Watch()
    beat = os.stat(foreign(tmp_path)).st_mtime_ns
    watch.free(tmp_path)
    clock.now += 100.0
    os.utime(foreign(tmp_path, 2), ns=(beat, beat))
    assert watch.free(tmp_path) is None
    clock.now += 100.0
    assert watch.free(tmp_path) is None


def test_a_clock_that_is_wrong_elsewhere_does_no_harm(tmp_path, clock):
    os.utime(foreign(tmp_path, since=0.0), (1.0, 1.0))
    assert Watch().free(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"host": "x", "unknown": 1}'])
def test_a_claim_that_is_not_yet_written_is_someones(tmp_path, clock, text):
    (tmp_path / "claim-1").write_text(text)
    watch = Watch()
    assert watch.free(tmp_path) is None
    clock.now += claim.STALE_AFTER + 1
    assert watch.free(tmp_path) == 2


def sleeper():
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


def started(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def test_a_process_of_this_machine_has_its_run_until_it_is_dead(tmp_path, clock):
    process = sleeper()
    foreign(tmp_path, machine=claim._machine(), pid=process.pid, started=started(process.pid))
    watch = Watch()
    process.send_signal(signal.SIGSTOP)  # stopped, yet alive: no time is long enough
    assert watch.free(tmp_path) is None
    clock.now += 1e6
    assert watch.free(tmp_path) is None
    process.kill()
    deadline = time.time() + 10
    while watch.free(tmp_path) is None and time.time() < deadline:  # dead, and not yet reaped: this test is its parent
        time.sleep(0.01)
    assert watch.free(tmp_path) == 2
    process.wait()
    assert watch.free(tmp_path) == 2


def test_another_process_with_the_number_of_a_dead_one_is_not_the_owner(tmp_path):
    process = sleeper()
    try:
        foreign(tmp_path, machine=claim._machine(), pid=process.pid, started=str(int(started(process.pid)) - 1))
        assert Watch().free(tmp_path) == 2
    finally:
        process.kill()
        process.wait()


def test_a_claim_is_given_back_only_for_the_process_that_made_it(tmp_path):
    held = take(tmp_path, 1)
    claim.give_back(tmp_path, 1, os.getpid() + 1)
    assert Watch().free(tmp_path) is None
    claim.give_back(tmp_path, 1, os.getpid())
    assert Watch().free(tmp_path) == 2
    held.give_back()


def test_an_owner_touches_its_claim(tmp_path):
    held = take(tmp_path, 1, stale_after=0.4)
    os.utime(tmp_path / "claim-1", (1.0, 1.0))
    deadline = time.time() + 10
    while current(tmp_path).beat == 10**9 and time.time() < deadline:
        time.sleep(0.01)
    held.give_back()
    assert current(tmp_path).beat > 10**18


def test_an_owner_that_slept_too_long_notices(tmp_path):
    held = take(tmp_path, 1, stale_after=0.4)
    held.confirm()
    foreign(tmp_path, 2)
    with pytest.raises(ClaimLost):
        held.confirm()
    deadline = time.time() + 10
    while not held.lost and time.time() < deadline:
        time.sleep(0.01)
    with pytest.raises(ClaimLost):
        held.still_held()
    held.give_back()
    assert current(tmp_path).claim.host == "elsewhere"
    assert not current(tmp_path).claim.given_back


def line_probe(seed=0):
    return RunSpec("probe", f"line {seed}", {"kind": "line", "filters": 4, "weights": "random", "seed": seed})


def quiet(done, total):
    pass


def test_a_worker_claims_executes_and_leaves_only_the_record(tmp_path):
    run = line_probe()
    worker = Worker(tmp_path, Path("."), "cpu")
    assert worker.attempt(Ticket(run, 1), quiet).kind == "done"
    assert sorted(p.name for p in (tmp_path / run.run_id).iterdir()) == ["body.safetensors", "record.json", "spec.json"]


def test_a_run_that_another_finished_in_between_is_not_done_again(tmp_path):
    run = line_probe()
    worker = Worker(tmp_path, Path("."), "cpu")
    worker.attempt(Ticket(run, 1), quiet)
    record = tmp_path / run.run_id / "record.json"
    before = record.stat().st_mtime_ns
    assert worker.attempt(Ticket(run, 1), quiet).kind == "taken"
    assert record.stat().st_mtime_ns == before
    assert list(record.parent.glob("claim-*")) == []


def test_a_run_that_another_has_is_left_to_it(tmp_path):
    run = line_probe()
    foreign(tmp_path / run.run_id)
    assert Worker(tmp_path, Path("."), "cpu").attempt(Ticket(run, 1), quiet).kind == "taken"
    assert [p.name for p in (tmp_path / run.run_id).iterdir()] == ["claim-1"]


def test_a_worker_that_lost_its_run_writes_no_record(tmp_path, monkeypatch):
    """Frozen in the middle of the run, it wakes up when the run is another's."""
    run = line_probe()
    begin = Store.begin

    def sleep(self, run):
        foreign(self.folder(run), 2)
        return begin(self, run)

    monkeypatch.setattr(Store, "begin", sleep)
    assert Worker(tmp_path, Path("."), "cpu").attempt(Ticket(run, 1), quiet).kind == "taken"
    assert not Store(tmp_path).is_done(run)
    assert not current(tmp_path / run.run_id).claim.given_back


def test_a_run_that_failed_is_free_at_once(tmp_path):
    run = RunSpec("baseline", "none", {"name": "none", "evaluation": {}})
    outcome = Worker(tmp_path, Path("."), "cpu").attempt(Ticket(run, 1), quiet)
    assert outcome.kind == "crashed"
    assert Watch().free(tmp_path / run.run_id) == 2


def test_an_agenda_hands_out_needs_first_and_leaves_claimed_runs(tmp_path, monkeypatch):
    first, other = line_probe(0), line_probe(1)
    second = RunSpec("measure", "m", {}, (first.run_id,))
    foreign(tmp_path / other.run_id)
    agenda = Agenda([second, other, first], Store(tmp_path))
    assert agenda.next() == Ticket(first, 1)
    assert agenda.next() is None
    assert agenda.claimed() == ("probe line 1 @elsewhere",)
    Worker(tmp_path, Path("."), "cpu").attempt(Ticket(first, 1), quiet)
    agenda._look_at.clear()
    agenda.finished.add(first.run_id)
    assert agenda.next() == Ticket(second, 1)


def test_an_agenda_refuses_runs_that_need_what_nobody_does(tmp_path):
    run = RunSpec("measure", "m", {}, ("probe-x",))
    with pytest.raises(StoreError) as e:
        Agenda([run], Store(tmp_path))
    assert str(e.value) == f"{run.run_id} needs runs that the plan does not hold: probe-x"


PLAN = """
import os, sys, time
from pathlib import Path
from breadth.study.plan import RunSpec

root, count, workers = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
runs = [RunSpec("probe", f"line {i}", {"kind": "line", "filters": 4, "weights": "random", "seed": i}) for i in range(count)]
"""
# A pool like any other: what ``breadth run`` does.
POOL = """
from breadth.study.engine import run_all
from breadth.study.store import Store

print(run_all(runs, Store(root), Path("."), workers=workers))
"""
# Many processes for the price of loading torch once: each hands out runs to itself.
FORKS = """
import breadth.study.run
from breadth.study.engines.agenda import Agenda
from breadth.study.store import Store
from breadth.study.worker import Worker

for _ in range(workers):
    if os.fork() == 0:
        agenda, worker = Agenda(runs, Store(root)), Worker(root, Path("."), "cpu")
        while agenda.waiting:
            ticket = agenda.next()
            if ticket:
                agenda.settle(ticket.run, worker.attempt(ticket, lambda done, total: None))
            else:
                time.sleep(0.1)
        os.write(1, b"%d " % agenda.executed)
        os._exit(0)
for _ in range(workers):
    os.wait()
"""


def crowd(script, root, runs, processes, workers):
    """Let processes work through the same runs in one folder at once; return how many runs each executed."""
    command = [sys.executable, "-c", PLAN + script, str(root), str(runs), str(workers)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(processes)]
    counts = [int(n) for process in started for n in process.communicate()[0].split()]
    assert [process.returncode for process in started] == [0] * processes
    return counts


def whole(root, runs):
    store = Store(root)
    for i in range(runs):
        store.check(line_probe(i))
    return sorted(p.name for p in root.glob("*/*"))


def test_forty_runs_over_four_processes_are_each_done_once(tmp_path):
    counts = crowd(FORKS, tmp_path, 40, 1, 4)
    assert (len(counts), sum(counts)) == (4, 40)
    assert whole(tmp_path, 40) == sorted(["body.safetensors", "record.json", "spec.json"] * 40)


@pytest.mark.slow
@pytest.mark.parametrize(("processes", "workers"), [(8, 1), (3, 3)])
def test_five_hundred_runs_over_eight_workers_are_each_done_once(tmp_path, processes, workers):
    counts = crowd(POOL, tmp_path, 500, processes, workers)
    assert sum(counts) == 500
    assert whole(tmp_path, 500) == sorted(["body.safetensors", "record.json", "spec.json"] * 500)


def test_status_says_who_has_which_run(tmp_path, small_toml):
    study, runs = tmp_path / "small.toml", tmp_path / "runs"
    study.write_text(small_toml)
    plan = plan_study(read_study(study))
    probe, measure, begun = plan.runs[0], plan.runs[2], plan.runs[3]
    foreign(runs / probe.run_id, since=time.time() - 600)
    foreign(runs / measure.run_id, given_back=True)
    (runs / begun.run_id).mkdir()
    command = [sys.executable, "-m", "breadth", "status", str(study), "--runs", str(runs)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert said[1] == "  probe       0 done     1 claimed     0 begun     0 missing"
    assert said[2].startswith("  measure     0 done     0 claimed     2 begun  ")
    assert said[-1].startswith(f"  {probe.run_id} ({probe.label}): elsewhere, process 1, for 10 min; last heartbeat ")
    told = json.loads(subprocess.run([*command, "--json"], check=True, capture_output=True, text=True).stdout)
    assert [(c["run"], c["host"], c["pid"]) for c in told["claims"]] == [(probe.run_id, "elsewhere", 1)]
