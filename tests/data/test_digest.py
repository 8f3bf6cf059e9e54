"""What a source holds as one hash: of bytes and names, whatever these are, and of nothing that is not data."""

import hashlib
import os
from dataclasses import replace

import pytest
from PIL import Image

from breadth.data.digest import source_digest
from breadth.data.formats import load
from breadth.errors import DataError


@pytest.fixture
def folder(tmp_path):
    for c, colour in (("auk", "red"), ("wren", "blue")):
        (tmp_path / "birds" / c).mkdir(parents=True)
        Image.new("RGB", (4, 4), colour).save(tmp_path / "birds" / c / "0.png")
    return tmp_path / "birds"


def sha(content):
    return hashlib.sha256(content).hexdigest()


def test_a_file_is_its_bytes(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"abc")
    assert source_digest(str(tmp_path / "x.npz")) == sha(b"abc")


def test_a_folder_is_the_names_and_bytes_of_its_files_in_order(folder):
    lines = [f"{c}/0.png {sha((folder / c / '0.png').read_bytes())}" for c in ("auk", "wren")]
    assert source_digest(str(folder)) == sha("\n".join(lines).encode())


@pytest.mark.parametrize("name", [".DS_Store", "auk/.DS_Store", "auk/Thumbs.db", "auk/desktop.ini", ".git/config"])
def test_hidden_files_change_neither_the_digest_nor_what_is_loaded(folder, name):
    digest, loaded = source_digest(str(folder)), load(folder).digest
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("x")
    assert (source_digest(str(folder)), load(folder).digest) == (digest, loaded)


def test_any_other_file_changes_it(folder):
    before = source_digest(str(folder))
    os.rename(folder / "auk" / "0.png", folder / "auk" / "1.png")
    renamed = source_digest(str(folder))
    Image.new("RGB", (4, 4), "green").save(folder / "auk" / "1.png")
    assert len({before, renamed, source_digest(str(folder))}) == 3


def test_files_behind_links_count_and_a_link_to_itself_ends(folder, tmp_path):
    os.rename(folder / "auk", tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", folder / "auk")
    os.symlink(folder, folder / "wren" / "again")
    before = source_digest(str(folder))
    Image.new("RGB", (4, 4), "green").save(tmp_path / "elsewhere" / "0.png")
    assert source_digest(str(folder)) != before


def test_names_that_are_no_utf8_are_data_like_any_other(folder):
    os.rename(folder / "auk", os.fsencode(folder) + b"/caf\xe9")
    os.rename(folder / "wren" / "0.png", os.fsencode(folder / "wren") + b"/\xff.png")
    first = source_digest(str(folder))
    os.rename(os.fsencode(folder) + b"/caf\xe9", os.fsencode(folder) + b"/caf\xe8")
    assert source_digest(str(folder)) != first
    loaded = load(folder)
    assert loaded.class_names == ("caf\\xe8", "wren")
    assert len(loaded.digest) == 64


def test_a_set_whose_class_names_are_no_utf8_has_a_digest():
    digits = load("digits")
    odd = replace(digits, class_names=("caf\udce9", *digits.class_names[1:]))
    assert len({odd.digest, digits.digest}) == 2


def test_a_folder_that_cannot_be_followed_is_refused(folder):
    name = "x" * 300
    with pytest.raises(DataError) as e:
        source_digest(f"{folder}/{name}")
    assert str(e.value) == f"{folder}/{name}: cannot be read (File name too long); check the path and its permissions"


def test_a_pattern_is_the_names_and_bytes_of_the_files_it_names(tmp_path):
    for k in range(3):
        (tmp_path / f"s-{k}.tar").write_bytes(b"%d" % k)
    named = sha("\n".join(f"s-{k}.tar {sha(b'%d' % k)}" for k in (0, 1)).encode())
    assert source_digest(f"{tmp_path}/s-{{0..1}}.tar") == named == source_digest(f"{tmp_path}/s-{{0,1}}.tar")
    assert source_digest(f"{tmp_path}/s-*.tar") != named
    (tmp_path / "s-2.tar").unlink()
    assert source_digest(f"{tmp_path}/s-*.tar") == named


def test_a_hugging_face_folder_is_its_files_and_split(folder):
    held, train = source_digest(f"hf:{folder}"), source_digest(f"hf:{folder}#train")
    (folder / "auk" / "1.png").write_bytes(b"x")
    assert len({held, train, source_digest(f"hf:{folder}"), source_digest("hf:u/n"), source_digest("hf:u/n@v1")}) == 5
