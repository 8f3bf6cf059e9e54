"""Figures and tables on made pages: every layout that papers have, each with the place it is known to be at."""

import pytest

from announce.items_pages import (
    LEFT,
    RIGHT,
    SIZE,
    WHOLE,
    caption,
    found,
    match,
    one_column,
    picture,
    plot,
    table,
    text,
    two_columns,
)
from announce.pdf_maker import Rule, Sheet, Text

pytest.importorskip("pypdfium2")


def captions_above_figures():
    sheets, truth = [two_columns(Sheet())], []
    for number in (1, 2):
        sheet = Sheet()
        text(sheet, LEFT, 72, 300)
        caption(sheet, LEFT[0], 330, f"Figure {number}: What the curve of loss shows", "over the epochs of a long run.")
        truth.append((f"Figure {number}", number + 1, plot(sheet, (70, 356, 280, 480))))
        text(sheet, LEFT, 510, 720)
        text(sheet, RIGHT, 72, 720)
        sheets.append(sheet)
    return sheets, truth


def table_with_its_title_on_the_next_line():
    sheet = Sheet()
    caption(sheet, 160, 80, "TABLE I", size=SIZE)
    caption(sheet, 100, 90, "RESULTS OF ALL THE METHODS", size=SIZE)
    box = table(sheet, (LEFT[0], 98, LEFT[1]), 6)
    text(sheet, LEFT, 200, 720)
    text(sheet, RIGHT, 72, 720)
    return [two_columns(Sheet()), sheet], [("Table I", 2, box)]


def wrapped_on_the_left():
    sheet = Sheet()
    text(sheet, WHOLE, 72, 200)
    box = plot(sheet, (62, 210, 250, 320))
    caption(sheet, 62, 338, "Figure 1: A short caption")
    text(sheet, (270.0, WHOLE[1]), 200, 350)
    text(sheet, WHOLE, 352, 720)
    return [one_column(Sheet()), sheet], [("Figure 1", 2, box)]


def wrapped_on_the_right_with_a_table():
    sheet = Sheet()
    text(sheet, WHOLE, 72, 300)
    text(sheet, (WHOLE[0], 300.0), 300, 420)
    box = table(sheet, (330, 312, WHOLE[1]), 6)
    caption(sheet, 360, box[3] + 14, "Table 1: Ratios")
    text(sheet, WHOLE, 420, 720)
    return [one_column(Sheet()), sheet], [("Table 1", 2, box)]


def three_in_one_row():
    sheet = Sheet()
    truth = []
    for k in range(3):
        x = 60 + 168 * k
        truth.append((f"Figure {k + 1}", 2, plot(sheet, (x, 80, x + 150, 190))))
        caption(sheet, x + 4, 206, f"Figure {k + 1}: The panel number", "of this row of three.")
    text(sheet, WHOLE, 240, 720)
    return [one_column(Sheet()), sheet], truth


def over_both_columns_at_the_foot():
    sheet = Sheet()
    text(sheet, LEFT, 72, 500)
    text(sheet, RIGHT, 72, 500)
    box = plot(sheet, (70, 520, 545, 660))
    caption(
        sheet,
        60,
        684,
        "Figure 4. A wide figure at the foot of the page whose caption goes over both of the columns as well",
        "and ends here.",
    )
    return [two_columns(Sheet()), sheet], [("Figure 4", 2, box)]


def table_without_rules():
    sheet = Sheet()
    text(sheet, LEFT, 72, 300)
    caption(sheet, LEFT[0], 330, "Table 2: Scores of all methods on", "the tasks that were held back.")
    box = table(sheet, (LEFT[0] + 10, 350, LEFT[1] - 10), 8, ruled=False)
    text(sheet, LEFT, 470, 720)
    text(sheet, RIGHT, 72, 720)
    return [two_columns(Sheet()), sheet], [("Table 2", 2, box)]


def one_big_picture():
    sheet = Sheet()
    box = picture(sheet, (80, 90, 530, 400))
    caption(sheet, 60, 424, "Figure 1: A photograph of the machine that was used for all of the experiments here.")
    text(sheet, WHOLE, 450, 720)
    return [one_column(Sheet()), sheet], [("Figure 1", 2, box)]


