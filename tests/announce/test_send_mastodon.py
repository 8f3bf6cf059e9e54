"""Posting to Mastodon, against a server on this machine that answers as the real one does, and fails where it can."""

from datetime import UTC, datetime

import pytest

from announce.fediverse import TOKEN, Instance
from announce.loopback import soon
from announce.thread_folder import TEXTS, thread_folder
from breadth.announce.send import send
from breadth.errors import AnnounceError


@pytest.fixture
def instance(monkeypatch):
    with Instance().running() as server:
        monkeypatch.setenv("MASTODON_SERVER", server.url)
        monkeypatch.setenv("MASTODON_TOKEN", TOKEN)
        yield server


def posted(folder, **options):
    said = []
    sent = send(folder, "mastodon", really=True, report=said.append, **options)
    return sent, said


def refused(folder, **options):
    with pytest.raises(AnnounceError) as caught:
        posted(folder, **options)
    return str(caught.value)


def is_the_thread(server):
    """Whether the server holds the whole thread, each status once, each answering the one before."""
    assert tuple(s["text"] for s in server.statuses) == TEXTS
    assert [s["parent"] for s in server.statuses] == [None, *(s["id"] for s in server.statuses[:-1])]
    return True


def test_a_thread_is_sent_as_a_chain_of_answers(instance, tmp_path):
    instance.slow_pictures = 1
    sent, said = posted(thread_folder(tmp_path))
    assert is_the_thread(instance)
    assert [(s.n, s.url, s.before) for s in sent] == [
        (n, f"{instance.url}/@author/{s['id']}", False) for n, s in enumerate(instance.statuses, 1)
    ]
    assert said[1] == f"post 2 of 3 sent: {sent[1].url}"
    assert [len(s["pictures"]) for s in instance.statuses] == [0, 1, 0]
    assert {s["language"] for s in instance.statuses} == {"en"}
    picture = instance.media[instance.statuses[1]["pictures"][0]]
    assert picture["bytes"] == (tmp_path / "figures/figure-1.png").read_bytes()
    assert picture["description"] == "A line plot: accuracy over diversity."
    assert len({c.headers["Idempotency-Key"] for c in instance.went("/api/v1/statuses")}) == 3
    assert TOKEN not in (tmp_path / "sent-mastodon.json").read_text()


def test_the_same_call_again_sends_nothing(instance, tmp_path):
    posted(thread_folder(tmp_path))
    sent, said = posted(tmp_path)
    assert [s.before for s in sent] == [True] * 3
    assert said[2] == f"post 3 of 3 was sent before: {sent[2].url}"
    assert len(instance.statuses) == len(instance.went("/api/v1/statuses")) == 3


def test_a_failure_in_the_middle_goes_on_from_there(instance, tmp_path):
    instance.fault("/api/v1/statuses", (503, {"error": "busy"}), call=3)
    assert refused(thread_folder(tmp_path)) == (
        "post 3: Mastodon could not be reached or refused (503 Service Unavailable busy); "
        "2 of 3 posts are sent, the same command goes on from there"
    )
    posted(tmp_path)
    assert is_the_thread(instance)


@pytest.mark.parametrize("remembers_keys", [True, False], ids=["soon", "after the hour for which a key is remembered"])
@pytest.mark.parametrize("lost", [1, 2, 3])
def test_an_answer_lost_after_the_server_did_its_work_makes_no_second_post(instance, tmp_path, lost, remembers_keys):
    instance.remembers_keys = remembers_keys
    instance.fault("/api/v1/statuses", "lost", call=lost)
    assert refused(thread_folder(tmp_path), timeout=0.3) == (
        f"post {lost}: Mastodon did not answer in time; {lost - 1} of 3 posts are sent, the same command goes on from there"
    )
    assert len(instance.statuses) == lost
    sent, _ = posted(tmp_path)
    assert is_the_thread(instance)
    assert [s.before for s in sent] == [n <= lost for n in (1, 2, 3)]


def test_an_older_status_with_the_same_words_is_not_taken_for_it(instance, tmp_path):
    posted(thread_folder(tmp_path / "a"))
    for status in instance.statuses:
        status["at"] = "2020-01-01T00:00:00.000Z"
    instance.fault("/api/v1/statuses", (500, {}), call=1)
    refused(thread_folder(tmp_path / "b"))
    sent, _ = posted(tmp_path / "b")
    assert len(instance.statuses) == 6
    assert [s.before for s in sent] == [False] * 3


def test_a_rate_limit_is_waited_for_or_told(instance, tmp_path):
    limit = (429, {"error": "Too many requests"})
    reset = datetime.fromtimestamp(soon(), UTC).isoformat().replace("+00:00", ".000000Z")
    instance.fault("/api/v1/statuses", limit, call=2, headers={"X-RateLimit-Reset": reset})
    _, said = posted(thread_folder(tmp_path / "a"))
    assert is_the_thread(instance)
    # The library adds what the server's clock, told in whole seconds, seems to be behind.
    assert [line for line in said if "wait" in line] in (["the service asks to wait 1 s"], ["the service asks to wait 2 s"])
    late = datetime.fromtimestamp(soon() + 2999, UTC).isoformat()
    instance.fault("/api/v1/statuses", limit, headers={"X-RateLimit-Reset": late})
    assert refused(thread_folder(tmp_path / "b")) == (
        "post 1: the service takes no more for 50 minutes; run this again then; "
        "0 of 3 posts are sent, the same command goes on from there"
    )


def test_a_token_that_is_no_longer_good_is_told(instance, tmp_path):
    told = "Mastodon does not accept the token; make a new one with read and write, and set MASTODON_TOKEN"
    instance.fault("/api/v1/statuses", (401, {"error": "The access token was revoked"}), call=2)
    assert refused(thread_folder(tmp_path)) == f"post 2: {told}; 1 of 3 posts are sent, the same command goes on from there"
    instance.token = "a-new-token"
    assert refused(tmp_path) == told


def test_the_server_s_own_limit_stops_before_the_first_post(instance, tmp_path):
    instance.max_characters = 60
    assert refused(thread_folder(tmp_path)) == "post 1 is 105 long, this server takes 60; shorten it, nothing more is sent"
    assert instance.statuses == []


def test_a_server_of_another_kind_is_told(instance, tmp_path):
    instance.fault("/instance/", (200, {"domain": "127.0.0.1"}))
    assert refused(thread_folder(tmp_path)) == (
        "the server does not say how long a post may be; it is no Mastodon of version 4 or later"
    )
    instance.fault("verify_credentials", (429, {"error": "Too many requests"}))
    assert refused(tmp_path) == "Mastodon takes no more requests for 60 s; run this again then"
    instance.fault("verify_credentials", (200, b"<html>"))
    assert refused(tmp_path).startswith("Mastodon could not be reached or refused (")
    assert instance.statuses == []


def test_a_broken_line_is_one_line(instance, tmp_path):
    instance.fault("/api/v2/media", "down")
    assert refused(thread_folder(tmp_path)).startswith(
        "post 2: Mastodon could not be reached or refused (Could not complete request: "
    )
    posted(tmp_path)
    assert is_the_thread(instance)


def test_credentials_come_from_the_environment(instance, tmp_path, monkeypatch):
    monkeypatch.delenv("MASTODON_TOKEN")
    assert refused(thread_folder(tmp_path)) == (
        "MASTODON_TOKEN is not set; set it in the environment to an access token of your server's settings"
    )
    monkeypatch.delenv("MASTODON_SERVER")
    assert refused(tmp_path) == "MASTODON_SERVER is not set; set it in the environment to https://mastodon.social"
