"""Transfers against a server that drops, lies, limits and redirects: what arrives is what was published, or one line says why not."""

import fcntl
import hashlib
import json
import subprocess
import sys
from pathlib import PurePosixPath
from types import SimpleNamespace

import pytest

from breadth.errors import FetchError
from breadth.fetch import record
from breadth.fetch.client import Secret, StatusError, checked
from breadth.fetch.download import digests, download, part_of
from breadth.fetch.listing import Checksum, Remote
from fetch.server import Announce, Drop, File, Short, Status

CONTENT = bytes(range(256)) * 4096  # 1 MiB
SIZE = len(CONTENT)
MD5 = Checksum("md5", hashlib.md5(CONTENT).hexdigest())
GIT = Checksum("git-sha1", hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT).hexdigest())


@pytest.fixture
def get(server, client, tmp_path):
    """Fetch the file at /f into a.bin of a folder; return its bytes."""

    def fetch(checksum=MD5, size=SIZE, most=2**30, **file):
        server.files.setdefault("/f", File(CONTENT, **file))
        remote = Remote("a.bin", PurePosixPath("a.bin"), f"{server.url}/f", size, checksum)
        arrived = download(
            remote, tmp_path, client=client, open_=lambda r, h: client.open(r.url, h), most=most, report=fetch.seen.append
        )
        assert arrived.sha256 == hashlib.sha256(arrived.part.read_bytes()).hexdigest()
        arrived.settle(tmp_path / "a.bin")
        return (tmp_path / "a.bin").read_bytes()

    fetch.seen = []
    return fetch


def refused(call):
    with pytest.raises(FetchError) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize("checksum", [MD5, GIT, Checksum("sha256", hashlib.sha256(CONTENT).hexdigest()), None], ids=str)
def test_a_file_arrives(get, server, tmp_path, checksum):
    assert get(checksum) == CONTENT
    assert server.requests("/f") == [None]
    assert get.seen[-1] == len(CONTENT)
    assert list((tmp_path / ".fetching").iterdir()) == []


def test_a_file_whose_size_is_not_stated_arrives(get):
    assert get(checksum=None, size=None) == CONTENT


def test_a_broken_transfer_goes_on_where_it_broke(get, server, pauses):
    server.faults["/f"] = [Drop(300_000), Drop(200_000)]
    assert get() == CONTENT
    assert server.requests("/f") == [None, "bytes=300000-", "bytes=500000-"]
    assert server.headers("/f")[1]["If-Range"] == '"v1"'
    assert [p[1] for p in pauses] == [f"127.0.0.1 broke off a.bin after {n:,} bytes" for n in (300_000, 500_000)]


def test_a_server_that_ignores_ranges_starts_again(get, server):
    server.faults["/f"] = [Drop(300_000)]
    assert get(ranges=False) == CONTENT
    assert server.requests("/f") == [None, "bytes=300000-"]


@pytest.mark.parametrize("size", [SIZE, None])
def test_a_range_that_is_answered_in_part_is_asked_for_again(get, server, size):
    server.faults["/f"] = [Drop(300_000), Short(200_000)]
    assert get(checksum=None, size=size) == CONTENT
    assert server.requests("/f") == [None, "bytes=300000-", "bytes=500000-"]


def test_another_version_is_not_mixed_with_the_first(get, server):
    server.files["/f"] = File(b"old" + CONTENT[3:], etag='"v0"')
    server.faults["/f"] = [Drop(300_000)] + [Drop(0)] * 3
    refused(lambda: get(checksum=None))
    server.files["/f"] = File(CONTENT)
    assert get(checksum=None) == CONTENT
    assert server.requests("/f")[-1] == "bytes=300000-"
    assert server.headers("/f")[-1]["If-Range"] == '"v0"'


