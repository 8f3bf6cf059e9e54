"""What would be sent is said exactly, and whatever is wrong with a thread keeps it at home."""

import json

import pytest

from announce.thread_folder import TEXTS, thread_folder
from breadth.announce.send import Facet, described, plan_sending, send
from breadth.errors import AnnounceError


def refused(folder, to="bluesky"):
    with pytest.raises(AnnounceError) as caught:
        plan_sending(folder, to)
    return str(caught.value)


def test_a_dry_run_prints_exactly_what_would_be_sent(tmp_path):
    printed = []
    assert send(thread_folder(tmp_path), "bluesky", really=False, report=printed.append) == ()
    assert printed == [
        "--- post 1 to bluesky (begins the thread; 114 of 300)\n"
        "Excited to share our #ICML2023 paper – with @friend.bsky.social & @noone!\n\nhttps://arxiv.org/abs/2306.13841 🎉\n\n1/3\n"
        "  tag at bytes 21-30: ICML2023\n"
        "  mention at bytes 46-65: friend.bsky.social\n"
        "  link at bytes 77-109: https://arxiv.org/abs/2306.13841\n"
        "--- post 2 to bluesky (answers post 1; 60 of 300)\n"
        "Code (see https://github.com/a/b_c#quick-start): 3 < 4.\n\n2/3\n"
        "  picture figures/figure-1.png\n    alt: A line plot: accuracy over diversity.\n"
        "  link at bytes 10-46: https://github.com/a/b_c#quick-start\n"
        "--- post 3 to bluesky (answers post 2; 32 of 300)\nLimitation: one model only.\n\n3/3\n"
    ]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["figures", "thread.json"]


def test_mastodon_finds_links_itself_and_counts_them_as_23(tmp_path):
    sending = plan_sending(thread_folder(tmp_path), "mastodon")
    assert [p.facets for p in sending.posts] == [(), (), ()]
    assert sending.posts[1].length == len(TEXTS[1]) - len("https://github.com/a/b_c#quick-start):") + 23
    shown = described(sending)
    assert "--- post 2 to mastodon (answers post 1; " in shown
    assert "  @noone is whoever has that name on your own server; write @noone@server for another\n" in shown


@pytest.mark.parametrize(
    ("text", "told"), [("by @a_b.", 1), ("@a@b.org", 0), ("https://b.org/@a", 0), ("a@b.org", 0), ("@a @a", 1)]
)
def test_mentions_of_people_on_the_author_s_own_server_are_told(tmp_path, text, told):
    sending = plan_sending(thread_folder(tmp_path, texts=(text,), pictures=()), "mastodon")
    assert described(sending).count("is whoever has that name on your own server") == told


@pytest.mark.parametrize(
    ("text", "facets"),
    [
        ("é https://a.org/b_(c).", (Facet(3, 22, "link", "https://a.org/b_(c)"),)),
        ("(https://a.org/b), x", (Facet(1, 16, "link", "https://a.org/b"),)),
        ("mail me@a.org or @a.org", (Facet(17, 23, "mention", "a.org"),)),
        ("https://a.org/@b.org/#part", (Facet(0, 26, "link", "https://a.org/@b.org/#part"),)),
        ("#1 #2nd #ML", (Facet(3, 7, "tag", "2nd"), Facet(8, 11, "tag", "ML"))),
        ("@name and 5 @ 6", ()),
    ],
)
def test_facets_are_counted_in_bytes(tmp_path, text, facets):
    sending = plan_sending(thread_folder(tmp_path, texts=(text,), pictures=()), "bluesky")
    assert sending.posts[0].facets == facets
    for facet in facets:
        shown = text.encode()[facet.start : facet.end].decode()
        assert shown == {"link": "", "tag": "#", "mention": "@"}[facet.kind] + facet.value


