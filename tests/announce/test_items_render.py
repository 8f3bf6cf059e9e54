"""Pictures of items: their width, their shape, what is in them, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from announce.pdf_maker import Picture, Rule, Sheet, Text, pdf_bytes
from breadth.announce.read.glyphs import uprighted
from breadth.announce.read.guard import Guard
from breadth.announce.read.items import letters_in
from breadth.announce.read.lines import lines_of
from breadth.announce.read.pdf import open_pdf
from breadth.announce.read.render import crop, crops, letter_height
from breadth.announce.source import Item
from breadth.errors import AnnounceError

pytest.importorskip("pypdfium2")
PAGE = Sheet().add(Text(72, 100, "words"), Picture(100, 200, 300, 350), Rule(60, 500, 552, 500))


def shown(folder, box, *, page=1, sheet=PAGE, **given):
    path = folder / "paper.pdf"
    path.write_bytes(pdf_bytes([sheet]))
    with open_pdf(path) as pdf:
        return crop(pdf, Item("Figure 1", page, box, "", 1.0), **given)


def dark(picture):
    """Return the box of what is not white."""
    rows, columns = np.nonzero(np.asarray(picture.convert("L")) < 240)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_a_crop_is_1600_pixels_wide_and_shows_the_item_with_a_small_margin(tmp_path):
    picture = shown(tmp_path, (100, 200, 300, 350))
    assert (picture.size, picture.mode) == ((1600, 1216), "RGB")
    scale = 1600 / 208
    assert dark(picture) == pytest.approx((4 * scale, 4 * scale, 204 * scale, 154 * scale), abs=3)


@pytest.mark.parametrize(
    "box, size", [((60, 490, 552, 510), (1600, 800)), ((100, 200, 110, 350), (1600, 3200)), ((100, 200, 300, 350), (1600, 1216))]
)
def test_odd_shapes_are_padded_to_two_to_one(tmp_path, box, size):
    assert shown(tmp_path, box).size == size


@pytest.mark.parametrize("box, size", [((98.3, 198.1, 302.5, 351.3), (1599, 1215)), ((98.4, 200.5, 302.3, 350.8), (1600, 1195))])
def test_a_crop_is_as_sharp_as_it_was_drawn(tmp_path, monkeypatch, box, size):
    drawn, draw = [], Guard.draw
    monkeypatch.setattr(Guard, "draw", lambda *a, **k: (drawn.append(draw(*a, **k)), drawn[-1])[1])
    picture = np.asarray(shown(tmp_path, box))
    (pixels,) = drawn
    high, wide = pixels.shape[:2]
    assert (wide, high) == size
    assert picture.shape[1] == 1600
    assert len(picture) - high in (0, 1)  # white
    assert (picture[:high, :wide] == pixels[:, :, :3]).all()  # not scaled by a pixel, which would smear it


@pytest.mark.parametrize("below, times", [(260, 1), (700, 2)], ids=["near", "far apart"])
def test_items_of_one_page_and_width_are_drawn_at_once(tmp_path, monkeypatch, below, times):
    sheet = Sheet().add(
        Text(72, 100, "words"), Picture(100, 200, 300, 250), Picture(101, below, 250, below + 40), Rule(60, 500, 552, 500)
    )
    path = tmp_path / "paper.pdf"
    path.write_bytes(pdf_bytes([sheet, sheet]))
    boxes = [(1, (99.4, 199.7, 300.4, 250.2)), (1, (99.4, below - 0.3, 300.4, below + 40.2)), (2, (90.0, 190.0, 310.0, 260.0))]
    items = [Item(f"Figure {n}", page, box, "", 1.0) for n, (page, box) in enumerate(boxes)]
    drawn, draw = [], Guard.draw
    with open_pdf(path) as pdf:
        alone = [crop(pdf, item) for item in items]
        monkeypatch.setattr(Guard, "draw", lambda self, number, *a, **k: (drawn.append(number), draw(self, number, *a, **k))[1])
        together = list(crops(pdf, items))
    assert drawn == [1] * times + [2]
    assert [p.tobytes() for p in together] == [p.tobytes() for p in alone]
    assert together[0].tobytes() != together[1].tobytes()


def test_the_width_can_be_chosen(tmp_path):
    assert shown(tmp_path, (100, 200, 300, 350), width=400).size == (400, 305)


def test_a_wide_item_stands_in_the_middle_of_its_white(tmp_path):
    left, top, right, bottom = dark(shown(tmp_path, (60, 490, 552, 510)))
    assert abs((top + bottom) / 2 - 400) < 4
    assert abs((left + right) / 2 - 800) < 4


def test_a_turned_and_cropped_page_is_cut_where_it_is_shown(tmp_path):
    sheet = Sheet([*PAGE.marks], rotate=90, crop=(50, 100, 562, 742))
    # on the file's page the picture is 100..300, 200..350 from the top left; cropped it starts at 50, 150 from the left and top
    picture = shown(tmp_path, (642 - (350 - 50), 100 - 50, 642 - (200 - 50), 300 - 50), sheet=sheet)
    assert dark(picture)[0] < 60
    assert picture.height > picture.width
    assert dark(picture)[2] > 1540


@pytest.mark.parametrize(
    "given, message",
    [
        ({"box": (1, 2, 3, 4), "page": 7}, "Figure 1 is placed on page 7, but the paper has 1; correct its page"),
        (
            {"box": (700, 2, 800, 4)},
            "Figure 1: the box 700,2,800,4 lies outside page 1, which measures 612 x 792 points; correct the box",
        ),
        ({"box": (1, 2, 30, 40), "width": 9}, "a picture 9 pixels wide was asked for; give a width from 16 to 8000"),
    ],
)
def test_what_cannot_be_cut_is_refused(tmp_path, given, message):
    with pytest.raises(AnnounceError) as caught:
        shown(tmp_path, **given)
    assert str(caught.value) == message


def study(path):
    return Item("Figure 1", 1, (0, 0, 1, 1), "", 1.0, file=str(path))


def test_a_studys_picture_is_shown_on_white(tmp_path):
    Image.new("RGBA", (300, 300), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    picture = crop(None, study(tmp_path / "clear.png"))
    assert (picture.size, picture.getextrema()) == ((1600, 1600), ((255, 255),) * 3)


@pytest.mark.parametrize(
    "name, body, message",
    [
        ("gone.png", None, "picture 'P' does not exist; run the study's report again"),
        ("a.png", b"no picture", "picture 'P' cannot be read as PNG, JPEG, WebP or GIF; save it anew"),
        ("a.svg", b"<svg/>", "picture 'P' cannot be read as PNG, JPEG, WebP or GIF; save it anew"),
    ],
)
def test_a_file_that_is_no_picture_is_refused(tmp_path, name, body, message):
    path = tmp_path / name
    if body is not None:
        path.write_bytes(body)
    with pytest.raises(AnnounceError) as caught:
        crop(None, study(path))
    assert str(caught.value).replace(str(path), "P") == message


@pytest.mark.parametrize("most", [None, 1000], ids=["ours", "pillow's"])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_read(tmp_path, monkeypatch, most):
    path = tmp_path / "bomb.png"
    Image.new("1", (7000, 7000)).save(path)
    if most is not None:
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
    with pytest.raises(AnnounceError) as caught:
        crop(None, study(path))
    assert str(caught.value) == f"picture '{path}' has more than 40 million pixels; make it smaller"


def test_an_item_of_a_paper_needs_the_paper():
    with pytest.raises(AnnounceError, match=r"^Figure 1 has no picture file and no PDF was given; give the paper's PDF$"):
        crop(None, Item("Figure 1", 1, (0, 0, 1, 1), "", 1.0))


@pytest.mark.parametrize(
    "box, letters, height",
    [
        ((100, 200, 492, 300), 3.5, 14.0),  # 1600 pixels for 400 points
        ((100, 200, 292, 992), 3.5, 14.0),  # 3200 pixels for 800 points, the height
        ((100, 200, 492, 300), None, None),
    ],
)
def test_letters_are_as_high_as_the_picture_shows_them(box, letters, height):
    item = Item("Figure 1", 1, box, "", 1.0, letters=letters)
    assert letter_height(item) == height
    assert letter_height(replace(item, file="figure.png")) is None


def test_the_middle_letter_of_a_box_counts_whatever_its_angle(tmp_path):
    sheet = Sheet().add(
        Text(100, 100, "outside the box", size=20), Text(100, 300, "much small print", size=4), Text(100, 320, "big", size=12)
    )
    path = tmp_path / "paper.pdf"
    path.write_bytes(pdf_bytes([sheet]))
    with open_pdf(path) as pdf, pdf.page(1) as page:
        lines = lines_of(page)
    assert letters_in((90, 290, 300, 330), lines) == 4
    assert letters_in((90, 310, 300, 330), lines) == 12
    assert letters_in((90, 400, 300, 430), lines) is None
    down = [replace(x, bbox=uprighted(x.bbox, 90), angle=90) for x in lines]
    assert letters_in((90, 310, 300, 330), down) == 12
