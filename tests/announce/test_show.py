"""What a person sees of a thread: files in the promised shape, hostile text harmless, hand-edited Markdown kept."""

import base64
import hashlib
import html.parser
import io
import json
import re
from dataclasses import replace

import pytest
from PIL import Image
from show_threads import HOSTILE, hostile, made, picture

from breadth.announce.check.markdown import read_markdown, write_markdown
from breadth.announce.read.crops import place_of
from breadth.announce.show import preview
from breadth.announce.show.export import export, is_edited, refuse_edited
from breadth.announce.show.fills import fills
from breadth.announce.show.pictures import file_names
from breadth.announce.show.preview import pieces
from breadth.announce.show.sheet import Cell, contact_sheet, thumbnail
from breadth.announce.show.told import fine_print, place, shown_sentence
from breadth.announce.source import Item
from breadth.announce.thread import Picture, Post
from breadth.errors import AnnounceError


class Page(html.parser.HTMLParser):
    """Elements of a page as (tag, attributes), the text of the posts, and the contents of style and script."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.posts, self.code, self._inside = [], [], {}, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "circle", "link", "br"):
            self._inside.append((tag, dict(attrs)))
        if dict(attrs).get("class") == "text":
            self.posts.append("")

    def handle_endtag(self, tag):
        while self._inside and self._inside.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if any(attrs.get("class") == "text" for _, attrs in self._inside):
            self.posts[-1] += data
        if self._inside and self._inside[-1][0] in ("style", "script"):
            self.code[self._inside[-1][0]] = data


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A thread, its source, and the folder that it was written into."""
    folder = tmp_path_factory.mktemp("shown")
    thread, source = made(folder / "pictures")
    export(thread, source, None, folder / "out")
    return thread, source, folder / "out"


@pytest.fixture(scope="module")
def slim(shown):
    """One post, one item and no picture in a post: quick to write."""
    return replace(shown[0], items=shown[0].items[3:], posts=shown[0].posts[4:]), shown[1]


@pytest.fixture(scope="module")
def page(shown):
    return Page((shown[2] / "preview.html").read_text())


def test_every_file_is_written(shown):
    names = {str(p.relative_to(shown[2])) for p in shown[2].rglob("*") if p.is_file()}
    crops = {f"figures/{n}.png" for n in ("figure-1", "figure-2", "figure-3", "table-1")}
    assert names == {"thread.md", "thread.json", "preview.html", "contact_sheet.png", *crops}


def test_json_has_the_promised_shape(shown):
    thread, _, out = shown
    held = json.loads((out / "thread.json").read_text())
    assert list(held) == [
        *("title", "authors", "code_url", "limitation", "items", "posts", "left_out", "checks"),
        *("platform", "edited"),
    ]
    assert held["platform"] == "x"
    assert held["edited"] is False
    assert held["title"] == thread.title
    assert held["authors"] == list(thread.authors)
    assert held["code_url"] is None
    assert held["limitation"] == {"page": 9, "quote": "A limitation of this work is that we compare two learners only."}
    assert held["items"][2] == {
        "label": "Table 1",
        "page": 6,
        "bbox": [108.0, 400.0, 504.0, 520.0],
        "caption": "Coefficients of all sets.",
        "crop": "figures/table-1.png",
        "confidence": 0.55,
    }
    assert held["posts"][2] == {
        "n": 3,
        "text": thread.posts[2].text,
        "weighted_length": len(thread.posts[2].text),
        "images": [
            {"file": "figures/figure-1.png", "alt": "Figure 1: a scatter plot."},
            {"file": "figures/figure-2.png", "alt": "Figure 2: a scatter plot."},
        ],
        "evidence": [{"page": 1, "quote": "accuracy rises with diversity on 21 data sets, with r = 0.75"}],
    }
    assert held["left_out"] == [{"label": "Figure 3", "why": "it stands in the appendix"}]
    assert held["checks"][0] == {"id": "L1", "level": "error", "post": 4, "message": thread.problems[0].message}


def test_a_thread_without_limitation_says_null(slim, tmp_path):
    thread, source = slim
    export(replace(thread, limitation=None), source, None, tmp_path)
    assert json.loads((tmp_path / "thread.json").read_text())["limitation"] is None


def test_markdown_reads_back(shown):
    thread, _, out = shown
    text = (out / "thread.md").read_text()
    assert text == write_markdown(thread)
    assert [p.text for p in read_markdown(text)] == [p.text for p in thread.posts]


