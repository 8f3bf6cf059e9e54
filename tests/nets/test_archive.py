"""Files of torch.save: what the safe reader returns is what torch.load returns, and no file makes it run code, crash or fill the memory."""

import argparse
import io
import os
import pathlib
import pickle
import resource
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections import OrderedDict, defaultdict

import numpy as np
import pytest
import torch

from breadth.errors import CheckpointError
from breadth.nets import unpickle as machine
from breadth.nets.archive import read_archive
from breadth.nets.pickled import Name, Stub, TensorSpec
from breadth.nets.unpickle import unpickle

FORMS = {"zip": {}, "plain": {"_use_new_zipfile_serialization": False}, "protocol 4": {"pickle_protocol": 4}}
ADVICE = "; nothing in it was executed; save model.state_dict() alone, best as .safetensors"


def refused(path, **options):
    """The one line that refuses a file, without its path and the advice at its end."""
    with pytest.raises(CheckpointError) as e:
        read_archive(path, **options)
    message = str(e.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ").removeprefix("not usable as weights: ").removesuffix(ADVICE)


def of_values(value, archive):
    """The value with its tensors read."""
    if isinstance(value, TensorSpec):
        return archive.read({"x": value})["x"]
    if isinstance(value, dict):
        return {k: of_values(v, archive) for k, v in value.items()}
    return [of_values(v, archive) for v in value] if isinstance(value, list) else value


# what it reads

G = torch.Generator().manual_seed(0)
BASE = torch.randn((6, 5), generator=G)
TENSORS = {
    **{str(t): torch.arange(6).reshape(2, 3).to(t) for t in (torch.float64, torch.float32, torch.float16, torch.bfloat16)},
    **{str(t): torch.arange(6).to(t) for t in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)},
    **{str(t): torch.arange(3).to(t) for t in (torch.complex64, torch.complex128, torch.uint16, torch.float8_e4m3fn)},
    "transposed": BASE.T,
    "slice": BASE[2:4, 1:],
    "channels last": torch.randn((2, 3, 4, 4), generator=G).to(memory_format=torch.channels_last),
    "scalar": torch.tensor(3.5),
    "empty": torch.empty(0, 4),
    "parameter": torch.nn.Parameter(torch.ones(2)),
}


@pytest.mark.parametrize("form", FORMS)
def test_tensors_are_those_of_torch_load(tmp_path, form):
    path = tmp_path / "w.pt"
    # PyTorch's own reader of the plain form knows no types without a storage class
    tensors = {k: v for k, v in TENSORS.items() if form != "plain" or k not in ("torch.uint16", "torch.float8_e4m3fn")}
    given = {"deep": [OrderedDict(tensors)], "number": 3, "text": "é", "none": None, "flag": True, "big": 2**70, "bytes": b"\0\xff"}
    torch.save(given, path, **FORMS[form])
    archive = read_archive(path)
    read, expected = of_values(archive.value, archive), torch.load(path, weights_only=False)
    assert {k: read[k] for k in given if k != "deep"} == {k: expected[k] for k in given if k != "deep"}
    assert read["deep"][0].keys() == expected["deep"][0].keys()
    for name, tensor in expected["deep"][0].items():
        ours = read["deep"][0][name]
        assert (ours.dtype, ours.shape, ours.stride()) == (tensor.dtype, tensor.shape, tensor.stride()), name
        assert torch.equal(
            ours.view(torch.uint8) if "float8" in name else ours, tensor.view(torch.uint8) if "float8" in name else tensor
        )


def test_tensors_of_one_storage_share_it_and_others_are_not_read(tmp_path):
    torch.save({"a": BASE, "b": BASE[0], "optimizer": torch.zeros(1000)}, tmp_path / "w.pt")
    archive = read_archive(tmp_path / "w.pt")
    read = archive.read({k: archive.value[k] for k in "ab"})
    read["a"][0, 0] = 7.0
    assert read["b"][0] == 7.0
    assert set(read) == {"a", "b"}


