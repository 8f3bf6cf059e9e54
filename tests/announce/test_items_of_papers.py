"""Captions told from sentences, who cites an item, places set by hand, how sure a place is."""

import pytest

from announce.items_pages import LEFT, RIGHT, SIZE, WHOLE, caption, found, one_column, picture, plot, table, text, two_columns
from announce.pdf_maker import Rule, Sheet, Text
from breadth.announce.read.captions import heads_of
from breadth.announce.read.cited import cited, named_in
from breadth.announce.read.crops import parse_crop, with_crops
from breadth.announce.read.items import is_behind
from breadth.announce.read.lines import Line, Word
from breadth.announce.source import Item, Sentence
from breadth.errors import AnnounceError


def line(words, base=100.0, x=60.0, font="Body", size=10.0, lead=None):
    """A line whose first word is set in the font ``lead``."""
    first, _, _ = words.partition(" ")
    box = (x, base - 7, x + 5 * len(words), base + 2)
    parts = (Word(first, box, font=lead or font), Word(words, box, font=font))
    return Line(words, box, size, False, False, font, parts, base)


def labels(*lines):
    return [(head.label, head.sure) for head in heads_of(lines, "Body")]


@pytest.mark.parametrize(
    "words, label",
    [
        ("Figure 3: The results", "Figure 3"),
        ("Figure 3. The results", "Figure 3"),
        ("Fig. 3. The results", "Figure 3"),
        ("FIG. 3. The results", "Figure 3"),
        ("Fig. 3 | The results", "Figure 3"),
        ("Figure 3 — The results", "Figure 3"),
        ("Figure A.1: The results", "Figure A.1"),
        ("Figure S2: The results", "Figure S2"),
        ("Figure B12: The results", "Figure B12"),
        ("Figure 4.2: The results", "Figure 4.2"),
        ("TABLE IV: THE RESULTS", "Table IV"),
        ("Table 3 (continued): The results", "Table 3"),
        ("Supplementary Figure 1: The results", "Supplementary Figure 1"),
        ("Extended Data Fig. 1 | The results", "Extended Data Figure 1"),
        ("Algorithm 2: How it is done", "Algorithm 2"),
    ],
)
def test_a_caption_is_known_by_its_label_and_mark(words, label):
    assert labels(line(words)) == [(label, True)]


@pytest.mark.parametrize(
    "words",
    [
        "Figure 2 shows that the loss falls",
        "Figure 2 and Table 1 give the rest",
        "Figure 2, in turn, is about others",
        "Figure 2a is the first of the panels",
        "Figure 2(b) is the second of the panels",
        "Figures 2 and 3 are about the rest",
        "Figure 2's axes are those of Figure 1",
        "Figure 2 Shows that the loss falls"[:8] + " illustrates the loss",
        "Table of contents: what stands where",
        "Tablet 3: a small computer",
        "Figuring 3: this out",
        "Figure 1: The title . . . . . . . . . . 12",
        "as in Figure 2: the loss",
    ],
)
def test_a_sentence_that_names_a_figure_is_no_caption(words):
    assert labels(line(words)) == []


def test_a_line_that_goes_on_with_a_sentence_is_no_caption():
    assert labels(line("the loss falls, as can be seen in", 88), line("Figure 2. The rest is equal.", 100)) == [], "'in' is open"
    assert labels(line("the loss falls as the curve shows", 88), line("Figure 2. The rest is equal.", 100)) == [], (
        "no full stop before"
    )
    assert labels(line("The loss falls.", 60), line("Figure 2. The rest is equal.", 100)) == [("Figure 2", True)], "far above"
    assert labels(line("the loss falls as the curve shows", 88), line("Figure 2. The rest.", 100, lead="Bold")) == [
        ("Figure 2", True)
    ]


def test_a_label_alone_is_a_caption_that_is_less_sure():
    assert labels(line("TABLE II")) == [("Table II", False)]
    assert labels(line("Figure 2 Results of all")) == [("Figure 2", False)]


def made_of_lines(folder, *lines, rule=False):
    sheet = Sheet()
    text(sheet, WHOLE, 72, 200)
    box = picture(sheet, (100, 220, 500, 330))
    bottom = caption(sheet, 60, box[3] + 20, *lines)
    text(sheet, WHOLE, bottom + 14, 720)
    return found(folder, [one_column(Sheet()), sheet]).items


def test_a_captions_text_is_whole_and_stops_where_the_text_goes_on(tmp_path):
    (item,) = made_of_lines(
        tmp_path, "Figure 1: The first line of a caption that goes on for", "a second line, and ends on", "a third."
    )
    assert item.caption == "The first line of a caption that goes on for a second line, and ends on a third."
    assert item.label == "Figure 1"


def test_a_table_that_goes_on_is_one_item_that_says_so(tmp_path):
    sheets = [one_column(Sheet())]
    for words in ("Table 1: A table of two pages.", "Table 1 (continued): A table of two pages."):
        sheet = Sheet()
        caption(sheet, 60, 80, words)
        table(sheet, (60, 90, 552), 8)
        text(sheet, WHOLE, 220, 720)
        sheets.append(sheet)
    (item,) = found(tmp_path, sheets).items
    assert (item.page, item.doubts) == (2, ("it goes on on page 3",))


