"""Lengths by each platform's counting, against cases counted by hand from the published rules."""

import sys

import pytest

from breadth.announce.check.length import BLUESKY_BYTES, LIMITS, prose_length, too_long, weighted_length
from breadth.announce.thread import Post
from breadth.errors import AnnounceError

FAMILY = "👩\u200d👩\u200d👧\u200d👧"


@pytest.mark.parametrize(
    "text, length",
    [
        ("", 0),
        ("a" * 280, 280),
        ("https://example.com/" + "a" * 90, 23),
        ("see https://t.co/a and https://github.com/a/b_c#d", 4 + 23 + 5 + 23),
        ("≥", 2),
        ("≥70% → 1.6× – α “q” ’", 2 + 3 + 1 + 2 + 1 + 4 + 1 + 1 + 1 + 1 + 1 + 3 + 1 + 1),
        ("~±", 2),
        ("…", 2),
        ("👍", 2),
        (FAMILY, 2),
        ("日本", 4),
        ("e\u0301", 1),  # counted composed
        ("a\r\nb", 3),
        ("arxiv.org/abs/2306.13840", 23),  # an address without https
        ("fig2.png", 8),
    ],
)
def test_x_counts(text, length):
    assert weighted_length(text, "x") == length


@pytest.mark.parametrize(
    "text, length",
    [("e\u0301a", 2), (FAMILY, 1), ("≥→", 2), ("https://example.com/" + "a" * 30, 50)],
)
def test_bluesky_counts_graphemes(text, length):
    assert weighted_length(text, "bluesky") == length


@pytest.mark.parametrize(
    "text, length",
    [
        ("https://example.com/" + "a" * 30, 23),
        ("by @ada@mathstodon.xyz!", 3 + 4 + 1),
        ("a@b.org", 7),  # an address of mail, no handle
        (FAMILY + "≥", 2),
    ],
)
def test_mastodon_counts(text, length):
    assert weighted_length(text, "mastodon") == length


def test_linkedin_counts_characters_of_the_whole_thread():
    assert weighted_length("a≥b", "linkedin") == 3
    posts = (Post("a" * 1500), Post("b" * 1499))
    assert too_long(posts, "linkedin") == [(None, "the whole text has 3001 characters; LinkedIn takes 3000: shorten it")]
    assert too_long((posts[0], Post("b" * 1498)), "linkedin") == []


def test_posts_above_the_limit_are_told():
    assert {p: LIMITS[p] for p in LIMITS} == {"x": 280, "bluesky": 300, "mastodon": 500, "linkedin": 3000}
    posts = (Post("a" * 280), Post("a" * 279 + "≥"), Post("a" * 300), Post("a" * 501))
    assert too_long(posts[:2], "x") == [(2, "is 281 long by X's counting; at most 280: shorten it by 1")]
    assert too_long(posts[2:], "bluesky") == [(2, "is 501 long in graphemes; at most 300: shorten it by 201")]
    assert too_long(posts[2:], "mastodon") == [(2, "is 501 long by Mastodon's counting; at most 500: shorten it by 1")]
    heavy = Post(FAMILY * 130)  # 25 bytes a grapheme
    assert BLUESKY_BYTES == 3000
    assert too_long((heavy,), "bluesky") == [(1, "has 3250 bytes; Bluesky takes 3000: shorten it")]


def test_prose_is_counted_in_graphemes():
    assert prose_length("e\u0301≥") == 2


@pytest.mark.parametrize(
    "module, platform, message",
    [
        (
            "twitter_text",
            "x",
            "counting as X does needs the package twitter-text-parser; it is not installed: pip install 'breadth[paper]'",
        ),
        ("regex", "bluesky", "counting graphemes needs the package regex; it is not installed: pip install 'breadth[paper]'"),
    ],
)
def test_a_missing_package_is_told(module, platform, message, monkeypatch):
    from breadth.announce.check import length

    monkeypatch.setitem(sys.modules, module, None)
    length._x_length.cache_clear()
    with pytest.raises(AnnounceError) as caught:
        weighted_length("a", platform)
    length._x_length.cache_clear()
    assert str(caught.value) == message


def test_the_stand_in_leaves_no_trace():
    before = sys.modules.get("pkg_resources")
    weighted_length("a", "x")
    assert sys.modules.get("pkg_resources") is before
