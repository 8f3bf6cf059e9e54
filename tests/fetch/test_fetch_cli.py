"""``breadth fetch`` as a person or a program meets it: plans, JSON, one line and code 2 for what went wrong, kill -9 and go on."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass

import pytest

from breadth.cli.app import main
from fetch.server import Drop, File, Hold
from fetch.test_fetch_extract import zipped

FILES = {"a/model.pt": bytes(range(256)) * 4096, "args.json": b"{}"}


@pytest.fixture
def command(server):
    """The command line and the environment that leads it to the server."""
    names = {"BREADTH_ZENODO_URL": server.url, "HF_ENDPOINT": server.url, "BREADTH_DRIVE_URL": server.url}
    return [sys.executable, "-m", "breadth", "fetch"], {**os.environ, **names}


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def breadth(command, tmp_path, monkeypatch, capsys):
    """Run the verb in this process, which saves the start of Python."""
    monkeypatch.chdir(tmp_path)
    for name, value in command[1].items():
        monkeypatch.setenv(name, value)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["breadth", "fetch", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(ended.value.code, *capsys.readouterr())

    return run


def test_a_plan_then_the_files_then_nothing_to_do(server, breadth, tmp_path):
    server.zenodo("123", FILES)
    done = breadth("zenodo:123", "--out", "out", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "    1.0 MB  download    a/model.pt",
        "   2 bytes  download    args.json",
        "2 files, 1.0 MB; 1.0 MB to download",
        f"licence: cc-by-4.0; {server.url}/records/123",
    ]
    assert not (tmp_path / "out").exists()
    done = breadth("zenodo:123", "--out", "out")
    assert done.returncode == 0
    assert done.stdout == "out: 2 files fetched (1.0 MB), 0 there before; licence: cc-by-4.0; see out/fetched.json\n"
    again = json.loads(breadth("zenodo:123", "--out", "out", "--json").stdout)
    assert (again["fetched"], again["kept"], again["transferred_bytes"]) == ([], ["out/a/model.pt", "out/args.json"], 0)
    assert [f["action"] for f in again["files"]] == ["keep", "keep"]


def test_the_help_has_examples(breadth):
    done = breadth("--help")
    assert done.returncode == 0
    assert "  breadth fetch zenodo:8247898 --out checkpoints --dry-run\n" in done.stdout


def test_killed_in_the_middle_it_goes_on_to_the_same_file(server, command, breadth, tmp_path):
    path = server.zenodo("123", FILES)["a/model.pt"]
    server.faults[path] = [Hold(700_000)]
    process = subprocess.Popen([*command[0], "zenodo:123", "--out", "out"], env=command[1], cwd=tmp_path, stderr=subprocess.DEVNULL)
    assert server.held.wait(20)
    parts = []
    while not parts or parts[0].stat().st_size < 500_000:
        parts = list((tmp_path / "out" / ".fetching").glob("*.part"))
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    have = parts[0].stat().st_size
    assert not (tmp_path / "out" / "a").exists()
    plan = json.loads(breadth("zenodo:123", "--out", "out", "--dry-run", "--json").stdout)
    assert [(f["action"], f["have"]) for f in plan["files"]] == [("resume", have), ("download", 0)]
    assert plan["missing_bytes"] == len(FILES["a/model.pt"]) + 2 - have
    done = breadth("zenodo:123", "--out", "out", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["transferred_bytes"] == plan["missing_bytes"]
    assert server.requests(path) == [None, f"bytes={have}-"]
    assert (tmp_path / "out" / "a" / "model.pt").read_bytes() == FILES["a/model.pt"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a", "args.json", "fetched.json"]


def test_interrupted_it_says_so(server, command, tmp_path):
    path = server.zenodo("123", FILES)["a/model.pt"]
    server.faults[path] = [Hold(700_000)]
    process = subprocess.Popen(
        [*command[0], "zenodo:123", "--out", "out"], env=command[1], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    assert server.held.wait(20)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "breadth: interrupted; the same command goes on from here"


def test_two_at_once_do_not_mix(server, command, breadth, tmp_path):
    path = server.zenodo("123", FILES)["a/model.pt"]
    server.faults[path] = [Hold(700_000)]
    process = subprocess.Popen([*command[0], "zenodo:123", "--out", "out"], env=command[1], cwd=tmp_path, stderr=subprocess.DEVNULL)
    assert server.held.wait(20)
    second = breadth("zenodo:123", "--out", "out", "--json")
    process.kill()
    process.wait()
    assert second.stderr == "breadth: another process fetches into out; wait for it, or give another folder\n"
    assert second.returncode == 2


def test_a_wrong_checksum_is_one_line_and_code_2(server, breadth, tmp_path):
    path = server.zenodo("123", FILES)["args.json"]
    server.files[path] = File(b"[]")
    done = breadth("zenodo:123", "--out", "out", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("breadth: args.json: its md5 is d751713988987e9331980363e24189ce, 127.0.0.1 states 99914b93")
    assert not (tmp_path / "out" / "args.json").exists()
    assert (tmp_path / "out" / "a" / "model.pt").exists()


def test_a_broken_transfer_is_told_and_mended(server, breadth, tmp_path):
    path = server.zenodo("123", FILES)["a/model.pt"]
    server.faults[path] = [Drop(400_000)]
    done = breadth("zenodo:123", "--out", "out", "--only", "*.pt")
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "zenodo:123: 1 file, 1.0 MB; 1.0 MB to download",
        "127.0.0.1 broke off a/model.pt after 400,000 bytes; trying again in 1 s",
    ]


def test_archives_are_offered_and_unpacked(server, breadth, tmp_path):
    server.zenodo("123", {"x.zip": zipped(tmp_path / "x.zip", [("a.txt", b"alpha", 0)]).read_bytes()})
    assert breadth("zenodo:123", "--out", "out").stdout.splitlines()[-1] == "--extract unpacks the archives"
    done = breadth("zenodo:123", "--out", "out", "--extract")
    assert done.stdout.splitlines()[0] == "x.zip: 1 file, 5 bytes, unpacked into out/x"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["zenod:1"],
            "unknown place 'zenod:1'; expected zenodo:RECORD, hf:USER/REPO, gdrive:ID or an https address; did you mean 'zenodo'?",
        ),
        (["zenodo:404"], "Zenodo has no record 404; check the number, as in zenodo:8247898"),
        (
            ["zenodo:123", "--max-bytes", "1K"],
            "zenodo:123: 1.0 MB to download, more than the limit of 1.0 KB; choose files (--only) or raise the limit (--max-bytes)",
        ),
        (["zenodo:123", "--max-bytes", "many"], "--max-bytes is 'many'; expected a size such as 800M or 50G"),
    ],
)
def test_what_cannot_be_fetched_is_one_line(server, breadth, arguments, message):
    server.zenodo("123", FILES)
    done = breadth(*arguments, "--out", "out", "--json")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"breadth: {message}\n")