def test_a_caption_without_anything_beside_it_is_a_problem_and_no_item(tmp_path):
    sheet = Sheet()
    text(sheet, WHOLE, 72, 300)
    caption(sheet, 60, 322, "Figure 1: A caption in the midst of text.")
    text(sheet, WHOLE, 330, 720)
    result = found(tmp_path, [one_column(Sheet()), sheet])
    assert (result.items, result.problems) == ((), ("Figure 1 (p. 2): a caption that nothing stands beside",))
    (place,) = result.captions
    assert (place.label, place.page, len(place.lines)) == ("Figure 1", 2, 1)


def test_an_item_behind_the_references_is_in_the_appendix(tmp_path):
    sheets = []
    for number in (1, 2):
        sheet = Sheet()
        box = plot(sheet, (100, 80, 500, 200))
        caption(sheet, 60, box[3] + 20, f"Figure {number}: A plot of the paper at the top of a page.")
        text(sheet, WHOLE, 240, 600)
        sheets.append(sheet)
    sheets.insert(1, Sheet().add(Text(60, 80, "References", 12, "Times-Bold")))
    text(sheets[1], WHOLE, 100, 720)
    assert [(i.label, i.appendix) for i in found(tmp_path, sheets).items] == [("Figure 1", False), ("Figure 2", True)]


@pytest.mark.parametrize("heading", ["Appendix", "Appendix A. Proofs", "APPENDIX B: MORE RESULTS", "Supplementary Material"])
def test_an_item_below_the_heading_of_an_appendix_is_in_it_and_one_above_is_not(tmp_path, heading):
    first, sheet = Sheet(), Sheet()
    text(first, WHOLE, 80, 720)
    for number, top in ((1, 80), (2, 400)):
        box = plot(sheet, (100, top, 500, top + 120))
        caption(sheet, 60, box[3] + 20, f"Figure {number}: A plot of the paper in the midst of a page.")
        text(sheet, WHOLE, box[3] + 40, box[3] + 110)
    sheet.add(Text(60, 350, heading, 12, "Times-Bold"))
    assert [(i.label, i.appendix) for i in found(tmp_path, [first, sheet]).items] == [("Figure 1", False), ("Figure 2", True)]


@pytest.mark.parametrize(
    ("box", "behind"), [((60, 100, 290, 200), False), ((60, 500, 290, 600), False), ((320, 500, 550, 600), True)]
)
def test_a_heading_in_the_right_column_leaves_the_left_one_in_the_text(box, behind):
    assert is_behind(3, box, (9, (3, (320, 400, 400, 412)))) is behind
    assert is_behind(4, box, (9, (3, (320, 400, 400, 412))))


def test_what_is_clear_is_sure_and_what_is_not_says_why(tmp_path):
    (clear,) = made_of_lines(tmp_path, "Figure 1: A picture over its caption.")
    assert clear.confidence == 0.98
    assert clear.doubts == ()
    sheet = Sheet()
    text(sheet, LEFT, 72, 300)
    for k in range(5):
        sheet.add(Text(LEFT[0] + 20 + 9 * (k % 2), 320 + 14 * k, "some words", SIZE, "Helvetica"))
    caption(sheet, LEFT[0], 408, "Figure 1: A figure made of words.")
    text(sheet, LEFT, 430, 720)
    text(sheet, RIGHT, 72, 720)
    (words,) = found(tmp_path, [two_columns(Sheet()), sheet]).items
    assert "nothing is drawn in it, it holds text alone" in words.doubts
    assert words.confidence < 0.6


def test_ink_that_goes_on_past_an_edge_lowers_the_confidence(tmp_path):
    sheet = Sheet()
    text(sheet, RIGHT, 72, 392)
    text(sheet, LEFT, 72, 300)
    sheet.add(Rule(70, 400, 420, 400, 6))  # a bar that reaches from the left column into the right one
    sheet.add(Rule(70, 340, 280, 340), Rule(70, 440, 280, 440), Rule(70, 340, 70, 440))
    caption(sheet, LEFT[0], 464, "Figure 1: A bar that is cut off.")
    text(sheet, LEFT, 490, 720)
    text(sheet, RIGHT, 408, 720)
    (item,) = found(tmp_path, [two_columns(Sheet()), sheet]).items
    assert item.doubts == ("ink goes on past its edge",)
    assert item.confidence == 0.59


