"""The whole way, from a text to verified files and their record, against a server that plays Zenodo, the Hub, Drive and a plain host."""

import hashlib
import json
from pathlib import Path

import pytest

from breadth.errors import FetchError
from breadth.fetch.fetch import fetch, look_up, plan_fetch, size_text
from breadth.fetch.services import Services, from_environment
from fetch.server import Drop, File, Status
from fetch.test_fetch_extract import zipped

FILES = {"ckpt.pt": b"weights" * 9000, "logs/args.json": b"{}", "näme & more.txt": b"text"}


@pytest.fixture
def get(services, client, tmp_path):
    """Fetch a text into the folder "out"; return the outcome."""

    def whole(text, only=(), **options):
        plan = plan_fetch(look_up(text, options.pop("services", services), client), tmp_path / "out", only)
        return fetch(plan, services, client, **options)

    return whole


def refused(call):
    with pytest.raises(FetchError) as caught:
        call()
    return str(caught.value)


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "fetched.json"}


def record(folder):
    return json.loads((folder / "fetched.json").read_text())


# Zenodo


def test_a_record_is_fetched_once_and_described(server, get, tmp_path):
    paths = server.zenodo("123", FILES)
    outcome = get("zenodo:123")
    assert tree(tmp_path / "out") == FILES
    assert outcome.transferred == sum(map(len, FILES.values()))
    assert [p.name for p in outcome.fetched] == ["ckpt.pt", "args.json", "näme & more.txt"]
    ((source, about),) = record(tmp_path / "out")["sources"].items()
    assert source == "zenodo:123"
    assert (about["licence"], about["title"], about["revision"]) == ("cc-by-4.0", "Checkpoints", "123")
    assert about["page"] == f"{server.url}/records/123"
    entry = about["files"]["ckpt.pt"]
    assert entry.pop("fetched_at").endswith("+00:00")
    assert entry == {
        "name": "ckpt.pt",
        "url": server.url + paths["ckpt.pt"],
        "came_from": server.url + paths["ckpt.pt"],
        "size": 63_000,
        "sha256": hashlib.sha256(FILES["ckpt.pt"]).hexdigest(),
        "verified": f"md5:{hashlib.md5(FILES['ckpt.pt']).hexdigest()}",
    }
    assert not (tmp_path / "out" / ".fetching").exists()
    again = get("zenodo:123")
    assert (again.fetched, len(again.kept), again.transferred) == ((), 3, 0)
    assert server.requests(paths["ckpt.pt"]) == [None]


def test_a_file_that_was_damaged_later_is_not_taken_for_good(server, get, tmp_path):
    server.zenodo("123", FILES)
    get("zenodo:123")
    (tmp_path / "out" / "ckpt.pt").write_bytes(b"other")
    assert refused(lambda: get("zenodo:123")) == (
        f"{tmp_path / 'out' / 'ckpt.pt'} exists and is not what was published as ckpt.pt; move it away, or give another folder"
    )
    assert (tmp_path / "out" / "ckpt.pt").read_bytes() == b"other"


def test_a_file_that_changed_at_its_source_is_not_written_over(server, get, tmp_path):
    server.zenodo("123", FILES)
    get("zenodo:123")
    server.zenodo("123", {"ckpt.pt": b"new"})
    path = tmp_path / "out" / "ckpt.pt"
    when = record(tmp_path / "out")["sources"]["zenodo:123"]["files"]["ckpt.pt"]["fetched_at"]
    assert refused(lambda: get("zenodo:123")) == f"{path} was fetched at {when} and has changed at its source; give another folder"