def test_pictures_are_those_of_the_items(shown):
    for item, name in zip(shown[0].items, file_names(shown[0]), strict=True):
        with Image.open(item.file) as given, Image.open(shown[2] / name) as written:
            assert written.format == "PNG"
            assert written.width == 1600
            wide, high = written.size
            tall = round(wide * given.height / given.width)  # what is above and below is padding
            inner = written.convert("RGB").crop((0, (high - tall) // 2, wide, (high + tall) // 2)).resize((8, 8))
            apart = [abs(a - b) for a, b in zip(inner.tobytes(), given.convert("RGB").resize((8, 8)).tobytes(), strict=True)]
            assert max(apart) < 4


def test_the_page_holds_the_posts_character_for_character(shown, page):
    assert page.posts == [p.text for p in shown[0].posts]


def test_the_page_loads_nothing(page):
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    allowed = {k: f"'sha256-{base64.b64encode(hashlib.sha256(v.encode()).digest()).decode()}'" for k, v in page.code.items()}
    assert policy == (
        f"default-src 'none'; img-src data:; style-src {allowed['style']}; script-src {allowed['script']}; base-uri 'none'; "
        "form-action 'none'"
    )
    loaded = [(t, a) for t, a in page.elements if "src" in a or t in ("link", "iframe", "object", "embed", "base")]
    assert loaded
    assert all(t == "img" and a["src"].startswith("data:image/webp;base64,") for t, a in loaded)
    assert "url(" not in page.code["style"]
    assert "@import" not in page.code["style"]
    assert "fetch(" not in page.code["script"]
    # The policy forbids both, so they would silently do nothing.
    assert not [a for _, a in page.elements if "style" in a or any(k.startswith("on") for k in a)]


def test_pictures_on_the_page_are_scaled_and_described(shown, page):
    images = [a for t, a in page.elements if t == "img"]
    assert [a["alt"] for a in images] == [f"{label}: a scatter plot." for label in ("Figure 1", "Figure 2", "Table 1")]
    sizes = []
    for a in images:
        with Image.open(io.BytesIO(base64.b64decode(a["src"].partition(",")[2]))) as image:
            assert image.size == (int(a["width"]), int(a["height"]))
            sizes.append(image.size)
    assert sizes == [(967, 544), (725, 544), (1100, 550)]  # two in a post have less room than one


def test_a_picture_without_colour_is_written_in_one_channel(shown, tmp_path):
    Image.new("RGB", (400, 300), (90, 90, 90)).save(tmp_path / "grey.png")
    Image.new("RGB", (400, 300), (90, 90, 91)).save(tmp_path / "blue.png")
    items = tuple(replace(shown[0].items[0], label=f"Figure {n}", file=str(tmp_path / f"{n}.png")) for n in ("grey", "blue"))
    export(replace(shown[0], items=items, posts=()), shown[1], None, tmp_path / "out")
    for n, mode, colour in (("grey", "L", (90, 90, 90)), ("blue", "RGB", (90, 90, 91))):
        with Image.open(tmp_path / f"out/figures/figure-{n}.png") as written:
            assert (written.mode, written.size, written.convert("RGB").getpixel((800, 600))) == (mode, (1600, 1200), colour)


def test_a_picture_that_a_person_put_beside_the_thread_is_on_the_page(slim, tmp_path):
    thread, source = slim
    picture(tmp_path / "mine.png", (3000, 3000))
    posts = (Post("1/1", (Picture("mine.png", "mine"),)),)
    export(replace(thread, posts=posts), source, None, tmp_path)
    (image,) = [a for t, a in Page((tmp_path / "preview.html").read_text()).elements if t == "img"]
    assert (image["width"], image["height"], image["alt"]) == ("960", "960", "mine")


def test_every_post_has_its_count_problems_and_evidence(shown):
    text = (shown[2] / "preview.html").read_text()
    posts = text.split("<article")[1:]
    assert "</svg>152/280<" in posts[0]
    assert "K2 warning" in posts[0]
    assert "4 hashtags; 3 at most" in posts[0]
    assert "L1 error" in posts[3]
    assert 'class="length over"' in posts[3]
    assert 'class="length over"' not in posts[2]
    assert "In full: We show that accuracy rises" in posts[2]
    assert "<footer>p. 1</footer>" in posts[2]
    assert '--crop "Table 1=p6:108,400,504,520"' in posts[3]
    assert "T1 warning" in text.split("<article")[0]
    assert "[FILL: code url]</mark>: give --code-url URL" in text.split("<article")[0]
    assert "<b>Figure 3</b>: it stands in the appendix" in text


def test_hostile_text_stays_text(tmp_path):
    thread, source = hostile(tmp_path / "pictures")
    export(thread, source, None, tmp_path / "out")
    text = (tmp_path / "out/preview.html").read_text()
    page = Page(text)
    assert page.posts == [p.text for p in thread.posts]
    assert [t for t, _ in page.elements].count("script") == 1
    assert text.count("alert(1)") == text.count("&lt;script&gt;alert(1)") > 20
    assert not [a for _, a in page.elements if "onerror" in a]
    assert all(
        a["href"].startswith(("https://", "#", "figures/", "contact_sheet.png", "thread.")) for t, a in page.elements if t == "a"
    )
    with Image.open(tmp_path / "out/contact_sheet.png") as sheet:
        sheet.load()
    assert all(re.fullmatch(r"figures/[a-z0-9-]+\.png", n) for n in file_names(thread))


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("see https://x.org/a_b. Now", [("text", "see "), ("url", "https://x.org/a_b"), ("text", ". Now")]),
        ("#ICML @me [FILL: room]", [("tag", "#ICML"), ("text", " "), ("tag", "@me"), ("text", " "), ("fill", "[FILL: room]")]),
        ("mail@me.org C# javascript:alert(1)", [("text", "mail@me.org C# javascript:alert(1)")]),
        ("(https://x.org/a)", [("text", "("), ("url", "https://x.org/a"), ("text", ")")]),
        ("", []),
    ],
)
def test_pieces_of_a_post(text, kinds):
    assert pieces(text) == kinds
    assert "".join(words for _, words in pieces(text)) == text