def test_a_damaged_first_part_is_replaced_once(get, server, tmp_path):
    server.faults["/f"] = [Drop(300_000)] * 2 + [Drop(0)] * 3
    assert "after 600,000 bytes" in refused(get)
    part, _ = part_of(tmp_path, Remote("a.bin", PurePosixPath("a.bin"), ""))
    damaged = bytearray(part.read_bytes())
    damaged[7] ^= 1
    part.write_bytes(damaged)
    assert get() == CONTENT
    assert server.requests("/f")[-2:] == ["bytes=600000-", None]


def test_a_part_that_nothing_marks_is_not_built_on(get, server):
    server.faults["/f"] = [Drop(300_000)]
    assert get(checksum=None, etag=None) == CONTENT
    assert server.requests("/f") == [None, None]


def test_a_part_that_is_too_long_is_not_used(get, server, tmp_path):
    server.faults["/f"] = [Drop(300_000)] + [Drop(0)] * 3
    refused(lambda: get(checksum=None))
    part, _ = part_of(tmp_path, Remote("a.bin", PurePosixPath("a.bin"), ""))
    part.write_bytes(CONTENT + b"x")
    assert get(checksum=None) == CONTENT
    assert server.requests("/f")[-1] is None


def test_a_checksum_is_mark_enough(get, server):
    server.faults["/f"] = [Drop(300_000)]
    assert get(etag=None) == CONTENT
    assert server.requests("/f") == [None, "bytes=300000-"]
    assert "If-Range" not in server.headers("/f")[1]


@pytest.mark.parametrize("code", [503, 429, 500])
def test_a_busy_server_is_asked_again(get, server, pauses, code):
    server.faults["/f"] = [Status(code, {"Retry-After": "7"}), Status(code)]
    assert get() == CONTENT
    assert [p[0] for p in pauses] == [7.0, 2.0]
    assert pauses[0][1].startswith(f"127.0.0.1 answers {code} ")


def test_a_server_that_stays_busy_is_given_up(get, server, pauses):
    server.faults["/f"] = [Status(503)] * 9
    assert refused(get) == f"127.0.0.1 answers 503 Service Unavailable to {server.url}/f"
    assert len(pauses) == 2


def test_a_server_that_asks_for_hours_is_not_waited_for(get, server, pauses):
    server.faults["/f"] = [Status(429, {"Retry-After": "7200"})]
    assert refused(get) == "127.0.0.1 is busy and asks to wait 7200 s; give the same command again then"
    assert pauses == []


def test_retry_after_may_be_a_date(get, server, pauses):
    server.faults["/f"] = [Status(503, {"Retry-After": "Mon, 01 Jan 2024 00:00:00 GMT"}), Status(503, {"Retry-After": "soon"})]
    assert get() == CONTENT
    assert [p[0] for p in pauses] == [0.0, 2.0]


def test_a_transfer_that_brings_nothing_is_given_up_and_resumable(get, server):
    server.faults["/f"] = [Drop(300_000)] + [Drop(0)] * 3
    assert refused(get) == "127.0.0.1 broke off a.bin after 300,000 bytes; give the same command again, it goes on from there"
    assert get() == CONTENT
    assert server.requests("/f")[-1] == "bytes=300000-"


def test_a_transfer_that_cannot_be_resumed_says_so(get, server):
    server.faults["/f"] = [Drop(300_000)] * 5
    assert refused(lambda: get(checksum=None, etag=None)) == (
        "127.0.0.1 broke off a.bin after 300,000 bytes; give the same command again, it starts anew: nothing there marks versions"
    )


def test_a_wrong_checksum_is_said_and_the_bytes_are_kept_aside(get, server, tmp_path):
    wrong = b"x" + CONTENT[1:]
    server.files["/f"] = File(wrong)
    bad = part_of(tmp_path, Remote("a.bin", PurePosixPath("a.bin"), ""))[0].with_suffix(".bad")
    assert refused(get) == (
        f"a.bin: its md5 is {hashlib.md5(wrong).hexdigest()}, 127.0.0.1 states {MD5.digest}; "
        f"the bytes are kept as {bad}, and the same command downloads them anew"
    )
    assert bad.read_bytes() == wrong
    assert not (tmp_path / "a.bin").exists()
    server.files["/f"] = File(CONTENT)
    assert get() == CONTENT
    assert not bad.exists()


