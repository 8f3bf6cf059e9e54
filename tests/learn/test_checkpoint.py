"""Checkpoints: complete or absent, and honest about damage."""

import json
import math

import pytest
import torch

from breadth.errors import CheckpointError
from breadth.learn import checkpoint

WEIGHTS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(7)}


def test_what_is_saved_is_loaded(tmp_path):
    meta = {"loss": 0.1 + 0.2, "names": ["x"], "deep": {"n": 3}}
    checkpoint.save(tmp_path / "new" / "folder", WEIGHTS, meta)
    weights, back = checkpoint.load(tmp_path / "new" / "folder")
    assert back == meta
    assert all(torch.equal(weights[k], v) and weights[k].dtype == v.dtype for k, v in WEIGHTS.items())


def test_channels_last_and_shared_tensors_keep_their_values(tmp_path):
    image = torch.randn((2, 3, 4, 4), generator=torch.Generator().manual_seed(0)).to(memory_format=torch.channels_last)
    checkpoint.save(tmp_path, {"x": image, "transposed": WEIGHTS["a"].T}, {})
    weights, _ = checkpoint.load(tmp_path)
    assert torch.equal(weights["x"], image)
    assert torch.equal(weights["transposed"], WEIGHTS["a"].T)


def test_a_second_save_replaces_the_first_and_leaves_two_files(tmp_path):
    checkpoint.save(tmp_path, WEIGHTS, {"step": 1})
    checkpoint.save(tmp_path, {"a": torch.zeros(2)}, {"step": 2})
    assert checkpoint.load(tmp_path)[1] == {"step": 2}
    assert len(list(tmp_path.iterdir())) == 2


def test_a_kill_between_tensors_and_meta_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    checkpoint.save(tmp_path, WEIGHTS, {"step": 1})
    write = checkpoint._write

    def killed(path, content):
        if path.name == "meta.json":
            raise KeyboardInterrupt
        write(path, content)

    monkeypatch.setattr(checkpoint, "_write", killed)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(tmp_path, {"a": torch.zeros(2)}, {"step": 2})
    weights, meta = checkpoint.load(tmp_path)
    assert meta == {"step": 1}
    assert torch.equal(weights["a"], WEIGHTS["a"])


def test_unknown_numbers_are_not_written(tmp_path):
    with pytest.raises(ValueError):
        checkpoint.save(tmp_path, WEIGHTS, {"loss": math.nan})
    assert not checkpoint.exists(tmp_path)


def tensors_of(folder):
    return next(folder.glob("*.safetensors"))


def not_safetensors(folder):
    import hashlib

    tensors_of(folder).write_bytes(b"rubbish")
    facts = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps({**facts, "sha256": hashlib.sha256(b"rubbish").hexdigest()}))


@pytest.mark.parametrize(
    "damage, message",
    [
        (
            lambda f: (f / "meta.json").unlink(),
            "no checkpoint in '{f}': it has no meta.json; give the folder that a training run wrote",
        ),
        (
            lambda f: (f / "meta.json").write_text('{"tensors": '),
            "checkpoint '{f}/meta.json' is damaged (not the JSON of a checkpoint); delete the folder to start anew",
        ),
        (
            lambda f: (f / "meta.json").write_bytes(b"\xff\xfe"),
            "checkpoint '{f}/meta.json' is damaged (not the JSON of a checkpoint); delete the folder to start anew",
        ),
        (
            lambda f: (f / "meta.json").write_text("[]"),
            "checkpoint '{f}/meta.json' is damaged (not the JSON of a checkpoint); delete the folder to start anew",
        ),
        (lambda f: tensors_of(f).unlink(), "checkpoint '{f}' is damaged: '{t}' is missing; delete the folder to start anew"),
        (
            lambda f: tensors_of(f).write_bytes(tensors_of(f).read_bytes()[:-1]),
            "checkpoint '{f}' is damaged: '{t}' is not what was written (sha256 differs); delete the folder to start anew",
        ),
        (not_safetensors, "checkpoint '{f}' is damaged: '{t}' is no safetensors file; delete the folder to start anew"),
    ],
)
def test_damage_is_one_clear_line(tmp_path, damage, message):
    checkpoint.save(tmp_path, WEIGHTS, {})
    name = tensors_of(tmp_path).name
    damage(tmp_path)
    with pytest.raises(CheckpointError) as e:
        checkpoint.load(tmp_path)
    assert str(e.value) == message.format(f=tmp_path, t=name)