def test_a_file_that_was_there_before_is_verified_and_recorded(server, get, tmp_path):
    paths = server.zenodo("123", FILES)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "ckpt.pt").write_bytes(FILES["ckpt.pt"])
    get("zenodo:123")
    assert server.requests(paths["ckpt.pt"]) == []
    entry = record(tmp_path / "out")["sources"]["zenodo:123"]["files"]["ckpt.pt"]
    assert (entry["fetched_at"], entry["came_from"], entry["sha256"]) == (None, None, hashlib.sha256(FILES["ckpt.pt"]).hexdigest())


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "Zenodo has no record 9; check the number, as in zenodo:8247898"),
        (410, "Zenodo record 9 was removed; see {base}/records/9"),
        (403, "Zenodo record 9 is closed; ask for access at {base}/records/9, download by hand"),
    ],
)
def test_records_that_cannot_be_read(server, get, status, message):
    server.files["/api/records/9"] = Status(status, body=b'{"status": 404}')
    assert refused(lambda: get("zenodo:9")) == message.format(base=server.url)


def test_records_without_files(server, get):
    server.zenodo("9", {}, access_right="restricted")
    page = f"{server.url}/records/9"
    assert (
        refused(lambda: get("zenodo:9"))
        == f"Zenodo record 9 shows no files (restricted); ask for access at {page}, download by hand"
    )
    server.zenodo("9", {})
    assert refused(lambda: get("zenodo:9")) == f"Zenodo record 9 holds no files; see {page}"


@pytest.mark.parametrize("answer", [[], {}, {"metadata": 1}, {"id": 1, "metadata": {}, "files": [{"key": "a", "size": -1}]}])
def test_a_record_in_an_unknown_form(server, get, answer):
    server.json("/api/records/9", answer)
    assert (
        refused(lambda: get("zenodo:9")) == f"Zenodo describes record 9 in a form that is not known; look at {server.url}/records/9"
    )


def test_names_of_a_record_stay_inside_the_folder(server, get, tmp_path):
    server.zenodo("9", {"../../evil": b"1", "/tmp/evil": b"2", "fetched.json": b"3", ".fetching/x": b"4"})
    get("zenodo:9")
    assert tree(tmp_path) == {
        "out/_/_/evil": b"1",
        "out/tmp/evil": b"2",
        "out/fetched~2.json": b"3",
        "out/.fetching~2/x": b"4",
    }


def test_a_file_elsewhere_than_https_is_refused(server, get):
    server.zenodo("9", {"a": b"1"})
    listing = json.loads(server.files["/api/records/9"].content)
    listing["files"][0]["links"]["self"] = "file:///etc/passwd"
    server.json("/api/records/9", listing)
    assert "is no address" in refused(lambda: get("zenodo:9"))


# The Hub


def test_a_repository_is_fetched_at_one_commit(server, get, tmp_path):
    paths = server.hub("u/n", FILES, large=("ckpt.pt",))
    get("hf:u/n")
    assert tree(tmp_path / "out") == FILES
    about = record(tmp_path / "out")["sources"]["hf:u/n"]
    assert (about["licence"], about["revision"], about["service"]) == ("mit", "c" * 40, "huggingface")
    large = about["files"]["ckpt.pt"]
    sha256 = hashlib.sha256(FILES["ckpt.pt"]).hexdigest()
    assert large["verified"] == f"sha256:{sha256}"
    assert large["came_from"] == f"{server.url.replace('127.0.0.1', 'localhost')}/cdn/{sha256}"  # without the signature
    assert about["files"]["logs/args.json"]["verified"].startswith("git-sha1:")
    assert server.requests(paths["ckpt.pt"]) == [None]


@pytest.mark.parametrize("kind", ["datasets", "spaces"])
def test_data_sets_and_spaces_at_a_revision(server, get, tmp_path, kind):
    server.hub("u/n", FILES, prefix=f"{kind}/", revision="refs%2Fpr%2F1", page=100)
    get(f"hf:{kind}/u/n@refs/pr/1")
    assert tree(tmp_path / "out") == FILES


def test_the_token_goes_to_the_hub_only(server, client, tmp_path):
    paths = server.hub("u/n", FILES, large=("ckpt.pt",))
    services = Services(hub=server.url, token="hf_s3cret")
    fetch(plan_fetch(look_up("hf:u/n", services, client), tmp_path / "out"), services, client)
    for path, headers in server.log:
        assert headers.get("Authorization") == (None if path.startswith("/cdn") else "Bearer hf_s3cret")
    assert any(path.startswith("/cdn") for path, _ in server.log)
    assert paths
    assert "s3cret" not in (tmp_path / "out" / "fetched.json").read_text()