def test_a_length_that_contradicts_the_listing_is_refused(get, server):
    server.faults["/f"] = [Announce(99)]
    assert refused(get) == (
        "a.bin: 127.0.0.1 announces 99 bytes, the listing says 1,048,576; "
        "give the same command again later, or report it to whoever published the file"
    )


def test_a_server_that_announces_more_than_it_sends_is_truncated(get, server):
    server.files["/f"] = File(CONTENT, ranges=False)
    server.faults["/f"] = [Announce(2**21)] * 4
    message = refused(lambda: get(checksum=None, size=None))
    assert message == "127.0.0.1 broke off a.bin after 1,048,576 bytes; give the same command again, it goes on from there"


def test_more_than_the_limit_is_not_stored(get, tmp_path):
    message = refused(lambda: get(checksum=None, size=None, most=300_000))
    assert message == (
        "a.bin: more than the 300,000 bytes that are left of the limit; raise the limit (--max-bytes) if the source is trusted"
    )
    assert part_of(tmp_path, Remote("a.bin", PurePosixPath("a.bin"), ""))[0].stat().st_size <= 300_000


def test_a_range_that_was_not_asked_for_is_refused(get, server):
    server.faults["/f"] = [Drop(300_000), Status(206, {"Content-Range": "bytes 5-9/10"}, b"12345")]
    assert refused(get) == (
        "a.bin: 127.0.0.1 answers the range 'bytes 5-9/10' to a request for '300000-' of 1048576; "
        "delete the folder .fetching and give the same command again"
    )


def test_a_full_disk_is_one_line_and_resumable(server, tmp_path):
    """In a process that may write no more than 300,000 bytes a file, which the system refuses as it does on a full disk."""
    server.files["/f"] = File(CONTENT)
    code = (
        "import resource, sys\nfrom pathlib import Path, PurePosixPath\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        "from breadth.errors import FetchError\nfrom breadth.fetch.client import Client\n"
        "from breadth.fetch.download import download\nfrom breadth.fetch.listing import Remote\nclient = Client()\n"
        f"remote = Remote('a.bin', PurePosixPath('a.bin'), '{server.url}/f', {len(CONTENT)})\n"
        "try:\n"
        "    download(remote, Path(sys.argv[1]), client=client, open_=lambda r, h: client.open(r.url, h), most=2**30)\n"
        "except FetchError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout == "cannot store a.bin (file too large); make room, and the same command goes on from there\n"
    assert part_of(tmp_path, Remote("a.bin", PurePosixPath("a.bin"), ""))[0].stat().st_size == 300_000


def test_a_lock_that_is_removed_while_it_is_taken_is_taken_anew(tmp_path, monkeypatch):
    taken = []

    def late(stream, how):
        if not taken:  # the process that held it ends between our opening and our locking
            (tmp_path / ".fetching" / "lock").unlink()
            (tmp_path / ".fetching").rmdir()
        taken.append(fcntl.flock(stream, how))

    monkeypatch.setattr(record, "fcntl", SimpleNamespace(flock=late, LOCK_EX=fcntl.LOCK_EX, LOCK_NB=fcntl.LOCK_NB))
    with record.locked(tmp_path) as workplace:
        assert (workplace / "lock").exists()
        assert len(taken) == 2
        assert refused(lambda: record.locked(tmp_path).__enter__()) == (
            f"another process fetches into {tmp_path}; wait for it, or give another folder"
        )
    assert list(tmp_path.iterdir()) == []


def test_digests_match_the_obvious(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(CONTENT)
    assert digests(path, GIT, len(CONTENT)) == (hashlib.sha256(CONTENT).hexdigest(), GIT)
    assert digests(path, MD5, len(CONTENT)) == (hashlib.sha256(CONTENT).hexdigest(), MD5)
    assert digests(path, None, len(CONTENT)) == (hashlib.sha256(CONTENT).hexdigest(), None)


def test_redirects_are_followed_and_secrets_stay_home(server, client):
    elsewhere = server.url.replace("127.0.0.1", "localhost")
    server.files["/a"] = Status(302, {"Location": "/b"})
    server.files["/b"] = Status(307, {"Location": f"{elsewhere}/f"})
    server.files["/f"] = File(b"x")
    with client.open(f"{server.url}/a", secret=Secret(server.url, "s3cret")) as answer:
        assert answer.read() == b"x"
        assert answer.url == f"{elsewhere}/f"
    sent = [server.headers(p)[0].get("Authorization") for p in ("/a", "/b", "/f")]
    assert sent == ["Bearer s3cret", "Bearer s3cret", None]


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("/a", "127.0.0.1 redirects {base}/a in a circle; check the address in a browser"),
        ("file:///etc/passwd", "'file:///etc/passwd', where {base}/a leads, is no address; expected one such as https://HOST/FILE"),
        ("ftp://h/x", "'ftp://h/x', where {base}/a leads, is not https; 'ftp' addresses are not fetched"),
        ("http://example.org/x", "'http://example.org/x', where {base}/a leads, is not encrypted; give its https address"),
        (
            "https://u:p@example.org/x",
            "an address on example.org holds a user name or password; give one without, fetch what is closed yourself",
        ),
    ],
)
def test_redirects_that_lead_where_they_must_not(server, client, location, message):
    server.files["/a"] = Status(302, {"Location": location})
    assert refused(lambda: client.open(f"{server.url}/a")) == message.format(base=server.url)


