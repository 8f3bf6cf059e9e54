"""Weights from elsewhere: tensors by name, or one line that says what is wrong with the file."""

import io
import pickle
import random
import struct
import zipfile

import pytest
import torch
from safetensors.torch import save, save_file

from breadth.errors import CheckpointError
from breadth.nets.weights import read_weights

WEIGHTS = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2)}


def refused(path):
    with pytest.raises(CheckpointError) as e:
        read_weights(path)
    message = str(e.value)
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def torch_bytes(value):
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
def test_round_trip(tmp_path, name):
    (save_file if name.endswith("safetensors") else torch.save)(WEIGHTS, tmp_path / name)
    read = read_weights(tmp_path / name)
    assert read.keys() == WEIGHTS.keys()
    assert all(torch.equal(read[k], v) for k, v in WEIGHTS.items())


ADVICE = "; save a state dict of tensors, best as .safetensors"


def test_what_is_no_file(tmp_path):
    (tmp_path / "d.pt").mkdir()
    assert refused(tmp_path / "d.pt") == "a folder; give a .safetensors file or a PyTorch state dict"
    assert refused(tmp_path / "none.pt") == "no such weights file; give a .safetensors file or a PyTorch state dict"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.safetensors", b"", "Error while deserializing header: header too small"),
        ("huge.safetensors", struct.pack("<Q", 2**62) + b"{}", "Error while deserializing header: header too large"),
        ("long.safetensors", struct.pack("<Q", 10**7) + b"{}", "Error while deserializing header: invalid header length"),
    ],
)
def test_damaged_safetensors(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    assert refused(tmp_path / name) == f"not readable as plain weights ({reason}){ADVICE}"


def zipped(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"\n\n", b"PK\3\4", b"\x80\x02.", b"(lp0\n.", b"hello", pickle.dumps({"a": 1})[:-3], zipped(), zipped(a=b"x")],
)
def test_damaged_pytorch_files(tmp_path, content):
    (tmp_path / "w.pt").write_bytes(content)
    message = refused(tmp_path / "w.pt")
    assert message.startswith("not readable as plain weights (")
    assert message.endswith(f"){ADVICE}")
    assert "plain weights ()" not in message


def test_a_file_with_any_byte_changed_is_read_or_refused(tmp_path):
    draw = random.Random(0)
    for name, whole in (("w.pt", torch_bytes(WEIGHTS)), ("w.safetensors", save(WEIGHTS))):
        for _ in range(300):
            content = bytearray(whole[: draw.choice([len(whole), draw.randrange(len(whole))])] or b"x")
            content[draw.randrange(len(content))] = draw.randrange(256)
            (tmp_path / name).write_bytes(content)
            try:
                read_weights(tmp_path / name)
            except CheckpointError:
                refused(tmp_path / name)


@pytest.mark.parametrize("value", [{"a": 3}, [torch.ones(2)], {1: torch.ones(2)}, torch.ones(2), {"state_dict": WEIGHTS}])
def test_more_than_named_tensors(tmp_path, value):
    torch.save(value, tmp_path / "w.pt")
    assert refused(tmp_path / "w.pt") == "holds more than named tensors; save model.state_dict() alone, best as .safetensors"
