"""Archives as strangers make them: good ones are unpacked whole, harmful ones leave nothing behind, anywhere."""

import io
import os
import stat
import struct
import tarfile
import zipfile

import pytest

from breadth.errors import FetchError
from breadth.fetch.extract import Limits, archive_stem, extract

LIMITS = Limits(total=10_000_000, ratio=200, grace=1_000_000, entries=1_000)
FILES = {"a.txt": b"alpha", "b/c.bin": bytes(range(256)) * 9, "b/empty": b"", "long/" + "n" * 150: b"x"}


def tar(path, members, mode="w"):
    """Write a tar of (name, content or None, changes to the header)."""
    with tarfile.open(path, mode) as out:
        for name, content, changes in members:
            info = tarfile.TarInfo(name)
            info.size = len(content or b"")
            for key, value in changes.items():
                setattr(info, key, value)
            out.addfile(info, io.BytesIO(content) if content is not None else None)
    return path


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content, mode in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(info, content)
    return path


def refused(archive, tmp_path, limits=LIMITS):
    """The line with which an archive is refused, after looking that nothing was written, inside the target or beside it."""
    before = {p for p in tmp_path.rglob("*") if p != tmp_path / "work"}
    with pytest.raises(FetchError) as caught:
        extract(archive, tmp_path / "out", limits, tmp_path / "work")
    assert {p for p in tmp_path.rglob("*") if p != tmp_path / "work"} == before
    return str(caught.value)


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("suffix", "mode"), [(".tar", "w"), (".tar.gz", "w:gz"), (".TGZ", "w:gz"), (".tar.xz", "w:xz"), (".tar.bz2", "w:bz2")]
)
def test_a_tar_is_unpacked(tmp_path, suffix, mode):
    archive = tar(tmp_path / f"x{suffix}", [(n, c, {"mode": 0o4777}) for n, c in FILES.items()], mode)
    done = extract(archive, tmp_path / "out", LIMITS, tmp_path / "work")
    assert tree(tmp_path / "out") == FILES
    assert (done.files, done.size) == (4, sum(map(len, FILES.values())))
    assert not (tmp_path / "out" / "a.txt").stat().st_mode & (stat.S_ISUID | stat.S_IXUSR)
    assert list((tmp_path / "work").iterdir()) == []


def test_a_zip_is_unpacked_also_one_made_with_backslashes(tmp_path):
    archive = zipped(tmp_path / "x.zip", [(n.replace("/", "\\"), c, 0) for n, c in FILES.items()] + [("folder/", b"", 0)])
    extract(archive, tmp_path / "out", LIMITS, tmp_path / "work")
    assert tree(tmp_path / "out") == FILES
    assert (tmp_path / "out" / "folder").is_dir()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../evil", "leads out of the folder"),
        ("a/../../evil", "leads out of the folder"),
        ("..\\evil", "leads out of the folder"),
        ("/tmp/evil", "is an absolute path"),
        ("\\\\server\\evil", "is an absolute path"),
        ("C:\\evil", "begins with a drive letter"),
        ("a\x1b[2J", "holds control characters"),
        ("d/" * 100 + "f", "lies more than 100 folders deep"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, name, why):
    first = ("good", b"1", 0)
    in_zip = zipped(tmp_path / "x.zip", [first, (name, b"2", 0)])
    assert refused(in_zip, tmp_path) == f"{in_zip}: '{name[:100]}' {why}; nothing was unpacked"
    in_tar = tar(tmp_path / "x.tar", [("good", b"1", {}), (name, b"2", {})])
    assert refused(in_tar, tmp_path) == f"{in_tar}: '{name[:100]}' {why}; nothing was unpacked"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    members = [("link", None, {"type": kind, "linkname": "/etc"}), ("link/evil", b"1", {})]
    archive = tar(tmp_path / "x.tar", members)
    assert refused(archive, tmp_path) == f"{archive}: 'link' is a link or a device; nothing was unpacked"


def test_a_link_in_a_zip_is_refused(tmp_path):
    archive = zipped(tmp_path / "x.zip", [("link", b"/etc", stat.S_IFLNK | 0o777)])
    assert refused(archive, tmp_path) == f"{archive}: 'link' is a link or a device; nothing was unpacked"


def test_a_name_that_occurs_twice_is_refused(tmp_path):
    archive = tar(tmp_path / "x.tar", [("a", b"1", {}), ("./a", b"2", {})])
    assert refused(archive, tmp_path) == f"{archive}: './a' occurs twice; nothing was unpacked"


BOMB = "brings it beyond 200 times its packed size, as decompression bombs do; nothing was unpacked"


def test_bombs_are_refused_by_what_they_write(tmp_path):
    in_zip = zipped(tmp_path / "x.zip", [("zeros", bytes(5_000_000), 0)])
    assert refused(in_zip, tmp_path) == f"{in_zip}: 'zeros' {BOMB}"
    in_tar = tar(tmp_path / "x.tar.gz", [("zeros", bytes(5_000_000), {})], "w:gz")
    assert BOMB in refused(in_tar, tmp_path)