@pytest.mark.parametrize(
    "words, named",
    [
        ("As Figure 2 shows, it falls.", {"Figure 2"}),
        ("It falls (Fig. 2a) and rises (Fig. 3(b)).", {"Figure 2", "Figure 3"}),
        ("See Figures 2 and 3 for more.", {"Figure 2", "Figure 3"}),
        ("See Figs. 2-4.", {"Figure 2", "Figure 3", "Figure 4", "Figure 2-4"}),
        ("See Figures 2, 4, and 6.", {"Figure 2", "Figure 4", "Figure 6"}),
        ("See Figures 2 to 4 and Table II.", {"Figure 2", "Figure 3", "Figure 4", "Table II"}),
        ("Tables A.1–A.3 list them.", {"Table A.1", "Table A.2", "Table A.3", "Table A.1–A.3"}),
        ("The metric of Fig. 2CD or Fig. 2 EF is linear.", {"Figure 2"}),
        ("Supplementary Fig. 1 differs.", {"Supplementary Figure 1"}),
        ("Figure 12 is not the first.", {"Figure 12"}),
        ("Tab. 3 has 5 rows.", {"Table 3"}),
        ("Figures 2-400 are a slip.", {"Figure 2", "Figure 400", "Figure 2-400"}),
        ("The figure shows 3 tables in 2 rows.", set()),
        ("We configure 3 nets; a stable 2-cycle follows.", set()),
        ("In Section 2 and Equation 3.", set()),
    ],
)
def test_a_sentence_names_figures_and_tables(words, named):
    assert named_in(words) == named


def test_sentences_that_cite_an_item_are_counted_but_not_its_own_caption_nor_the_references():
    items = [Item("Figure 1", 1, (0, 0, 9, 9), "", 1.0), Item("Figure 2", 2, (0, 0, 9, 9), "", 1.0)]
    said = [
        ("Figure 1 shows it.", "body"),
        ("Figure 2: As in Figure 1, but later.", "caption"),
        ("A. Author. Figure 1 and its critics.", "reference"),
        ("Both are in Figs. 1 and 2.", "appendix"),
    ]
    sentences = [Sentence(n, 1, words, "", role, "p. 1") for n, (words, role) in enumerate(said, start=1)]
    assert [i.cited_by for i in cited(items, sentences)] == [(1, 2, 4), (4,)]


@pytest.mark.parametrize(
    "words, crop",
    [
        ("Figure 2=p2:343,220,541,300", ("Figure 2", 2, (343, 220, 541, 300))),
        (" fig. 2 = P2: 343, 220.5, 541, 300 ", ("Figure 2", 2, (343, 220.5, 541, 300))),
        ("Table A.1=p12:0,0,1,1", ("Table A.1", 12, (0, 0, 1, 1))),
        ("Supplementary Figure 1=p3:1,2,3,4", ("Supplementary Figure 1", 3, (1, 2, 3, 4))),
    ],
)
def test_a_place_set_by_hand_is_read(words, crop):
    assert parse_crop(words) == crop


HOW = "expected LABEL=pPAGE:x0,y0,x1,y1 in points from the top left, such as 'Figure 2=p2:343,220,541,300'"


@pytest.mark.parametrize(
    "words, message",
    [
        ("Figure 2", f"crop 'Figure 2' has no '='; {HOW}"),
        ("Scheme 2=p2:1,2,3,4", f"crop 'Scheme 2=p2:1,2,3,4': 'Scheme 2' is no figure or table; {HOW}"),
        ("Figure 2=2:1,2,3,4", f"crop 'Figure 2=2:1,2,3,4': '2:1,2,3,4' is no place; {HOW}"),
        ("Figure 2=p2:1,2,3", f"crop 'Figure 2=p2:1,2,3' has 3 numbers; {HOW}"),
        ("Figure 2=p2:1,2,3,x", f"crop 'Figure 2=p2:1,2,3,x': '1,2,3,x' are not four numbers; {HOW}"),
        (
            "Figure 2=p2:9,2,3,4",
            "crop 'Figure 2=p2:9,2,3,4': the box or page is empty or negative; give 0 <= x0 < x1, 0 <= y0 < y1, page >= 1",
        ),
        (
            "Figure 2=p0:1,2,3,4",
            "crop 'Figure 2=p0:1,2,3,4': the box or page is empty or negative; give 0 <= x0 < x1, 0 <= y0 < y1, page >= 1",
        ),
    ],
)
def test_a_place_that_cannot_be_is_refused(words, message):
    with pytest.raises(AnnounceError) as caught:
        parse_crop(words)
    assert str(caught.value) == message


def test_a_place_set_by_hand_goes_before_what_was_found():
    items = [Item("Figure 1", 1, (0, 0, 9, 9), "one", 0.4, ("small",)), Item("Figure 2", 2, (0, 0, 9, 9), "two", 0.9, (), (3,))]
    done = with_crops(items, [("Figure 1", 3, (1, 2, 3, 4)), ("Table 9", 4, (5, 6, 7, 8))])
    assert done == (
        Item("Figure 1", 3, (1, 2, 3, 4), "one", 1.0),
        Item("Figure 2", 2, (0, 0, 9, 9), "two", 0.9, (), (3,)),
        Item("Table 9", 4, (5, 6, 7, 8), "", 1.0),
    )


def test_of_two_items_with_one_label_the_one_on_the_page_is_set():
    items = [Item("Figure 1", 1, (0, 0, 9, 9), "", 0.5), Item("Figure 1", 8, (0, 0, 9, 9), "", 0.5)]
    assert [i.bbox for i in with_crops(items, [("Figure 1", 8, (1, 2, 3, 4))])] == [(0, 0, 9, 9), (1, 2, 3, 4)]
