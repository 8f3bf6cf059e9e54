"""Tar shards: samples come through unchanged, every sample has image and label, no announced size is believed."""

import gzip
import io
import json
import tarfile

import pytest
from PIL import Image

from breadth.data.formats import load
from breadth.errors import DataError
from data.samples import IMAGES, LABELS, NAMES, assert_same, png, refused

PNGS = [png(image) for image in IMAGES]


def tar(path, members, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def with_cls(rows=range(12)):
    return [m for i in rows for m in ((f"{i:04}.png", PNGS[i]), (f"{i:04}.cls", str(LABELS[i]).encode()))]


@pytest.mark.parametrize(("name", "mode"), [("birds.tar", "w"), ("birds.tar.gz", "w:gz"), ("birds.tgz", "w:gz")])
def test_images_with_cls(tmp_path, name, mode):
    birds = load(tar(tmp_path / name, with_cls(), mode))
    assert birds.name == "birds"
    assert_same(birds, ("0", "1", "2"))


def test_labels_and_groups_from_json(tmp_path):
    members = []
    for i in range(12):
        note = {"label": NAMES[LABELS[i]], "kind": LABELS[i], "video": i // 6}
        members += [(f"a/b.c/{i:04}.json", json.dumps(note).encode()), (f"a/b.c/{i:04}.png", PNGS[i]), (f"a/b.c/{i:04}.txt", b"x")]
    path = tar(tmp_path / "a.tar", members)
    assert_same(load(path))
    found = load(path, label_col="kind", group_col="video")
    assert_same(found, ("0", "1", "2"))
    assert found.groups == ("0",) * 6 + ("1",) * 6
    assert refused(lambda: load(path, label_col="knd")) == (
        f"{path}, sample a/b.c/0000 has no label; expected a .json with the entry 'knd'"
    )
    assert refused(lambda: load(path, group_col="no")) == (
        f"{path}, sample a/b.c/0000 has no entry 'no' in its .json for the group; check group_col"
    )


def test_several_shards_by_braces_globs_and_folder(tmp_path):
    for k in range(3):
        tar(tmp_path / f"shard-{k:03}.tar", with_cls(range(4 * k, 4 * k + 4)))
    braces = load(f"{tmp_path}/shard-{{000..002}}.tar")
    assert braces.name == "shard-{000..002}"
    assert_same(braces, ("0", "1", "2"))
    assert load(f"{tmp_path}/shard-*.tar").digest == load(tmp_path).digest == braces.digest
    assert load(f"{tmp_path}/shard-{{001,000}}.tar").n_items == 8
    assert load(f"{tmp_path}/shard-{{000..002}}.tar", limit=5).labels.tolist() == LABELS[:5]
    assert refused(lambda: load(f"{tmp_path}/shard-{{000..003}}.tar")) == (
        f"{tmp_path}/shard-003.tar, named by {tmp_path}/shard-{{000..003}}.tar, does not exist; check the range"
    )
    assert refused(lambda: load("x-{3..1}.tar")) == "x-{3..1}.tar counts from 3 down to 1; write the smaller number first"
    assert refused(lambda: load("x-{0..999999999}.tar")) == (
        "x-{0..999999999}.tar names 1,000,000,000 files; at most 100,000 can be read as one set"
    )
    assert refused(lambda: load("{0..9999}{0..9999}.tar")) == (
        "{0..9999}{0..9999}.tar names 100,000,000 files; at most 100,000 can be read as one set"
    )
    (tmp_path / "inner").mkdir()
    assert refused(lambda: load(tmp_path)) == (
        f"{tmp_path} holds tar shards and folders; expected one kind: name the shards by a pattern, or move them"
    )


def test_one_of_several_images_is_chosen_by_ending(tmp_path):
    members = [
        m for i in range(12) for m in ((f"{i}.left.png", PNGS[0]), (f"{i}.right.png", PNGS[i]), (f"{i}.cls", b"%d" % LABELS[i]))
    ]
    path = tar(tmp_path / "a.tar", members)
    assert_same(load(path, image_col="right.png"), ("0", "1", "2"))
    both = tar(tmp_path / "b.tar", [("0.png", PNGS[0]), ("0.jpg", PNGS[1]), ("0.cls", b"0")])
    assert refused(lambda: load(both)) == f"{both}, sample 0 has the images .jpg, .png; choose one ending with image_col"
    assert refused(lambda: load(both, image_col="x.png")) == f"{both}, sample 0 has no image; expected one .x.png for each key"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("0.png", PNGS[0])], "sample 0 has no label; expected a .cls, or a .json with the entry 'label'"),
        ([("0.cls", b"0")], "sample 0 has no image; expected one .jpg, .png, .webp or .bmp for each key"),
        ([("0.png", PNGS[0]), ("0.cls", b"auk")], "sample 0 has a .cls that is no whole number; write class names into a .json"),
        ([("0.png", PNGS[0]), ("0.cls", b"\xff")], "sample 0 has a .cls that is no whole number; write class names into a .json"),
        ([("0.png", PNGS[0]), ("0.json", b"[1]")], 'sample 0 has a .json that is no object; expected entries such as {"label": 3}'),
        (
            [("0.png", PNGS[0]), ("0.json", b"[" * 9999)],
            'sample 0 has a .json that is no object; expected entries such as {"label": 3}',
        ),
        (
            [("0.png", PNGS[0]), ("0.json", b'{"label": [1]}')],
            "sample 0 has an entry 'label' that is no whole number or text; choose the label with label_col",
        ),
        (
            [("0.png", PNGS[0]), ("0.json", b'{"label": 1, "y": 2}')],
            "sample 0 has the entries label, y in its .json; choose the label with label_col",
        ),
        ([("0.png", PNGS[0]), ("0.png", PNGS[0])], "sample 0 has two members .png; expected one of each ending"),
        ([("0.png", b"GIF"), ("0.cls", b"1")], "sample 0 is not a PNG, JPEG, WebP or BMP image; remove or convert it"),
    ],
)
def test_samples_that_miss_something(tmp_path, members, message):
    path = tar(tmp_path / "a.tar", members)
    assert refused(lambda: load(path)) == f"{path}, {message}"


