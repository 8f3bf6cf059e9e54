"""Posting to Bluesky, against a server on this machine that answers as the real one does, and fails where it can."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from announce.loopback import soon
from announce.pds import DID, HANDLES, Pds, typeless
from announce.thread_folder import TEXTS, thread_folder
from breadth.announce.send import send
from breadth.announce.send.bluesky import small_enough, tid
from breadth.errors import AnnounceError

ALL_SENT = ["post 1 of 3 sent: ", "post 2 of 3 sent: ", "post 3 of 3 sent: "]


@pytest.fixture
def pds(monkeypatch):
    with Pds().running() as server:
        monkeypatch.setenv("BLUESKY_SERVER", server.url)
        monkeypatch.setenv("BLUESKY_HANDLE", "author.bsky.social")
        monkeypatch.setenv("BLUESKY_PASSWORD", "app-word")
        yield server


def posted(folder, **options):
    said = []
    sent = send(folder, "bluesky", really=True, report=said.append, **options)
    return sent, said


def refused(folder, **options):
    with pytest.raises(AnnounceError) as caught:
        posted(folder, **options)
    return str(caught.value)


def is_the_thread(server):
    """Whether the server holds the whole thread, each post once, each answering the one before."""
    records, refs = list(server.posts.values()), [server.ref(key) for key in server.posts]
    assert tuple(r["text"] for r in records) == TEXTS
    assert "reply" not in records[0]
    assert [typeless(r["reply"]) for r in records[1:]] == [{"root": refs[0], "parent": refs[n]} for n in range(2)]
    return True


def test_a_thread_is_sent_as_a_chain_of_answers(pds, tmp_path):
    sent, said = posted(thread_folder(tmp_path))
    assert is_the_thread(pds)
    assert [s.before for s in sent] == [False] * 3
    assert [line[:18] for line in said] == ALL_SENT
    assert sent[0].url == f"https://bsky.app/profile/{DID}/post/{next(iter(pds.posts))}"
    first, second, _ = pds.posts.values()
    assert [(typeless(f["index"]), f["features"]) for f in first["facets"]] == [
        ({"byteStart": 21, "byteEnd": 30}, [{"$type": "app.bsky.richtext.facet#tag", "tag": "ICML2023"}]),
        (
            {"byteStart": 46, "byteEnd": 65},
            [{"$type": "app.bsky.richtext.facet#mention", "did": HANDLES["friend.bsky.social"]}],
        ),
        (
            {"byteStart": 77, "byteEnd": 109},
            [{"$type": "app.bsky.richtext.facet#link", "uri": "https://arxiv.org/abs/2306.13841"}],
        ),
    ]
    (image,) = second["embed"]["images"]
    assert image["alt"] == "A line plot: accuracy over diversity."
    assert typeless(image["aspectRatio"]) == {"width": 60, "height": 40}
    assert pds.blobs[image["image"]["ref"]["$link"]][1] == (tmp_path / "figures/figure-1.png").read_bytes()
    assert "app-word" not in (tmp_path / "sent-bluesky.json").read_text()


def test_the_same_call_again_sends_nothing(pds, tmp_path):
    posted(thread_folder(tmp_path))
    sent, said = posted(tmp_path)
    assert [s.before for s in sent] == [True] * 3
    assert said[0].startswith("post 1 of 3 was sent before: https://bsky.app/profile/")
    assert len(pds.went("createRecord")) == 3


def test_a_failure_in_the_middle_goes_on_from_there(pds, tmp_path):
    pds.fault("createRecord", (502, {"error": "UpstreamFailure", "message": "try later"}), call=2)
    assert refused(thread_folder(tmp_path)) == (
        "post 2: Bluesky could not be reached or refused (502 UpstreamFailure: try later); "
        "1 of 3 posts are sent, the same command goes on from there"
    )
    sent, _ = posted(tmp_path)
    assert is_the_thread(pds)
    assert [s.before for s in sent] == [True, False, False]


def test_an_answer_lost_after_the_server_did_its_work_makes_no_second_post(pds, tmp_path):
    pds.fault("createRecord", "lost", call=2)
    assert refused(thread_folder(tmp_path), timeout=0.3) == (
        "post 2: Bluesky did not answer in time; 1 of 3 posts are sent, the same command goes on from there"
    )
    assert len(pds.posts) == 2
    sent, _ = posted(tmp_path)
    assert is_the_thread(pds)
    assert [s.before for s in sent] == [True, True, False]


def test_a_crash_between_the_server_and_the_journal_makes_no_second_post(pds, tmp_path):
    posted(thread_folder(tmp_path))
    journal = tmp_path / "sent-bluesky.json"
    content = json.loads(journal.read_text())
    content["posts"] = content["posts"][:2]
    content["posts"][1]["ref"] = None
    journal.write_text(json.dumps(content))
    key = list(pds.posts)[2]
    del pds.posts[key]  # the third was never begun
    sent, _ = posted(tmp_path)
    assert is_the_thread(pds)
    assert [s.before for s in sent] == [True, True, False]


def test_a_broken_line_is_one_line_and_leaves_nothing_half_done(pds, tmp_path):
    pds.fault("uploadBlob", "down")
    assert refused(thread_folder(tmp_path)).startswith("post 2: Bluesky could not be reached or refused (")
    posted(tmp_path)
    assert is_the_thread(pds)


def test_an_expired_session_logs_in_again(pds, tmp_path):
    pds.fault("createRecord", (400, {"error": "ExpiredToken", "message": "Token has expired"}), call=3)
    posted(thread_folder(tmp_path))
    assert is_the_thread(pds)
    assert pds.sessions == 2


def test_a_rate_limit_is_waited_for_or_told(pds, tmp_path):
    limit = (429, {"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"})
    pds.fault("createRecord", limit, call=2, headers={"ratelimit-reset": soon()})
    pds.fault("createRecord", limit, call=3, headers={"retry-after": 1})
    _, said = posted(thread_folder(tmp_path / "a"))
    assert is_the_thread(pds)
    assert [line for line in said if "wait" in line] == ["the service asks to wait 1 s"] * 2
    pds.fault("createRecord", limit, headers={"retry-after": 3000})
    assert refused(thread_folder(tmp_path / "b")) == (
        "post 1: the service takes no more for 50 minutes; run this again then; "
        "0 of 3 posts are sent, the same command goes on from there"
    )


def test_a_handle_that_bluesky_does_not_know_stops_before_the_first_post(pds, tmp_path):
    folder = thread_folder(tmp_path, texts=("Hello", "with @nobody.example.org"), pictures=())
    assert refused(folder) == (
        "@nobody.example.org cannot be looked up (Bluesky could not be reached or refused (400 InvalidRequest: "
        "Unable to resolve handle)); correct the handle where it is wrong, nothing more is sent"
    )
    assert pds.posts == {}


def test_credentials_are_asked_for_and_never_shown(pds, tmp_path, monkeypatch):
    monkeypatch.setenv("BLUESKY_PASSWORD", "wrong-word")
    assert refused(thread_folder(tmp_path)) == (
        "Bluesky does not let author.bsky.social in (401 AuthenticationRequired: Invalid identifier or password); "
        "check BLUESKY_HANDLE and BLUESKY_PASSWORD (an app password)"
    )
    monkeypatch.delenv("BLUESKY_PASSWORD")
    assert refused(tmp_path) == "BLUESKY_PASSWORD is not set; set it in the environment to an app password of your settings page"


def test_a_thread_that_changed_since_is_not_continued(pds, tmp_path):
    journal = tmp_path / "sent-bluesky.json"
    pds.fault("createRecord", (502, {}), call=2)
    refused(thread_folder(tmp_path))
    thread_folder(tmp_path, texts=("Other words", *TEXTS[1:]))
    assert refused(tmp_path) == (
        f"{journal}: post 1 was sent with other words or pictures than thread.json has now; "
        "put them back, or delete what is on bluesky and move the file away to begin anew"
    )
    thread_folder(tmp_path)
    Image.new("RGB", (60, 40), "black").save(tmp_path / "figures/figure-1.png")
    assert f"{journal}: post 2 was begun with other words or pictures" in refused(tmp_path)
    thread_folder(tmp_path)
    content = json.loads(journal.read_text())
    journal.write_text(json.dumps({**content, "account": "did:plc:other"}))
    assert (
        refused(tmp_path)
        == f"{journal} is of did:plc:other, not of {DID}; log in as that one, or copy the thread to another folder"
    )
    journal.write_text("{}")
    assert refused(tmp_path) == (
        f"{journal} is damaged, so that what was sent is unknown; see on bluesky what is there, and move the file away to begin anew"
    )


def test_two_at_once_do_not_post(pds, tmp_path):
    thread_folder(tmp_path)
    messages = []

    def again(_):
        messages.append(refused(tmp_path))

    send(tmp_path, "bluesky", really=True, report=again)
    assert messages == [f"another process is posting from {tmp_path}; wait for it"] * 3
    assert is_the_thread(pds)


def test_record_keys_sort_by_time():
    assert tid(0, 0) == "2222222222222"
    assert tid(1_700_000_000_000_000, 5) < tid(1_700_000_000_000_001, 3)
    assert len({tid(1_700_000_000_000_000, clock) for clock in range(1024)}) == 1024


def test_a_large_picture_is_made_smaller_and_a_small_one_left_alone(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    content = (tmp_path / "noise.png").read_bytes()
    assert small_enough(tmp_path / "noise.png") == (content, "image/png", (300, 200))
    smaller, kind, size = small_enough(tmp_path / "noise.png", most=30_000)
    assert len(smaller) <= 30_000 < len(content)
    assert kind == "image/jpeg"
    assert Image.open(io.BytesIO(smaller)).size == size
    assert size[0] / size[1] == pytest.approx(1.5, rel=0.02)
    with pytest.raises(
        AnnounceError, match=r"^picture '.*noise.png' stays over 100 bytes at a quarter of its size; give a smaller one$"
    ):
        small_enough(tmp_path / "noise.png", most=100)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(
        AnnounceError, match=r"^picture '.*text.png' cannot be read \(cannot identify image file .*\); write the thread again$"
    ):
        small_enough(tmp_path / "text.png")