def test_what_is_wrong_with_a_thread_keeps_it_at_home(tmp_path):
    place = tmp_path / "thread.json"
    assert refused(tmp_path) == f"{place}: No such file or directory; give the folder that breadth thread --out has written"
    place.write_text("{")
    assert refused(tmp_path).startswith(f"{place} is not JSON (Expecting property name enclosed in double quotes")
    place.write_text('{"posts": []}')
    assert refused(tmp_path) == f"{place}: checks: Field required; write the thread again with breadth thread"
    thread_folder(tmp_path, texts=())
    assert refused(tmp_path) == f"{place} holds no post; write the thread again with breadth thread"
    checks = [
        {"id": "K2", "level": "warning", "post": 1, "message": "5 hashtags"},
        {"id": "F1", "level": "error", "post": 2, "message": "3.5 stands nowhere in the evidence"},
    ]
    assert refused(thread_folder(tmp_path, checks=checks)) == (
        f"{place}: 1 error of the checks, first F1 of post 2: 3.5 stands nowhere in the evidence; "
        "correct the thread and check it again, then post"
    )
    assert plan_sending(thread_folder(tmp_path, checks=checks[:1]), "bluesky").posts
    assert refused(tmp_path, "myspace") == "unknown service to post to 'myspace'; expected one of: bluesky, mastodon"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (
            ("a", "Code: [FILL: code url]"),
            "post 2 still holds [FILL: code url]; fill it in, or take it out, and check the thread again",
        ),
        (("a", "[FILL"), "post 2 still holds [FILL; fill it in, or take it out, and check the thread again"),
        (("a", " \n"), "post 2 is empty; write it, or take it out"),
        (("x" * 301,), "post 1 is 301 long, bluesky takes 300; write the thread again with --platform bluesky"),
        (("👩‍👩‍👧‍👦" * 130,), "post 1 is 3250 bytes long, bluesky takes 3000; shorten it"),
    ],
)
def test_marks_and_lengths(tmp_path, texts, message):
    assert refused(thread_folder(tmp_path, texts=texts, pictures=())) == f"{tmp_path / 'thread.json'}: {message}"


@pytest.mark.parametrize(
    ("platform", "text", "message"),
    [
        (
            "x",
            "**A title**",
            "holds '**A title**', and bluesky shows the stars; the thread was written for x: write the thread again with --platform bluesky, "
            "or take them out",
        ),
        ("bluesky", "so **bold** a claim", "holds '**bold**', and bluesky shows the stars; take them out"),
        (
            "mastodon",
            "x" * 301,
            "is 301 long, bluesky takes 300; the thread was written for mastodon: write the thread again with --platform bluesky",
        ),
    ],
)
def test_a_thread_for_another_platform_is_refused_where_it_does_not_fit(tmp_path, platform, text, message):
    folder = thread_folder(tmp_path, texts=(text,), pictures=(), platform=platform)
    assert refused(folder) == f"{tmp_path / 'thread.json'}: post 1 {message}"


@pytest.mark.parametrize(
    ("platform", "head"),
    [("x", "written for x; every post fits bluesky\n--- post 1 "), ("bluesky", "--- post 1 "), (None, "--- post 1 ")],
)
def test_a_thread_for_another_platform_that_fits_is_told(tmp_path, platform, head):
    folder = thread_folder(tmp_path, texts=("2 ** 3 and 4 ** 5",), pictures=(), platform=platform)
    assert described(plan_sending(folder, "bluesky")).startswith(head)


def test_pictures_must_be_there_inside_the_folder_and_in_words(tmp_path):
    place = tmp_path / "t" / "thread.json"
    folder = thread_folder(tmp_path / "t")
    (folder / "figures/figure-1.png").unlink()
    assert refused(folder) == (
        f"{place}: post 2 shows 'figures/figure-1.png', which is not there; write the thread again, or take the picture out"
    )
    outside = "../secret.png"
    assert refused(thread_folder(tmp_path / "t", pictures=((1, outside, "x"),))) == (
        f"{place}: post 1 shows '../secret.png' from outside the thread's folder; copy the picture into figures/"
    )
    assert refused(thread_folder(tmp_path / "t", pictures=((1, "figures/a.png", " "),))) == (
        f"{place}: post 1 shows 'figures/a.png' without alt text; write what it shows for those who cannot see it"
    )
    five = tuple((1, f"figures/{i}.png", "x") for i in range(5))
    assert (
        refused(thread_folder(tmp_path / "t", pictures=five)) == f"{place}: post 1 has 5 pictures, bluesky takes 4; take some out"
    )


def test_posts_out_of_order_are_refused(tmp_path):
    place = thread_folder(tmp_path) / "thread.json"
    content = json.loads(place.read_text())
    content["posts"].reverse()
    place.write_text(json.dumps(content))
    assert refused(tmp_path) == (
        f"{place}: post 1 calls itself number 3; posts are numbered 1, 2, 3 and so on: write the thread again"
    )
