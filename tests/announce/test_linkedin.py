"""LinkedIn: one text without numbers, all pictures attached, and every part of it still held against its own evidence."""

import json
from dataclasses import replace

import pytest
from PIL import Image

from announce.sources import CODE_URL, PAPER_URL, SOURCE, TITLE
from breadth.announce.check.length import weighted_length
from breadth.announce.check.markdown import as_thread, write_markdown
from breadth.announce.check.parts import MOST_PICTURES
from breadth.announce.check.thread import check_thread
from breadth.announce.facts import Facts
from breadth.announce.show.pictures import file_names
from breadth.announce.show.preview import render
from breadth.announce.thread import Picture, Post
from breadth.announce.write.extractive import write_thread
from breadth.announce.write.models import Writer
from breadth.announce.write.one_text import joined
from breadth.announce.write.plan import plan
from breadth.announce.write.repair import written

FACTS = Facts(hashtags=("#NLP", "#ML"))
WRITTEN = write_thread(SOURCE, FACTS, "linkedin")
POST = WRITTEN.posts[0]


def told(thread, facts=FACTS, source=SOURCE, level="error"):
    return [(p.id, p.post, p.message) for p in check_thread(thread, source, facts) if p.level == level]


def edited(old, new):
    """The thread as Markdown that a person edited: no evidence, no parts."""
    text = write_markdown(WRITTEN)
    assert text.count(old) == 1, old
    return as_thread(text.replace(old, new), SOURCE, FACTS, "linkedin")


def test_one_text_in_the_order_of_the_wish():
    assert len(WRITTEN.posts) == 1
    assert len(POST.text) <= 3000
    paragraphs = POST.text.split("\n\n")
    places = [POST.text.index(words) for words in (TITLE, PAPER_URL, CODE_URL, POST.parts[-1].text)]
    assert places == sorted(places)
    assert sum(p.startswith("http") or CODE_URL in p for p in paragraphs[:6]) == 2
    assert paragraphs[-1] == "#NLP #ML"
    assert POST.parts[-1].role == "limitation"
    assert POST.parts[1].role == "code"
    assert "**" not in POST.text
    assert not [line for line in POST.text.split("\n") if line.strip().replace("/", "").isdigit()]


def test_pictures_evidence_and_labels_of_all_parts():
    assert POST.items == tuple(label for p in POST.parts for label in p.items)
    assert POST.items
    assert POST.pictures == tuple(x for p in POST.parts for x in p.pictures)
    assert all(x.alt for x in POST.pictures)
    assert set(POST.evidence) == {q for p in POST.parts for q in p.evidence}
    for n, picture in enumerate(POST.pictures, 1):
        part = next(p for p in POST.parts if picture in p.pictures)
        if part.role != "title":
            assert f"{part.text} (picture" in POST.text
            assert str(n) in POST.text.split(part.text)[1].split(")")[0]


def test_the_written_text_and_its_markdown_have_no_error():
    assert told(WRITTEN) == []
    again = as_thread(write_markdown(WRITTEN), SOURCE, FACTS, "linkedin")
    assert again.posts[0].text == POST.text
    assert again.posts[0].pictures == POST.pictures
    assert told(again) == []


def part(role):
    return next(k for k, p in enumerate(POST.parts) if p.role == role)


def test_a_wrong_number_fires_though_another_part_has_it():
    """21 benchmarks and 3.4 points are evidence of one part; 7 stands in another's only."""
    k = next(k for k, p in enumerate(POST.parts) if "3.4" in p.text)
    parts = list(POST.parts)
    parts[k] = replace(parts[k], text=parts[k].text.replace("3.4", "7"))
    assert "7" in " ".join(q.text for q in POST.evidence)
    post = replace(POST, text="\n\n".join(p.text for p in parts), parts=tuple(parts))
    assert [(id, n) for id, n, _ in told(replace(WRITTEN, posts=(post,)))] == [("F1", 1)]