def test_an_edited_thread_is_not_lost(slim, tmp_path):
    thread, source = slim
    out = tmp_path / "out"
    export(thread, source, None, out)
    assert not is_edited(out)
    export(thread, source, None, out)  # what nobody touched may be written anew
    path = out / "thread.md"
    mine = path.read_text().replace("two learners only", "two learners only!")
    path.write_text(mine)
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    with pytest.raises(AnnounceError) as refused:
        export(thread, source, None, out)
    assert str(refused.value) == (
        f"{path} was edited by hand, and a new thread would replace it; give another --out, or --force to lose the edits"
    )
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    export(thread, source, None, out, force=True)
    assert path.read_text() == write_markdown(thread)


def test_a_file_is_no_folder(tmp_path):
    path = tmp_path / "paper.pdf"
    path.write_text("a paper")
    with pytest.raises(AnnounceError) as caught:
        refuse_edited(path)
    assert str(caught.value) == f"{path} is a file; expected a folder to write into: give another --out"


def test_markdown_of_unknown_origin_is_not_lost(shown, tmp_path):
    (tmp_path / "thread.md").write_text("my notes")
    assert is_edited(tmp_path)
    with pytest.raises(AnnounceError, match="was edited by hand"):
        export(shown[0], shown[1], None, tmp_path)