@pytest.mark.parametrize("form", FORMS)
def test_objects_become_stubs_with_their_fields(tmp_path, form):
    objects = {
        "args": argparse.Namespace(lr=0.1, path=pathlib.Path("/data/x"), inner=argparse.Namespace(deep=1)),
        "kind": argparse.Namespace,
        "default": defaultdict(list, a=[1]),
        "set": {1},
        "number": np.float64(2.5),
    }
    torch.save(objects, tmp_path / "w.pt", **FORMS[form])
    value = read_archive(tmp_path / "w.pt").value
    assert value["args"].name == value["kind"] == Name("argparse", "Namespace")
    assert value["args"].attributes["lr"] == 0.1
    assert value["args"].attributes["inner"].attributes == {"deep": 1}
    assert value["args"].attributes["path"].args == ("/", "data", "x")
    assert value["default"].items == [("a", [1])]
    assert value["set"] == [1]
    assert isinstance(value["number"], Stub)


# what would run code elsewhere


class Calls:
    """Pickles to ``function(*arguments)``."""

    def __init__(self, function, *arguments):
        self.made = (function, arguments)

    def __reduce__(self):
        return self.made


class Restores:
    """Pickles to a call of ``__setstate__``, which in its own class writes the marker."""

    def __init__(self, marker):
        self.marker = marker

    def __setstate__(self, state):
        pathlib.Path(state["marker"]).write_text("executed")


def attacks(marker):
    code = f"__import__('pathlib').Path({str(marker)!r}).write_text('executed')"
    nested = argparse.Namespace(lr=0.1, deep=[{"x": (Calls(os.system, f"echo executed > {marker}"),)}])
    return {
        "system": Calls(os.system, f"echo executed > {marker}"),
        "eval": Calls(eval, code),
        "exec": Calls(exec, code),
        "nested in a namespace": nested,
        "as a key": {"model": {"w": BASE}, Calls(exec, code): 1},
        "beside weights": {"model_state_dict": {"features.conv1.weight": BASE}, "args": Calls(exec, code)},
        "setstate": Restores(str(marker)),
        "iterator": Calls(list, Calls(map, eval, [code])),
        "write": Calls(pathlib.Path.write_text, pathlib.Path(marker), "executed"),
    }


@pytest.mark.parametrize("form", ["zip", "plain"])
@pytest.mark.parametrize("attack", attacks(""))
def test_nothing_in_a_file_is_executed(tmp_path, attack, form):
    marker = tmp_path / "marker"
    torch.save(attacks(marker)[attack], tmp_path / "w.pt", **FORMS[form])
    read_archive(tmp_path / "w.pt")
    assert not marker.exists()
    torch.load(tmp_path / "w.pt", weights_only=False)
    assert marker.exists(), "the attack must work where nobody guards against it"


class FloatStorage:
    """Not PyTorch's."""


def opcodes(*parts):
    return b"\x80\x02" + b"".join(parts) + b"."


def glob(module, name):
    return f"c{module}\n{name}\n".encode()


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


@pytest.mark.parametrize("how", ["reduce", "instance", "object", "new", "built class"])
def test_every_way_to_call_is_inert(tmp_path, how):
    marker = tmp_path / "marker"
    code = text(f"__import__('pathlib').Path({str(marker)!r}).write_text('executed')")
    made = {
        "reduce": opcodes(glob("builtins", "exec"), code, b"\x85R"),
        "instance": opcodes(b"(", code, b"ibuiltins\nexec\n"),
        "object": opcodes(b"(", glob("builtins", "exec"), code, b"o"),
        # a class whose construction calls: subprocess.Popen through NEWOBJ makes nothing, so bytes of compile go through map
        "new": opcodes(glob("builtins", "list"), glob("builtins", "map"), glob("builtins", "exec"), b"]", code, b"a\x86R\x85R"),
        "built class": opcodes(
            glob("collections", "OrderedDict"), b"}", text("x"), b"K\1sb", b"0", glob("builtins", "exec"), code, b"\x85R"
        ),
    }[how]
    if how == "built class":
        with pytest.raises(CheckpointError) as e:
            unpickle(io.BytesIO(made))
        assert str(e.value) == "damaged pickle: gives a state to a Name"
        return
    assert isinstance(unpickle(io.BytesIO(made)), Stub)
    assert not marker.exists()
    pickle.loads(made)
    assert marker.exists()