@pytest.mark.parametrize(
    ("old", "new", "id"),
    [
        ("3.4 points", "5.4 points", "F1"),
        (PAPER_URL, "https://arxiv.org/abs/3104.04321", "K1"),
        (TITLE, "Sparse Lamps", "T2"),
        ("DenseNet-Q", "DenseNet-Z", "F5"),
    ],
)
def test_false_content_of_an_edited_text_fires(old, new, id):
    text = write_markdown(WRITTEN)
    if old not in text:  # said in no part: as a paragraph of its own
        text = text.replace("\n#NLP", f"\nUnlike {old}, the router does not need a second forward pass.\n\n#NLP")
    thread = as_thread(text.replace(old, new), SOURCE, FACTS, "linkedin")
    assert id in {found for found, n, _ in told(thread) if n == 1}


def test_the_message_names_the_words_of_its_part():
    k = next(k for k, p in enumerate(POST.parts) if "38%" in p.text or "3.4" in p.text)
    number = "38" if "38%" in POST.parts[k].text else "3.4"
    (message,) = [m for id, _, m in told(edited(number, "99")) if id == "F1"]
    if k:
        assert message.startswith(f"'{POST.parts[k].text[:10]}")
    assert "99" in message


def test_the_form_is_checked():
    numbered = replace(WRITTEN, posts=(replace(POST, text=f"{POST.text}\n\n1/1"),))
    assert ("T1", 1, "holds the number '1/1'; one text needs none: take it out") in told(numbered)
    x = write_thread(SOURCE, FACTS, "x")
    count = len(x.posts)
    assert (
        "T1",
        None,
        f"the thread has {count} posts; LinkedIn takes one text: join them under '# - tweet 1', without n/N",
    ) in told(replace(x, platform="linkedin"))
    long = replace(POST, text=f"{POST.text}\n\n{'Lantern routes tokens. ' * 150}")
    (why,) = [m for id, _, m in told(replace(WRITTEN, posts=(long,))) if id == "L2"]
    assert why == f"the whole text has {len(long.text)} characters; LinkedIn takes 3000: shorten it"
    many = replace(POST, pictures=tuple(Picture(f"figures/f{k}.png", "a") for k in range(21)))
    assert ("L2", 1, "has 21 pictures; one post on LinkedIn takes 20") in told(replace(WRITTEN, posts=(many,)))
    bold = replace(WRITTEN, posts=(replace(POST, text=POST.text.replace(TITLE, f"**{TITLE}**")),))
    assert ("R2", 1, "holds '**', which LinkedIn shows as it stands: take it out") in told(bold, level="warning")


def test_a_picture_that_is_not_attached_is_told():
    count = len(POST.pictures)
    assert f"(picture {count})" in POST.text or f"and {count})" in POST.text
    post = replace(POST, text=f"{POST.text}\n\nLook there (picture 9).")
    assert ("F6", 1, f"speaks of picture 9; {count} are attached: correct the number") in told(replace(WRITTEN, posts=(post,)))


def test_the_code_is_needed_and_its_place_is_taste():
    line = next(p for p in POST.text.split("\n\n") if CODE_URL in p)
    without = edited(f"{line}\n\n", "")
    assert told(without) == [("T3", 1, f"links no code: add {CODE_URL}, or say that there is none")]
    late = as_thread(write_markdown(without).replace("\n#NLP", f"\n{line}\n\n#NLP"), SOURCE, FACTS, "linkedin")
    assert told(late) == []
    assert ("T3", 1, "links the code late; it belongs right behind the opening") in told(late, level="warning")
    assert told(without, Facts(hashtags=FACTS.hashtags, no_code=True)) == []