def test_a_stranger_may_not_lead_to_this_machine():
    message = refused(lambda: checked("http://127.0.0.1:8080/admin", came_from="https://example.org/x?token=1"))
    assert message == (
        "'http://127.0.0.1:8080/admin', where https://example.org/x leads, is this machine; a stranger's redirect is not followed here"
    )
    for host in ("localhost", "localhost.", "127.1", "0x7f.0.0.1", "2130706433", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[::]"):
        assert "is this machine" in refused(lambda h=host: checked(f"https://{h}/", came_from="https://example.org/x"))
    for host in ("126.255.255.255", "localhost.example", "1234.example", "[::ffff:1.2.3.4]"):
        assert checked(f"https://{host}/", came_from="https://example.org/x") == f"https://{host}/"


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("https://h/a b?c=ä#frag", "https://h/a%20b?c=%C3%A4"),
        ("https://bücher.example/%20x", "https://xn--bcher-kva.example/%20x"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
    ],
)
def test_addresses_are_asked_in_ascii(given, asked):
    assert checked(given) == asked


def test_an_unreachable_host_is_one_line(server, client, pauses):
    server.close()
    assert refused(lambda: client.open(f"{server.url}/x")) == (
        "cannot reach 127.0.0.1 (Connection refused); check the network and give the same command again"
    )
    assert [p[0] for p in pauses] == [1.0, 2.0]


def test_an_answer_that_is_no_success_carries_its_status(server, client):
    server.files["/x"] = Status(403, {"X-Error-Code": "GatedRepo"})
    with pytest.raises(StatusError) as caught:
        client.open(f"{server.url}/x")
    assert (caught.value.status, caught.value.code) == (403, "GatedRepo")


def test_a_login_page_in_place_of_json_is_said(server, client):
    server.files["/api"] = File(b"<html>Welcome to the hotel</html>", kind="text/html")
    assert refused(lambda: client.read_json(f"{server.url}/api")) == (
        f"127.0.0.1 answers something that is no JSON to {server.url}/api; "
        "look at the address in a browser: a login page of the network may be in between"
    )


def test_a_listing_that_breaks_off_is_read_again(server, client):
    server.json("/api", list(range(1000)))
    server.faults["/api"] = [Drop(10)]
    assert client.read_json(f"{server.url}/api")[0] == json.loads(json.dumps(list(range(1000))))