@pytest.mark.parametrize(
    "reference, reason",
    [
        (("storage", "__import__", "0", "cpu", 1), "a storage of unknown type __import__"),
        (("storage", Calls, "0", "cpu", 1), f"a storage of unknown type {Calls.__module__}.Calls"),
        (("storage", FloatStorage, "0", "cpu", 1), f"a storage of unknown type {FloatStorage.__module__}.FloatStorage"),
        (("storage", torch.FloatStorage, 0, "cpu", 1), "a storage without a key or a length"),
        (("storage", torch.FloatStorage, "0", "cpu", -1), "a storage without a key or a length"),
        (("storage", torch.FloatStorage, "0", "cpu", True), "a storage without a key or a length"),
        (
            ("storage", torch.FloatStorage, "0", "cpu", 4, ("v", 0, 1)),
            "a storage that is a view of another, as PyTorch wrote before 0.4",
        ),
        (("file", "/etc/passwd"), "a reference to something that is neither a storage nor a module"),
        ("os.system", "a reference to something that is neither a storage nor a module"),
    ],
)
def test_persistent_references_are_storages_and_nothing_else(reference, reason):
    class Pickler(pickle.Pickler):
        def persistent_id(self, obj):
            return reference if obj == "here" else None

    stream = io.BytesIO()
    Pickler(stream, 2).dump(["here"])
    stream.seek(0)
    with pytest.raises(CheckpointError) as e:
        unpickle(stream)
    assert str(e.value) == reason


# what would crash or fill the memory


def damaged(content):
    with pytest.raises(CheckpointError) as e:
        unpickle(io.BytesIO(content))
    return str(e.value)


def test_a_value_that_holds_itself_is_read():
    loop = []
    loop.append(loop)
    read = unpickle(io.BytesIO(pickle.dumps({"loop": loop}, 2)))["loop"]
    assert read[0] is read


def test_deep_values_neither_overflow_the_stack_when_read_nor_when_dropped():
    assert isinstance(unpickle(io.BytesIO(b"\x80\x02N" + b"\x85" * 300_000 + b".")), tuple)
    stubs = b"\x80\x02N" + (b"q\1" + glob("a", "b") + b"h\1\x85R") * 50_000 + b"."
    assert isinstance(unpickle(io.BytesIO(b"\x80\x02(" + stubs[2:-1] + b"t.")), tuple)


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"\x80\x02}" + b")" + b"\x85" * 100_000 + b"Ns.", "a tuple as the key of a dict"),
        (b"\x80\x02}]Ns.", "a list as the key of a dict"),
        (b"\x80\x02(" + b"N" * 9 + b"l" + b"q\0" + b"N.", "damaged pickle: it ends in the middle of a value"),
        (b"\x80\x02((N.", "damaged pickle: it ends in the middle of a value"),
        (b"\x80\x02", "damaged pickle: pickle exhausted before seeing STOP"),
        (b"hello", "damaged pickle: it refers to a value that it does not hold"),
        (b"\x80\x02\xff.", "damaged pickle: at position <unknown>, opcode b'\\xff' unknown"),
        (b"\x80\x02\x8e" + struct.pack("<Q", 2**40), f"a pickle of more than {2**28:,} bytes beside its tensors"),
        (b"S" + b"'" + b"a" * 2**21, "a line of more than 1,048,576 bytes"),
        (b"\x80\x02\x82\1.", "a pickle with the opcode EXT1, which a file of weights has no use for"),
        (b"\x80\x05\x97.", "a pickle with the opcode NEXT_BUFFER, which a file of weights has no use for"),
        (b"\x80\x02\x8b" + struct.pack("<I", 2**16) + b"\1" * 2**16 + b".", "a number of more than 4,096 bits"),
        (opcodes(text("a\nb"), text("c"), b"\x93"), "damaged pickle: a name that is none"),
        (opcodes(text("a" * 300), text("c"), b"\x93"), "damaged pickle: a name that is none"),
        (b"\x80\x02}(" + b"N" * 17 + b"tNs.", "a tuple as the key of a dict"),
        (b"\x80\x02K\1}b.", "damaged pickle: gives a state to a int"),
        (b"\x80\x02NNa.", "damaged pickle: appends to a NoneType"),
        (b"\x80\x02NNNs.", "damaged pickle: sets items of a NoneType"),
        (b"\x80\x02NNR.", "damaged pickle: a call with a NoneType of arguments"),
        # a tuple of the characters of a text takes 30 times the memory of the text
        (opcodes(glob("torch", "Size"), text("a" * 9), b"\x85R"), "damaged pickle: the items of a str"),
        (opcodes(glob("builtins", "set"), text("a"), b"\x85R"), "damaged pickle: the items of a str"),
        (opcodes(glob("builtins", "frozenset"), b"U\1a", b"\x85R"), "damaged pickle: the items of a str"),
    ],
)
def test_hostile_pickles_are_one_line(content, reason):
    assert damaged(content) == reason