def caption_beside():
    sheet = Sheet()
    text(sheet, WHOLE, 72, 200)
    box = plot(sheet, (62, 220, 330, 380))
    caption(sheet, 350, 280, "Figure 1: The caption stands", "beside what it tells about,", "as some books have it.")
    text(sheet, WHOLE, 400, 720)
    return [one_column(Sheet()), sheet], [("Figure 1", 2, box)]


def algorithm_is_no_item():
    sheet = Sheet()
    text(sheet, WHOLE, 72, 200)
    sheet.add(
        Rule(60, 210, 552, 210), Text(62, 221, "Algorithm 1: How the network is trained", SIZE, "Courier"), Rule(60, 226, 552, 226)
    )
    for k, line in enumerate(("for each task do", "  take a step down the gradient", "end for", "return the weights")):
        sheet.add(Text(70, 240 + 11 * k, line, SIZE, "Courier"))
    sheet.add(Rule(60, 280, 552, 280))
    box = plot(sheet, (100, 300, 500, 420))
    caption(sheet, 60, 444, "Figure 1: What comes out of the algorithm above when it runs for long.")
    text(sheet, WHOLE, 470, 720)
    return [one_column(Sheet()), sheet], [("Figure 1", 2, box)]


def title_block_above():
    sheet = Sheet()
    sheet.add(Text(110, 90, "A Paper with a Figure on Top", 18, "Times-Bold"), Text(250, 120, "Ann Author", 10, "Times-Roman"))
    sheet.add(Text(240, 133, "University of Somewhere", 10, "Times-Roman"))
    box = plot(sheet, (70, 165, 545, 290))
    caption(sheet, 60, 314, "Figure 1: The first thing that a reader sees under the title, over both columns of the page.")
    text(sheet, LEFT, 350, 720)
    text(sheet, RIGHT, 350, 720)
    return [sheet, two_columns(Sheet())], [("Figure 1", 1, box)]


def table_and_figure_face_to_face():
    sheet = Sheet()
    caption(sheet, LEFT[0], 82, "Table 1: The scores of all methods.")
    first = table(sheet, (LEFT[0], 94, LEFT[1]), 6)
    second = plot(sheet, (70, first[3] + 22, 280, first[3] + 140))
    caption(sheet, LEFT[0], second[3] + 18, "Figure 1: The losses of all methods.")
    text(sheet, LEFT, second[3] + 40, 720)
    text(sheet, RIGHT, 72, 720)
    return [two_columns(Sheet()), sheet], [("Table 1", 2, first), ("Figure 1", 2, second)]


def ragged_text():
    sheet = Sheet()
    text(sheet, WHOLE, 72, 300, ragged=True)
    box = picture(sheet, (150, 320, 450, 450))
    caption(sheet, 200, 474, "Figure 3: A picture in a ragged text")
    text(sheet, WHOLE, 500, 720, ragged=True)
    first = Sheet()
    text(first, WHOLE, 72, 720, ragged=True)
    return [first, sheet], [("Figure 3", 2, box)]


def stamp_and_line_numbers():
    sheet = Sheet()
    box = plot(sheet, (80, 90, 540, 250))
    caption(sheet, 60, 274, "Figure 1: A figure beside whose left edge the numbers of the lines stand.")
    text(sheet, WHOLE, 300, 720)
    sheet.add(Text(20, 500, "arXiv:0000.00000v1 [cs.LG] 1 Jan 2030", 14, "Times-Roman", 90))
    for k in range(60):
        sheet.add(Text(38, 80 + 10.5 * k, f"{k + 1:03d}", 6, "Helvetica"))
    return [sheet, one_column(Sheet())], [("Figure 1", 1, box)]


def titled_panels():
    sheet = Sheet()
    a = plot(sheet, (70, 80, 280, 180))
    caption(sheet, 70, 196, "(a) On the first set we see that the", "model is well ahead of all others.")
    b = plot(sheet, (330, 80, 540, 180))
    caption(sheet, 330, 196, "(b) On the second set it is not, and", "the others are as good as it is.")
    caption(sheet, 60, 232, "Figure 2: Two panels, each with a title of its own that goes over two of its lines.")
    text(sheet, WHOLE, 260, 720)
    return [one_column(Sheet()), sheet], [("Figure 2", 2, (a[0], a[1], b[2], 207.5))]