def test_a_wrong_file_of_the_hub_is_found_out(server, get, tmp_path):
    paths = server.hub("u/n", FILES)
    server.files[paths["logs/args.json"]] = File(b"[]")
    message = refused(lambda: get("hf:u/n"))
    assert message.startswith("logs/args.json: its git-sha1 is ")
    assert not (tmp_path / "out" / "logs" / "args.json").exists()
    assert (tmp_path / "out" / "ckpt.pt").exists()


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (401, "RepoNotFound", "hf:u/n does not exist or is private; check the name, or give a token in HF_TOKEN that may read it"),
        (403, "GatedRepo", "hf:u/n is gated; accept its terms at {base}/u/n, and give a token in HF_TOKEN of the account that did"),
        (404, "RevisionNotFound", "hf:u/n has no revision 'v9'; see {base}/u/n"),
        (404, "", "hf:u/n does not exist or is private; check the name, or give a token in HF_TOKEN that may read it"),
    ],
)
def test_repositories_that_cannot_be_read(server, get, status, code, message):
    server.files["/api/models/u/n/revision/v9"] = Status(status, {"X-Error-Code": code} if code else {})
    assert refused(lambda: get("hf:u/n@v9")) == message.format(base=server.url)


def test_a_gated_file_of_a_listed_repository(server, get):
    paths = server.hub("u/n", {"a": b"1"})
    server.files[paths["a"]] = Status(403, {"X-Error-Code": "GatedRepo"})
    assert refused(lambda: get("hf:u/n")) == (
        f"a: 127.0.0.1 answers 403; it is closed to you: accept its terms or ask for access at {server.url}/u/n, and set HF_TOKEN"
    )


def test_a_listing_without_end_is_refused(server, get):
    server.hub("u/n", {"a": b"1"}, page=100)
    tree_path = f"/api/models/u/n/tree/{'c' * 40}?recursive=1"
    server.files[tree_path].headers["Link"] = f'<{server.url}{tree_path}>; rel="next"'
    assert refused(lambda: get("hf:u/n")) == (
        f"the Hub lists the files at {server.url}{tree_path} without an end; give the same command again later"
    )


# Google Drive


@pytest.mark.parametrize("confirm", [False, True])
def test_a_file_of_drive(server, get, tmp_path, confirm):
    give = server.drive_file("1AbCdEf", "wéights.pt", FILES["ckpt.pt"], confirm=confirm)
    server.faults[give] = [Drop(0), Drop(30_000)]  # the first request asks for name and size only
    server.faults[give][0] = Drop(63_000)
    get("https://drive.google.com/file/d/1AbCdEf/view?usp=sharing")
    assert tree(tmp_path / "out") == {"wéights.pt": FILES["ckpt.pt"]}
    assert "bytes=30000-" in server.requests(give)
    assert next(iter(record(tmp_path / "out")["sources"].values()))["files"]["wéights.pt"]["verified"] is None


def test_a_folder_of_drive(server, get, services, client, tmp_path):
    page = "https://drive.google.com"
    server.drive_folder(
        "1Folder",
        "MAML checkpoints",
        [
            ("1Inner", "runs & logs", f"{page}/drive/folders/1Inner"),
            ("1Big", "ckpt.pt", f"{page}/file/d/1Big/view?usp=drive_web"),
            ("1Doc", "Notes", "https://docs.google.com/document/d/1Doc/edit"),
            ("1Shut", "closed", f"{page}/drive/folders/1Shut"),
        ],
    )
    server.drive_folder(
        "1Inner",
        "runs",
        [("1Small", "a/../b.txt", f"{page}/file/d/1Small/view"), ("1Folder", "loop", f"{page}/drive/folders/1Folder")],
    )
    server.drive_file("1Big", "ignored name", FILES["ckpt.pt"], confirm=True)
    server.drive_file("1Small", "b", b"text")
    listing = look_up("gdrive:1Folder", services, client)
    assert listing.notes == (
        "Notes: a document of Google's own, which has no file, left out; export it by hand",
        "closed: a folder that is not public, left out",
    )
    assert listing.title == "MAML checkpoints"
    outcome = get("gdrive:1Folder")
    assert tree(tmp_path / "out") == {"ckpt.pt": FILES["ckpt.pt"], "runs & logs/a_.._b.txt": b"text"}
    assert outcome.transferred == 63_004
    assert get("gdrive:1Folder").transferred == 0