@pytest.mark.parametrize(
    "repeated",
    [
        pytest.param(b"c__builtin__\nset\nh\0\x85R", id="set"),
        pytest.param(b"ccollections\nOrderedDict\nh\1\x85R", id="ordered dict"),
        pytest.param(b"ca\nb\n)Rh\2b", id="state"),
        pytest.param(b"c_codecs\nencode\nh\3X\x06\0\0\0latin1\x86R", id="bytes"),
    ],
)
def test_copying_a_long_value_again_and_again_is_refused(repeated, monkeypatch):
    n = 1_000
    monkeypatch.setattr(machine, "OPCODES", 50_000)
    long_list = b"](" + b"N" * n + b"eq\0"
    pairs = b"](" + b"".join(b"J" + struct.pack("<i", i) + b"N\x86" for i in range(n)) + b"eq\1"
    state = b"}(" + b"".join(text(str(i)) + b"N" for i in range(n)) + b"uq\2"
    words = text("a" * 2**20) + b"q\3"
    content = b"\x80\x02" + long_list + pairs + state + words + b"(" + repeated * 200 + b"t."
    assert damaged(content) == "more than 50,000 copied items"


def test_a_call_through_a_tensor_subclass_makes_tensors_only():
    inner = glob("collections", "OrderedDict") + glob("a", "Type") + b"]\x85Nt"
    made = unpickle(io.BytesIO(opcodes(glob("torch._tensor", "_rebuild_from_type_v2"), b"(", inner, b"R")))
    assert isinstance(made, Stub)