def test_other_files_of_the_folder_stay(slim, tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures/mine.png").write_bytes(b"mine")
    (tmp_path / "notes.txt").write_text("mine")
    export(*slim, None, tmp_path)
    assert (tmp_path / "figures/mine.png").read_bytes() == b"mine"
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not list(tmp_path.rglob("*.partial"))


def test_export_tells_how_far_it_is(shown, tmp_path):
    told = []
    export(shown[0], shown[1], None, tmp_path, report=lambda done, of: told.append((done, of)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_an_item_without_paper_or_file_is_refused(shown, tmp_path):
    items = (replace(shown[0].items[0], file=None),)
    with pytest.raises(AnnounceError) as refused:
        export(replace(shown[0], items=items), shown[1], None, tmp_path)
    assert str(refused.value) == "Figure 1 has no picture file and no PDF was given; give the paper's PDF"


def test_a_file_that_is_no_picture_is_refused(shown, tmp_path):
    (tmp_path / "a.png").write_text("no picture")
    items = (replace(shown[0].items[0], file=str(tmp_path / "a.png")),)
    with pytest.raises(AnnounceError) as refused:
        export(replace(shown[0], items=items), shown[1], None, tmp_path / "out")
    assert str(refused.value) == f"picture '{tmp_path / 'a.png'}' cannot be read as PNG, JPEG, WebP or GIF; save it anew"


def test_transparent_pictures_stand_on_white(tmp_path, shown):
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    items = (replace(shown[0].items[0], file=str(tmp_path / "clear.png")),)
    posts = (Post("1/1", (Picture("figures/figure-1.png", "nothing"),), items=("Figure 1",)),)
    export(replace(shown[0], items=items, posts=posts), shown[1], None, tmp_path / "out")
    with Image.open(tmp_path / "out/figures/figure-1.png") as written:
        assert written.convert("RGB").getpixel((5, 5)) == (255, 255, 255)


def test_equal_labels_get_files_of_their_own(shown):
    items = (shown[0].items[0], replace(shown[0].items[0], page=40))
    assert file_names(replace(shown[0], items=items)) == ("figures/figure-1.png", "figures/figure-1-2.png")


def test_fill_marks_say_what_to_do(shown):
    marks = ("paper url", "code url", "limitation", "room")
    thread = replace(shown[0], posts=tuple(Post(f"[FILL: {m}] [FILL: {m}]") for m in marks))
    assert fills(thread) == {
        "[FILL: paper url]": "give --paper-url URL",
        "[FILL: code url]": "give --code-url URL, or --no-code where there is none",
        "[FILL: limitation]": 'write limitation = "..." into a facts file and give --facts facts.toml',
        "[FILL: room]": "write it into thread.md by hand, then run breadth thread check",
    }


def test_what_is_shown_in_words(shown):
    thread = shown[0]
    assert shown_sentence(thread) == "3 of 3 figures and tables shown, 0 of 1 in the appendix"
    assert [place(i, thread) for i in thread.items] == ["post 3", "post 3", "post 4", "left out"]
    silent = replace(thread, left_out=(), posts=thread.posts[:3])
    assert shown_sentence(replace(silent, items=thread.items[:3])) == "2 of 3 figures and tables shown"
    assert [place(i, silent) for i in thread.items] == ["post 3", "post 3", "not shown", "appendix"]


def test_only_what_is_ready_goes_to_x(shown):
    posts = (shown[2] / "preview.html").read_text().split("<article")[1:]
    assert ["x.com/intent/post" in p for p in posts] == [True, False, True, False, True]


@pytest.mark.parametrize("count", [0, 1, 13, 400])
def test_the_contact_sheet_has_room_for_all(tmp_path, count):
    with Image.open(picture(tmp_path / "p.png", (400, 300))) as drawn:
        small = thumbnail(drawn.convert("RGB"))
    cells = [Cell(Item(f"Figure {n}", n, (0, 0, 1, 1), HOSTILE * 9, 0.9), small, "post 1") for n in range(count)]
    sheet = contact_sheet("title " * 300, cells)
    assert sheet.width * sheet.height < 10**8
    assert max(sheet.size) < 4 * min(sheet.size)


def test_the_contact_sheet_marks_low_confidence(tmp_path):
    small = Image.new("RGB", (200, 100), "#808080")
    sure, unsure = (contact_sheet("t", [Cell(Item("Figure 1", 1, (0, 0, 1, 1), "c", v), small, "post 1")]) for v in (0.9, 0.5))
    amber = (0xA3, 0x47, 0x00)
    assert amber not in {c for _, c in sure.getcolors(10**6)}
    assert amber in {c for _, c in unsure.getcolors(10**6)}


def test_the_sheet_prints_the_box_of_what_is_cut_from_a_page():
    item = Item("Figure 1", 3, (108.4, 72.0, 504.0, 290.6), "", 0.9)
    assert place_of(item) == "p3:108,72,504,291"
    small = Image.new("RGB", (40, 30), "white")
    one, other = (contact_sheet("T", [Cell(replace(item, bbox=box), small, "post 1")]) for box in (item.bbox, (1, 2, 3, 4)))
    assert one.size == other.size
    assert one.tobytes() != other.tobytes()


def test_letters_too_small_to_read_are_told():
    item = Item("Figure 1", 3, (100.0, 72.0, 492.0, 290.0), "", 0.9, letters=3.2)
    assert fine_print(item) == "small print: letters of 13 pixels in a picture 1600 wide"
    assert fine_print(replace(item, letters=3.5)) is None
    small = Image.new("RGB", (40, 30), "white")
    one, other = (contact_sheet("T", [Cell(i, small, "post 1")]) for i in (item, replace(item, letters=None)))
    assert one.tobytes() != other.tobytes()


def test_letters_too_small_to_read_are_told_beside_their_post(shown, tmp_path, monkeypatch):
    monkeypatch.setattr(preview, "fine_print", lambda item: "small print" if item.label == "Figure 2" else None)
    export(shown[0], shown[1], None, tmp_path)
    posts = (tmp_path / "preview.html").read_text().split("<article")[1:]
    words = '<b>Figure 2</b> small print. To show a part of it, give its box: <code>--crop "Figure 2=p5:108,72,504,340"</code>'
    assert [words in p for p in posts] == [False, False, True, False, False]
