"""``breadth checkpoint show``: every file is shown or refused in one line, and nothing in it runs or steers the terminal."""

import argparse
import json
import os
import subprocess
import sys

import pytest
import torch

from breadth.nets.build import Architecture, build
from breadth.nets.head import classifier


def breadth(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "breadth", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


class Harmful:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"echo executed > {self.marker}",)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two copies of one network under different writers, a harmful file, a damaged one, and one of the harmful kind with weights."""
    folder = tmp_path_factory.mktemp("checkpoints")
    net = classifier(build(Architecture("conv", 4, 3, 16), 0), 5, 0)
    state = {k.replace("body.", "model.").replace("head.", "model.cls."): v for k, v in net.state_dict().items()}
    args = argparse.Namespace(data_option="hdb4_micod", evil=Harmful(folder / "marker"), title="\x1b[2Jgone\nbreadth: fine")
    names = {"model_option": "5CNN_opt_as_model_for_few_shot", "model_hps": {"image_size": 16, "bn_eps": 1e-3}}
    torch.save({"it": 1200, "epoch_num": -1, "args_dict": vars(args), "model_state_dict": state, **names}, folder / "a.pt")
    torch.save({"f_model_state_dict": state, "args": argparse.Namespace(data_option="\x1b[31mred")}, folder / "b.pt")
    torch.save(Harmful(folder / "marker"), folder / "c.pt")
    (folder / "d.pt").write_bytes((folder / "a.pt").read_bytes()[:900])
    return folder


def test_files_are_shown_and_damaged_ones_are_a_line(folder):
    done = breadth("checkpoint", "show", folder)
    assert done.returncode == 2
    assert not (folder / "marker").exists()
    assert done.stderr.splitlines() == [
        f"breadth: {folder}/c.pt: it holds a {os.system.__module__}.system, which has no modules; give a file of trained weights",
        f"breadth: {folder}/d.pt: not usable as weights: damaged: File is not a zip file; nothing in it was executed; "
        "save model.state_dict() alone, best as .safetensors",
    ]
    assert "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    assert lines[:6] == [
        f"{folder}/a.pt",
        "  what        a checkpoint of ultimate-utils; iteration 1,200",
        "  training    PT: the keys of the supervised writer (the meta-learning writer adds agent_type)",
        "  data        hdb4_micod",
        "  network     conv of 4 filters, 3 channels, size 16; 588 parameters; head of 5 outputs",
        "  evidence    model_option is 5CNN_opt_as_model_for_few_shot; features.conv1 has 4 filters on 3 channels; image_size 16 in its "
        "settings",
    ]
    assert r"  data        \x1b[31mred" in lines
    assert sum(line.startswith("  not usable  its network is not known: ") for line in lines) == 1
    assert lines[-1] == f"the same tensors: {folder}/a.pt, {folder}/b.pt"


def test_json_holds_everything(folder):
    done = breadth("checkpoint", "show", folder / "a.pt", folder / "b.pt", folder / "c.pt", "--json")
    assert done.returncode == 2
    result = json.loads(done.stdout)
    assert set(result) == {"checkpoints", "duplicates", "refused"}
    a, b = result["checkpoints"]
    assert (a["layout"], a["mode"], a["iteration"], a["epoch"], a["head_width"], a["usable"]) == (
        "uutils",
        "PT",
        1200,
        None,
        5,
        True,
    )
    assert a["architecture"] == {"kind": "conv", "filters": 4, "channels": 3, "size": 16}
    assert (a["parameters"], a["head_parameters"], a["tensors"], a["data"]) == (588, 25, 30, "hdb4_micod")
    assert a["options"]["title"] == "\x1b[2Jgone\nbreadth: fine"
    assert (b["architecture"], b["usable"], b["parameters"], b["mode"]) == (None, False, None, "unknown")
    assert a["tensors_sha256"] == b["tensors_sha256"]
    assert a["sha256"] != b["sha256"]
    assert result["duplicates"] == {"content": [[str(folder / "a.pt"), str(folder / "b.pt")]], "output": []}
    assert [r["path"] for r in result["refused"]] == [str(folder / "c.pt")]


def test_good_files_exit_with_0(folder):
    assert breadth("checkpoint", "show", folder / "a.pt").returncode == 0


def test_what_is_not_there(tmp_path):
    done = breadth("checkpoint", "show", tmp_path / "none.pt", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"breadth: {tmp_path}/none.pt: no such file; give a file of trained weights",
        f"breadth: {tmp_path}: no checkpoint in this folder; expected files that end in .pt, .pth, .ckpt, .bin, .tar, .safetensors",
    ]


def test_help_has_an_example():
    assert "  show " in breadth("checkpoint").stdout
    assert "  breadth checkpoint show ckpt.pt" in breadth("checkpoint", "show", "--help").stdout


def test_a_missing_file_points_to_the_help_of_its_own_command():
    assert breadth("checkpoint", "show").stderr == (
        "breadth: Missing argument 'FILE...'; breadth checkpoint show --help shows what is allowed\n"
    )
    assert breadth("checkpoint", "shwo").stderr.endswith("; breadth checkpoint --help shows what is allowed\n")