def spec(size, stride, *, offset=0, numel=4, kind=torch.FloatStorage):
    """A pickle of one tensor with this shape in a storage of ``numel`` numbers."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj):
            return ("storage", kind, "0", "cpu", numel) if obj == "here" else None

    stream = io.BytesIO()
    Pickler(stream, 2).dump(Calls(torch._utils._rebuild_tensor_v2, "here", offset, size, stride, False, OrderedDict()))
    return stream.getvalue()


@pytest.mark.parametrize(
    "content, reason",
    [
        (spec((10**6, 10**6), (0, 0)), "a tensor of shape [1000000, 1000000] in a storage of 16 bytes"),
        (spec((2**40,), (1,)), "a tensor of shape [1099511627776] in a storage of 16 bytes"),
        (spec((2,), (1,), offset=3), "a tensor of shape [2] in a storage of 16 bytes"),
        (spec((2, 2), (3, 2)), "a tensor of shape [2, 2] in a storage of 16 bytes"),
        (spec((-2,), (1,)), "a tensor whose shape, strides or offset are no whole numbers of at least 0"),
        (spec((2.5,), (1,)), "a tensor whose shape, strides or offset are no whole numbers of at least 0"),
        (spec((2,), (1, 1)), "a tensor whose shape, strides or offset are no whole numbers of at least 0"),
        (spec((0, 2**61, 2), (1, 1, 1)), "a tensor of shape [0, 2305843009213693952, 2] in a storage of 16 bytes"),
        (spec((1,) * 17, (1,) * 17), "a tensor whose shape, strides or offset are no whole numbers of at least 0"),
    ],
)
def test_tensors_lie_in_their_storage(content, reason):
    assert damaged(content) == reason


def test_huge_declared_storages_take_no_memory(tmp_path):
    path = tmp_path / "w.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w/data.pkl", spec((2**40,), (1,), numel=2**40))
        archive.writestr("w/data/0", b"\0" * 16)
    archive = read_archive(path)
    with pytest.raises(CheckpointError) as e:
        archive.read({"x": archive.value})
    size = path.stat().st_size
    assert str(e.value) == f"{path}: not usable as weights: declares {2**42:,} bytes of tensors in {size} bytes of file{ADVICE}"


def test_a_storage_of_another_length_than_declared(tmp_path):
    path = tmp_path / "w.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w/data.pkl", spec((4,), (1,)))
        archive.writestr("w/data/0", b"\0" * 12)
        archive.writestr("w/filling", b"\0" * 100)
    archive = read_archive(path)
    with pytest.raises(CheckpointError, match="storage '0' has 12 bytes; 16 are declared"):
        archive.read({"x": archive.value})


def test_a_decompression_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "w.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w/data.pkl", spec((2**26,), (1,), numel=2**26))
        with archive.open("w/data/0", "w", force_zip64=True) as entry:
            for _ in range(256):
                entry.write(bytes(2**20))
    size = path.stat().st_size
    assert size < 2**20
    reason = refused(path)
    assert reason.startswith(f"a compressed zip file ({size:,} bytes that declare ")
    assert reason.endswith("), which torch.save never writes")


def test_a_compressed_file_is_refused_however_small(tmp_path):
    path, plain = tmp_path / "w.pt", io.BytesIO()
    torch.save(torch.randint(256, (5000,), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)), plain)
    with zipfile.ZipFile(plain) as given, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in given.namelist():
            archive.writestr(name, given.read(name), zipfile.ZIP_DEFLATED if "/data/" in name else zipfile.ZIP_STORED)
    size = path.stat().st_size
    assert refused(path).startswith(f"a compressed zip file ({size:,} bytes that declare ")


def test_a_storage_of_another_length_in_the_plain_form(tmp_path):
    torch.save({"a": torch.arange(6.0)}, tmp_path / "w.pt", **FORMS["plain"])
    content = (tmp_path / "w.pt").read_bytes()
    assert content[-32:-24] == struct.pack("<q", 6)
    (tmp_path / "w.pt").write_bytes(content[:-32] + struct.pack("<q", 5) + content[-24:])
    archive = read_archive(tmp_path / "w.pt")
    with pytest.raises(CheckpointError, match=r"storage '[0-9]+' has 5 numbers; 6 are declared"):
        archive.read(archive.value)


def test_entries_that_share_their_bytes_are_refused(tmp_path):
    """The other bomb: many entries of the directory point to the same bytes of the file."""
    path = tmp_path / "w.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w/data.pkl", spec((4,), (1,)))
        archive.writestr("w/data/0", bytes(10_000))
        archive.filelist += [archive.filelist[-1]] * 20
    assert "which torch.save never writes" in refused(path)


def test_a_long_list_of_entries_is_not_read(tmp_path):
    path = tmp_path / "w.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w/data.pkl", spec((4,), (1,)))
        archive.comment = b"x" * 100
    content = bytearray(path.read_bytes())
    end = content.rfind(b"PK\5\6")
    content[end + 12 : end + 16] = struct.pack("<L", 2**25)
    path.write_bytes(content)
    assert refused(path) == "a zip file whose list of entries has more than 16,777,216 bytes"


def test_one_tensor_under_thousands_of_names_is_refused(tmp_path):
    torch.save({str(i): BASE for i in range(3)} | {"big": torch.zeros(10_000)}, tmp_path / "w.pt")
    archive = read_archive(tmp_path / "w.pt")
    archive.read({f"{i}": archive.value["big"] for i in range(16)})
    with pytest.raises(CheckpointError, match="declares 800,000 bytes of tensors in 4"):
        archive.read({f"{i}": archive.value["big"] for i in range(20)})


def test_a_file_above_the_limit_is_not_read(tmp_path):
    torch.save(TENSORS, tmp_path / "w.pt")
    size = (tmp_path / "w.pt").stat().st_size
    assert refused(tmp_path / "w.pt", largest=1000) == (
        f"{size:,} bytes, more than the limit of 1,000; raise the limit, or give a smaller file"
    )


@pytest.mark.parametrize("form", ["zip", "plain"])
def test_truncated_and_changed_files_are_refused_or_read_but_never_crash(tmp_path, form):
    stream = io.BytesIO()
    torch.save({"a": BASE, "b": torch.ones(200)}, stream, **FORMS[form])
    content, path = stream.getvalue(), tmp_path / "w.pt"
    rng, lines = np.random.default_rng(0), []

    def attempt(damaged_content):
        path.write_bytes(damaged_content)
        try:
            archive = read_archive(path)
            if isinstance(archive.value, dict) and isinstance(archive.value.get("a"), TensorSpec):
                archive.read({"a": archive.value["a"]})
        except CheckpointError as error:
            lines.append(str(error))
            return False
        return True

    assert attempt(content)
    assert not any(attempt(content[:n]) for n in range(0, len(content) - 30, 23))
    outcomes = []
    for _ in range(150):
        changed = bytearray(content)
        for place in rng.integers(0, len(content), 3):
            changed[place] = rng.integers(256)
        outcomes.append(attempt(bytes(changed)))
    assert not all(outcomes)
    assert not any("\n" in line for line in lines)


def tar_bytes():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("storages"))
    return stream.getvalue()


def zip_bytes(*names):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, b"\x80\x02N.")
    return stream.getvalue()


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "an empty file"),
        (b"hello world", "neither a zip file nor a pickle (it begins with b'hell')"),
        (pickle.dumps({"a": 1}), "a pickle that torch.save did not write"),
        (pickle.dumps(0x1950A86A20F9469CFC6D, 2), "a pickle that torch.save did not write"),
        (tar_bytes(), "a tar file, as PyTorch wrote before 0.1.10, or an archive; unpack it, or save it anew with a newer PyTorch"),
        (b"PK\3\4", "damaged: File is not a zip file"),
        (zip_bytes("a"), "a zip file that torch.save did not write (it has no single data.pkl)"),
        (zip_bytes("a/data.pkl", "b/data.pkl"), "a zip file that torch.save did not write (it has no single data.pkl)"),
        (zip_bytes("a/data.pkl", "a/code/x.py", "a/constants.pkl"), "a TorchScript program"),
        (zip_bytes("a/data.pkl", "a/byteorder"), "written on a big-endian machine"),
    ],
)
def test_other_files_are_named(tmp_path, content, reason):
    (tmp_path / "w.pt").write_bytes(content)
    assert refused(tmp_path / "w.pt") == reason


def test_what_is_no_file(tmp_path):
    assert refused(tmp_path) == "a folder; give a file of trained weights"
    assert refused(tmp_path / "none.pt") == "no such file; give a file of trained weights"


def test_the_memory_that_hostile_files_take_is_bounded(tmp_path):
    """In a process of its own that may have 2.5 GB: each refusal is a line, not a MemoryError."""
    (tmp_path / "lists.pt").write_bytes(pickle.dumps(0x1950A86A20F9469CFC6C, 2) + b"\x80\x02" + b"]" * 30_000_000 + b".")
    (tmp_path / "long.pt").write_bytes(
        pickle.dumps(0x1950A86A20F9469CFC6C, 2) + b"\x80\x02\x8e" + struct.pack("<Q", 2**39) + b"x" * 1000
    )
    code = (
        "import sys, resource; from breadth.nets.archive import read_archive; from breadth.errors import CheckpointError\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2500 * 2**20,) * 2)\n"
        "for path in sys.argv[1:]:\n"
        "    try: read_archive(path)\n"
        "    except CheckpointError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "lists.pt"), str(tmp_path / "long.pt")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.endswith(f"more than 2,000,000 pickle opcodes{ADVICE}")
    assert second.endswith(f"a pickle of more than {2**28:,} bytes beside its tensors{ADVICE}")
    assert resource.getrlimit(resource.RLIMIT_AS)[0] != 2500 * 2**20