def test_the_limitation_belongs_at_the_end():
    words = POST.parts[part("limitation")].text.removesuffix("\n\n#NLP #ML")
    gone = edited(f"{words}\n\n", "")
    assert ("T4", None, "no post states a limitation of the work: add one, or [FILL: limitation]") in told(gone)
    early = as_thread(write_markdown(gone).replace("# - tweet 1\n", f"# - tweet 1\n{words}\n\n", 1), SOURCE, FACTS, "linkedin")
    assert [m for id, _, m in told(early, level="warning") if id == "T4"]


def test_more_pictures_than_a_post_takes_are_left_out():
    posts = tuple(
        Post(f"Words {n}.\n\n{n}/22", (Picture(f"figures/figure-{n}.png", "a"),), (), "item", (f"Figure {n}",))
        for n in range(1, 23)
    )
    thread = joined(replace(WRITTEN, platform="mastodon", posts=posts, left_out=()), Facts(), "linkedin")
    (post,) = thread.posts
    assert [x.file for x in post.pictures] == [f"figures/figure-{n}.png" for n in range(1, MOST_PICTURES + 1)]
    assert post.text.endswith("Words 20. (picture 20)\n\nWords 21.\n\nWords 22.")
    assert thread.platform == "linkedin"
    why = "one post on LinkedIn takes 20 pictures"
    assert thread.left_out == (("Figure 21", why), ("Figure 22", why))
    assert not {"Figure 21", "Figure 22"} & {label for p in (post, *post.parts) for label in p.items}


def test_two_pictures_of_a_part_and_a_text_that_has_no_room_for_their_places():
    two = Post("Words.\n\n1/1", (Picture("a.png", "a"), Picture("b.png", "b")), (), "item", ("Figure 1", "Figure 2"))
    thread = replace(WRITTEN, platform="mastodon", posts=(two,))
    assert joined(thread, Facts(), "linkedin").posts[0].text == "Words. (pictures 1 and 2)"
    full = replace(two, text=f"{'a' * 2990}\n\n1/1")
    assert joined(replace(thread, posts=(full,)), Facts(), "linkedin").posts[0].text == "a" * 2990
    assert joined(thread, Facts(), "mastodon") is thread


class Asked:
    """A model that answers with the plan's own words, changed."""

    def __init__(self, change):
        self.change = change
        self.writer = Writer("command", self.ask)

    def ask(self, messages, schema):
        planned = plan(SOURCE, FACTS, "linkedin", least=8, most=13)
        posts = [
            {
                "role": p.role,
                "text": self.change(p.text),
                "evidence": [n for q in p.evidence for n in q.sentences],
                "items": [i.label for i in p.items],
            }
            for p in planned.posts
        ]
        return json.dumps({"posts": posts})


def test_a_model_s_parts_are_joined_and_false_or_long_ones_refused():
    thread, why = written(SOURCE, FACTS, "linkedin", Asked(lambda text: text.replace(TITLE, f"**{TITLE}**")).writer)
    assert (why, len(thread.posts), thread.platform) == (None, 1, "linkedin")
    assert "**" not in thread.posts[0].text
    assert told(thread) == []
    thread, why = written(SOURCE, FACTS, "linkedin", Asked(lambda text: text.replace("3.4", "3.5")).writer)
    assert why.startswith("the model's thread was still wrong after 2 rounds of repair (F1, post ")
    assert thread.posts[0].text == POST.text
    _, why = written(SOURCE, FACTS, "linkedin", Asked(lambda text: f"{text}\n\n{'#NLP ' * 38}").writer)
    assert "L2: the whole text has " in why


def test_the_preview_is_one_card(tmp_path):
    names = file_names(WRITTEN)
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (160, 80), "white").save(tmp_path / name)
    page = render(WRITTEN, SOURCE, tmp_path, names, {})
    assert page.count("<article") == 1
    assert '<span class="count">' not in page
    assert f'<span class="about">{len(POST.items)} figures and tables</span>' in page
    assert f">{weighted_length(POST.text, 'linkedin')}/3000<" in page
    assert page.count("<figure>") == len(POST.pictures)