def formula_above():
    sheet = Sheet()
    text(sheet, WHOLE, 72, 200)
    sheet.add(Text(250, 216, "a = b + c", SIZE, "Courier"), Text(530, 216, "(1)", SIZE, "Courier"))
    box = plot(sheet, (100, 250, 500, 370))
    caption(sheet, 60, 394, "Figure 1: A figure right under a formula that ends a paragraph of the text.")
    text(sheet, WHOLE, 420, 720)
    return [one_column(Sheet()), sheet], [("Figure 1", 2, box)]


def sideways_table():
    sheet = Sheet()
    for k, line in enumerate(("Table 5: All scores of all methods, set sideways", "because there are so many of them.")):
        sheet.add(Text(120 + 10 * k, 600, line, SIZE, "Courier", 90))
    for k in range(9):
        for n in range(6):
            sheet.add(Text(160 + 14 * k, 600 - 70 * n, f"0.{k}{n}", SIZE, "Courier", 90))
    sheet.add(Rule(148, 605, 148, 220, 0.9), Rule(164, 605, 164, 220, 0.4), Rule(278, 605, 278, 220, 0.9))
    return [one_column(Sheet()), sheet], [("Table 5", 2, (147.5, 220, 278.5, 605))]


def turned_page():
    sheet = Sheet(width=792, height=612, rotate=90)
    # drawn upright on the file's page; shown turned clockwise by 90 degrees: the text then reads from the top down
    for k in range(30):
        sheet.add(Text(60, 330 + 9 * k, "words of a page that is shown turned by a quarter and read", SIZE, "Courier"))
    return [one_column(Sheet()), sheet], []


def bordered_figure_with_text():
    sheet = Sheet()
    text(sheet, WHOLE, 72, 200)
    for a, b in (((70, 215), (540, 215)), ((70, 330), (540, 330)), ((70, 215), (70, 330)), ((540, 215), (540, 330))):
        sheet.add(Rule(*a, *b))
    text(sheet, (80.0, 532.0), 220, 326)
    caption(sheet, 60, 352, "Figure 1: A prompt that is set like running text but stands in a frame.")
    text(sheet, WHOLE, 380, 720)
    return [one_column(Sheet()), sheet], [("Figure 1", 2, (70, 215, 540, 330))]


def table_of_one_cell():
    sheet = Sheet()
    text(sheet, WHOLE, 72, 200)
    sheet.add(Rule(60, 214, 552, 214), Rule(60, 330, 552, 330))
    text(sheet, WHOLE, 218, 326)
    caption(sheet, 60, 346, "Table 1: A prompt between two rules.")
    text(sheet, WHOLE, 380, 720)
    return [one_column(Sheet()), sheet], [("Table 1", 2, (60, 214, 552, 330))]


def stacked_tables_with_text_between():
    sheet = Sheet()
    first = table(sheet, (60, 80, 552), 5)
    caption(sheet, 60, first[3] + 14, "Table 1: The first of two tables that have equal rules.")
    text(sheet, WHOLE, 200, 300)
    second = table(sheet, (60, 320, 552), 5)
    caption(sheet, 60, second[3] + 14, "Table 2: The second of two tables that have equal rules.")
    text(sheet, WHOLE, 450, 720)
    return [one_column(Sheet()), sheet], [("Table 1", 2, first), ("Table 2", 2, second)]


LAYOUTS = (
    captions_above_figures,
    table_with_its_title_on_the_next_line,
    wrapped_on_the_left,
    wrapped_on_the_right_with_a_table,
    three_in_one_row,
    over_both_columns_at_the_foot,
    table_without_rules,
    one_big_picture,
    caption_beside,
    algorithm_is_no_item,
    title_block_above,
    table_and_figure_face_to_face,
    ragged_text,
    stamp_and_line_numbers,
    titled_panels,
    formula_above,
    sideways_table,
    turned_page,
    bordered_figure_with_text,
    table_of_one_cell,
    stacked_tables_with_text_between,
)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda f: f.__name__)
def test_every_item_of_a_layout_is_found_at_its_place_and_no_other(tmp_path, layout):
    sheets, truth = layout()
    items = found(tmp_path, sheets).items
    assert [(i.label, i.page) for i in items] == [(label, page) for label, page, _ in truth]
    for item, (_, _, box) in zip(items, truth, strict=True):
        assert match(item.bbox, box) > 0.9, (item, box)