def test_a_tar_without_samples(tmp_path):
    path = tar(tmp_path / "a.tar", [("README", b"hello")])
    assert refused(lambda: load(path)) == f"{path} holds no items; expected at least one"


def test_links_are_refused(tmp_path):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo("0.png")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    assert refused(lambda: load(path)) == f"{path}, member 0.png is no plain file; expected images and labels as plain files"


def announced(kind, size):
    info = tarfile.TarInfo("0.png")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def test_announced_sizes_are_not_believed(tmp_path):
    path = tmp_path / "a.tar"
    path.write_bytes(announced(tarfile.REGTYPE, 5 * 10**9) + bytes(1024))
    assert (
        refused(lambda: load(path)) == f"{path}, member 0.png announces 5,000,000,000 bytes, more than the limit of 2,147,483,648"
    )
    path.write_bytes(announced(tarfile.REGTYPE, 10**6) + bytes(1024))
    assert refused(lambda: load(path)) == f"{path} is not a readable tar file (unexpected end of data); write it again"
    for kind in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):  # a name of 40 MB that takes 40 KB on disk
        with gzip.open(tmp_path / "b.tgz", "wb") as stream:
            stream.write(announced(kind, 40 * 2**20) + bytes(40 * 2**20))
        assert (tmp_path / "b.tgz").stat().st_size < 10**5
        assert refused(lambda: load(tmp_path / "b.tgz")) == (
            f"{tmp_path / 'b.tgz'} is not a readable tar file (a header of 41,943,040 bytes); write it again"
        )
    path = tar(tmp_path / "c.tar", with_cls())
    assert refused(lambda: load(path, max_bytes=2500)) == (
        f"{path} has more than 2 members, too many for 2,500 bytes; raise max_bytes"
    )


def test_a_decompression_bomb_is_refused_from_its_header(tmp_path, monkeypatch):
    path = tar(tmp_path / "a.tar", with_cls())
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    assert refused(lambda: load(path)) == (
        f"{path}, sample 0000 has more than 20 pixels, which may be a decompression bomb; make it smaller or remove it"
    )


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_a_damaged_tar_loads_or_is_refused(tmp_path, name):
    path = tar(tmp_path / name, with_cls(range(3)), "w:gz" if name.endswith("gz") else "w")
    whole, refusals = path.read_bytes(), 0
    for position in range(0, min(len(whole), 2000), 13):
        for damaged in (whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :], whole[:position]):
            path.write_bytes(damaged)
            try:
                load(path, max_bytes=10**6)
            except DataError:  # anything else fails the test
                refusals += 1
    assert refusals > 50