def test_a_zip_that_announces_less_than_it_holds_is_refused(tmp_path):
    archive = zipped(tmp_path / "x.zip", [("zeros", bytes(900_000), 0)])
    content = bytearray(archive.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.index(mark) + offset
        content[at : at + 4] = struct.pack("<I", 10)
    archive.write_bytes(content)
    assert refused(archive, tmp_path) == f"{archive} cannot be unpacked (Bad CRC-32 for file 'zeros'); nothing was written"


def test_a_flood_of_headers_is_refused(tmp_path):
    """Headers are read, and not written: a bomb may hide there."""
    archive = tar(tmp_path / "x.tar.xz", [(f"{i}", b"", {"pax_headers": {"comment": "x" * 900_000}}) for i in range(9)], "w:xz")
    assert refused(archive, tmp_path) == f"{archive}: 'its end' {BOMB}"


def test_a_header_without_end_is_refused(tmp_path):
    archive = tar(tmp_path / "x.tar.xz", [("a", b"1", {"pax_headers": {"comment": "x" * 2_000_000}})], "w:xz")
    assert refused(archive, tmp_path) == f"{archive}: 'a header' announces 2,000,384 bytes; nothing was unpacked"


def test_too_many_bytes_or_entries_are_refused(tmp_path):
    archive = tar(tmp_path / "x.tar", [(f"{i}", b"12", {}) for i in range(20)])
    few = Limits(total=10_000, entries=19)
    assert refused(archive, tmp_path, few) == f"{archive}: '19' is one of more than 19 entries; nothing was unpacked"
    small = Limits(total=39)
    assert refused(archive, tmp_path, small) == f"{archive}: '19' brings it beyond 39 bytes (--max-bytes); nothing was unpacked"


@pytest.mark.parametrize("cut", [700, 1024, 1030, 2000])
def test_a_tar_that_was_cut_off_is_refused(tmp_path, cut):
    archive = tar(tmp_path / "x.tar", [("a", b"1" * 500, {}), ("b", b"2" * 600, {})])
    archive.write_bytes(archive.read_bytes()[:cut])
    assert "nothing was written" in refused(archive, tmp_path)


def test_a_tar_with_a_damaged_header_is_refused(tmp_path):
    archive = tar(tmp_path / "x.tar", [("a", b"1" * 500, {}), ("b", b"2" * 600, {})])
    content = bytearray(archive.read_bytes())
    content[1024 + 3] ^= 1
    archive.write_bytes(content)
    assert refused(archive, tmp_path) == f"{archive} cannot be unpacked (damaged or cut off after 1 files); nothing was written"


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".tar.xz", ".tar.bz2"])
def test_what_is_no_archive_is_refused(tmp_path, suffix):
    archive = tmp_path / f"x{suffix}"
    archive.write_bytes(b"no archive " * 1000)
    assert refused(archive, tmp_path).startswith(f"{archive} cannot be unpacked (")


def test_an_encrypted_zip_is_refused(tmp_path):
    archive = zipped(tmp_path / "x.zip", [("a", b"1", 0)])
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x03\x04") + 6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    assert refused(archive, tmp_path) == f"{archive}: 'a' is encrypted; nothing was unpacked"


def test_nothing_is_written_over(tmp_path):
    archive = zipped(tmp_path / "x.zip", [("a", b"1", 0)])
    (tmp_path / "out").symlink_to(tmp_path / "nowhere")
    assert (
        refused(archive, tmp_path)
        == f"{tmp_path / 'out'} exists and did not come from x.zip as it is now; move it away to unpack again"
    )


def test_what_a_killed_process_left_is_cleared(tmp_path):
    archive = zipped(tmp_path / "x.zip", [("a", b"1", 0)])
    left = tmp_path / "work" / "x.zip.unpacking" / "a"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    extract(archive, tmp_path / "out", LIMITS, tmp_path / "work")
    assert tree(tmp_path / "out") == {"a": b"1"}


def test_archives_inside_stay_as_they_are(tmp_path):
    inner = zipped(tmp_path / "inner.zip", [("../evil", b"1", 0)]).read_bytes()
    archive = zipped(tmp_path / "x.zip", [("inner.zip", inner, 0)])
    extract(archive, tmp_path / "out", LIMITS, tmp_path / "work")
    assert os.listdir(tmp_path / "out") == ["inner.zip"]


@pytest.mark.parametrize(
    ("name", "stem"),
    [("a.tar.gz", "a"), ("a.b.TXZ", "a.b"), ("a.zip", "a"), (".zip", None), ("a.npz", None), ("a.pt", None), ("a.gz", None)],
)
def test_what_counts_as_an_archive(name, stem):
    assert archive_stem(name) == stem