def test_what_drive_does_not_give(server, get):
    closed = "gdrive:1AbCdEf does not exist or is not shared with everybody who has the link; "
    closed += f"check the id, or ask its owner to share it (a folder: {server.url}/drive/folders/1AbCdEf)"
    assert refused(lambda: get("gdrive:1AbCdEf")) == closed
    assert refused(lambda: get("https://drive.google.com/drive/folders/1AbCdEf")) == closed
    ask = "/uc?export=download&id=1AbCdEf"
    server.files[ask] = File(b"<title>Google Drive - Quota exceeded</title>", kind="text/html")
    busy = "1AbCdEf: downloaded too often today, says Google Drive; give the same command again tomorrow"
    assert refused(lambda: get("gdrive:1AbCdEf")) == busy
    server.files[ask] = File(b"<title>Something\nnew</title>", kind="text/html")
    shown = f"1AbCdEf: Google Drive shows a page instead of the file (Something new); open {server.url}{ask}"
    assert refused(lambda: get("gdrive:1AbCdEf")) == shown


# An address


def test_a_file_at_an_address(server, get, tmp_path):
    server.files["/d/a%20b.npz?x=1"] = File(b"data", headers={"Content-Disposition": 'attachment; filename="../../evil.npz"'})
    get(f"{server.url}/d/a b.npz?x=1")
    assert tree(tmp_path / "out") == {".._.._evil.npz": b"data"}
    server.files["/d/c.npz"] = File(b"more")
    get(f"{server.url}/d/c.npz")
    assert (tmp_path / "out" / "c.npz").read_bytes() == b"more"
    assert len(record(tmp_path / "out")["sources"]) == 2


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("attachment; filename=\"x\"; filename*=UTF-8''w%C3%A9.pt", "wé.pt"),
        ("attachment; filename=plain.pt", "plain.pt"),
        ('attachment; filename="w\u00c3\u00a9.pt"', "wé.pt"),
        ("attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", ".._.._etc_passwd"),
        ("attachment", "f"),
    ],
)
def test_names_that_servers_give(server, services, client, header, name):
    server.files["/f"] = File(b"1", headers={"Content-Disposition": header})
    assert str(look_up(f"{server.url}/f", services, client).files[0].path) == name


def test_a_page_is_no_file(server, get):
    server.files["/d"] = File(b"<html></html>", kind="text/html; charset=utf-8")
    assert refused(lambda: get(f"{server.url}/d")) == (
        f"{server.url}/d is a page, not a file; give the address that its download button leads to"
    )
    assert refused(lambda: get(f"{server.url}/e")) == f"127.0.0.1 has nothing at {server.url}/e (404); check the address"
    assert refused(lambda: get("http://example.org/a.zip")) == (
        "'http://example.org/a.zip' is not encrypted; give its https address"
    )


# Choosing, limits, archives


def test_only_what_matches_is_fetched(server, get, tmp_path):
    server.zenodo("123", FILES)
    get("zenodo:123", only=["*.pt", "logs/*"])
    assert set(tree(tmp_path / "out")) == {"ckpt.pt", "logs/args.json"}
    assert refused(lambda: get("zenodo:123", only=["ckpt"])) == (
        "no file of zenodo:123 is called 'ckpt'; it holds ckpt.pt, logs/args.json, näme & more.txt; did you mean 'ckpt.pt'?"
    )


def test_more_than_the_limit_is_refused_before_anything_is_asked_for(server, get, tmp_path):
    paths = server.zenodo("123", FILES)
    assert refused(lambda: get("zenodo:123", max_bytes=60_000)) == (
        "zenodo:123: 61.5 KB to download, more than the limit of 58.6 KB; choose files (--only) or raise the limit (--max-bytes)"
    )
    assert server.requests(paths["ckpt.pt"]) == []
    assert not (tmp_path / "out").exists()


def test_a_size_that_no_disk_holds_is_refused(server, get, tmp_path):
    server.zenodo("123", FILES)
    listing = json.loads(server.files["/api/records/123"].content)
    listing["files"][0]["size"] = 2**60
    server.json("/api/records/123", listing)
    message = refused(lambda: get("zenodo:123", max_bytes=2**70))
    assert message.startswith(f"{tmp_path / 'out'}: 1048576.0 TB to download, ")
    assert message.endswith(" free; make room, or give another folder")


def test_archives_are_unpacked_once(server, get, tmp_path):
    packed = zipped(tmp_path / "x.zip", [("a.txt", b"alpha", 0)]).read_bytes()
    server.zenodo("123", {"x.zip": packed, "data.npz": packed})
    out = tmp_path / "out"
    assert get("zenodo:123").unpacked == {}
    (done,) = get("zenodo:123", unpack=True).unpacked.values()
    assert (done.folder, done.files, done.size) == (out / "x", 1, 5)
    assert (out / "x" / "a.txt").read_bytes() == b"alpha"
    assert get("zenodo:123", unpack=True).unpacked == {}
    (out / "x" / "a.txt").unlink()
    (out / "x").rmdir()
    assert len(get("zenodo:123", unpack=True).unpacked) == 1


def test_a_folder_of_ones_own_is_not_taken_for_the_archive(server, get, tmp_path):
    server.zenodo("123", {"x.zip": zipped(tmp_path / "x.zip", [("a.txt", b"alpha", 0)]).read_bytes()})
    (tmp_path / "out" / "x").mkdir(parents=True)
    assert refused(lambda: get("zenodo:123", unpack=True)) == (
        f"{tmp_path / 'out' / 'x'} exists and did not come from x.zip as it is now; move it away to unpack again"
    )


def test_a_harmful_archive_is_kept_packed(server, get, tmp_path):
    packed = zipped(tmp_path / "x.zip", [("../evil", b"1", 0)]).read_bytes()
    server.zenodo("123", {"x.zip": packed})
    out = tmp_path / "out"
    assert refused(lambda: get("zenodo:123", unpack=True)) == (
        f"{out / 'x.zip'}: '../evil' leads out of the folder; nothing was unpacked"
    )
    assert set(tree(tmp_path)) == {"x.zip", "out/x.zip"}


def test_a_damaged_record_is_not_written_over(server, get, tmp_path):
    server.zenodo("123", FILES)
    (tmp_path / "out").mkdir()
    path = Path(tmp_path / "out" / "fetched.json")
    path.write_text("[]")
    assert refused(lambda: get("zenodo:123")) == (
        f"{path} is no record of fetched files; move it away, and the same command writes it anew"
    )


@pytest.mark.parametrize(
    ("size", "text"),
    [(None, "?"), (0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KB"), (20 * 2**30, "20.0 GB"), (2**20 - 1, "1024.0 KB")],
)
def test_sizes_as_a_person_says_them(size, text):
    assert size_text(size) == text


def test_services_come_from_the_environment(monkeypatch):
    for name in ("BREADTH_ZENODO_URL", "HF_ENDPOINT", "BREADTH_DRIVE_URL", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert from_environment() == Services()
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example/")
    monkeypatch.setenv("HF_TOKEN", " hf_x\n")
    assert from_environment() == Services(hub="https://mirror.example", token="hf_x")
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror.example")
    assert refused(from_environment) == "'http://mirror.example' is not encrypted; give its https address"
