"""Figures and tables that stand close to one another, or are set in ways that mislead: each is found at its place, and no other."""

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


def figure_beside_table():
    sheet = Sheet()
    figure = plot(sheet, (62, 90, 290, 210))
    caption(sheet, 62, 232, "Figure 1: A plot beside a table on", "the same height of the page.")
    caption(sheet, 330, 90, "Table 1: A table beside a plot on", "the same height of the page.")
    right = table(sheet, (330, 112, 552), 7)
    text(sheet, WHOLE, 270, 720)
    return [one_column(Sheet()), sheet], [("Figure 1", 2, figure), ("Table 1", 2, right)]


def two_tables_side_by_side():
    sheet = Sheet()
    text(sheet, WHOLE, 72, 200)
    caption(sheet, 70, 222, "Table 1: The left one of the two.")
    a = table(sheet, (60, 232, 290), 5)
    caption(sheet, 340, 222, "Table 2: The right one of two.")
    b = table(sheet, (322, 232, 552), 8)
    text(sheet, WHOLE, 370, 720)
    return [one_column(Sheet()), sheet], [("Table 1", 2, a), ("Table 2", 2, b)]


def parts_of_a_table_with_titles():
    sheet = Sheet()
    caption(sheet, 60, 80, "Table 3: All scores, in two parts that have titles of their own, one over each of the parts.")
    sheet.add(Text(100, 98, "(a) Seen tasks", SIZE, "Courier"), Text(380, 98, "(b) Unseen tasks", SIZE, "Courier"))
    a = table(sheet, (60, 104, 290), 6)
    b = table(sheet, (322, 104, 552), 6)
    text(sheet, WHOLE, 220, 720)
    return [one_column(Sheet()), sheet], [("Table 3", 2, (a[0], 92, b[2], b[3]))]


def bars_after_the_label():
    sheet = Sheet()
    box = picture(sheet, (80, 80, 530, 300))
    caption(sheet, 60, 322, "Fig. 2 | The title of the figure. a, the first panel. b, the second panel.", font="Helvetica-Bold")
    text(sheet, WHOLE, 350, 720)
    return [one_column(Sheet()), sheet], [("Figure 2", 2, box)]


def bold_labels():
    sheet = Sheet()
    text(sheet, WHOLE, 72, 200)
    box = plot(sheet, (150, 216, 460, 330))
    sheet.add(
        Text(60, 352, "Fig. 1.", 7, "Times-Bold"), Text(85, 352, "The small caption of a book of proceedings.", 7, "Times-Roman")
    )
    text(sheet, WHOLE, 372, 500)
    sheet.add(Text(60, 520, "Table 1.", 7, "Times-Bold"), Text(90, 520, "A table of the same book.", 7, "Times-Roman"))
    below = table(sheet, (100, 526, 500), 5)
    text(sheet, WHOLE, 620, 720)
    return [one_column(Sheet()), sheet], [("Figure 1", 2, box), ("Table 1", 2, below)]


def table_of_sentences_as_wide_as_the_column():
    sheet = Sheet()
    text(sheet, LEFT, 72, 200)
    y = 214.0
    sheet.add(Rule(LEFT[0], y, LEFT[1], y, 0.9))
    for row in range(4):
        sheet.add(Text(LEFT[0] + 2, y + 12, f"case {row}", SIZE, "Courier"))
        text(sheet, (LEFT[0] + 60, LEFT[1]), y + 3, y + 44)
        y += 48
        sheet.add(Rule(LEFT[0], y, LEFT[1], y, 0.4))
    caption(sheet, LEFT[0], y + 16, "Table 1. Sentences in a column.")
    text(sheet, LEFT, y + 40, 720)
    text(sheet, RIGHT, 72, 720)
    return [two_columns(Sheet()), sheet], [("Table 1", 2, (LEFT[0], 214, LEFT[1], y))]


def footnotes_under_a_figure():
    sheet = Sheet()
    text(sheet, LEFT, 72, 400)
    caption(sheet, LEFT[0], 430, "Figure 1: A caption over its figure", "at the foot of the page.")
    box = plot(sheet, (70, 460, 280, 600))
    sheet.add(Rule(LEFT[0], 640, LEFT[0] + 70, 640, 0.4))
    for k in range(4):
        sheet.add(Text(LEFT[0] + 4, 652 + 8 * k, f"{k + 1} A note of little weight at the foot.", 6, "Courier"))
    text(sheet, RIGHT, 72, 720)
    return [two_columns(Sheet()), sheet], [("Figure 1", 2, box)]


def two_figures_stacked():
    sheet = Sheet()
    a = plot(sheet, (70, 80, 280, 180))
    caption(sheet, LEFT[0], 204, "Figure 1: The upper one of two plots.")
    b = plot(sheet, (70, 222, 280, 330))
    caption(sheet, LEFT[0], 354, "Figure 2: The lower one of two plots.")
    text(sheet, LEFT, 380, 720)
    text(sheet, RIGHT, 72, 720)
    return [two_columns(Sheet()), sheet], [("Figure 1", 2, a), ("Figure 2", 2, b)]


def figures_at_one_height_in_two_columns():
    sheet = Sheet()
    a = plot(sheet, (64, 80, 284, 180))
    caption(sheet, LEFT[0], 204, "Figure 1: The left one of two plots.")
    b = picture(sheet, (330, 80, 546, 240))
    caption(sheet, RIGHT[0], 262, "Figure 2: The right one of the two.")
    text(sheet, LEFT, 230, 720)
    text(sheet, RIGHT, 290, 720)
    return [two_columns(Sheet()), sheet], [("Figure 1", 2, a), ("Figure 2", 2, b)]


def rows_of_panels_far_apart():
    sheet = Sheet()
    top = [plot(sheet, (62 + 168 * k, 80, 200 + 168 * k, 170)) for k in range(3)]
    low = [plot(sheet, (62 + 168 * k, 208, 200 + 168 * k, 298)) for k in range(3)]
    caption(sheet, 60, 326, "Figure 7: Six panels in two rows, with white between the rows and between the columns.")
    text(sheet, WHOLE, 350, 720)
    return [one_column(Sheet()), sheet], [("Figure 7", 2, (top[0][0], top[0][1], low[2][2], low[2][3]))]


def grid_of_cells():
    sheet = Sheet()
    text(sheet, WHOLE, 72, 200, ragged=True)
    caption(sheet, 60, 222, "Table 1: A table whose cells all have borders")
    for k in range(6):
        sheet.add(Rule(60, 232 + 16 * k, 540, 232 + 16 * k))
    for k in range(5):
        sheet.add(Rule(60 + 120 * k, 232, 60 + 120 * k, 312))
    for row in range(5):
        for k in range(4):
            sheet.add(Text(66 + 120 * k, 243 + 16 * row, f"cell {row} {k}", SIZE, "Courier"))
    text(sheet, WHOLE, 330, 720, ragged=True)
    first = Sheet()
    text(first, WHOLE, 72, 720, ragged=True)
    return [first, sheet], [("Table 1", 2, (60, 232, 540, 312))]


def wider_than_the_text():
    sheet = Sheet()
    text(sheet, WHOLE, 72, 200)
    box = picture(sheet, (30, 216, 590, 380))
    caption(sheet, 60, 402, "Figure 1: A picture that reaches out into both of the margins of the page.")
    text(sheet, WHOLE, 430, 720)
    return [one_column(Sheet()), sheet], [("Figure 1", 2, box)]


def head_with_a_rule():
    sheets, truth = [one_column(Sheet())], []
    for number in (1, 2, 3):
        sheet = Sheet()
        box = table(sheet, (60, 74, 552), 6)
        caption(sheet, 60, box[3] + 14, f"Table {number}: A table right under the running head of the page.")
        text(sheet, WHOLE, 200, 720)
        truth.append((f"Table {number}", number + 1, box))
        sheets.append(sheet)
    for k, sheet in enumerate(sheets):
        sheet.add(Text(180, 54, "A running head of all of the pages", 7, "Times-Bold"), Rule(60, 58, 552, 58))
        sheet.add(Text(300, 745, str(k + 1), 8, "Times-Roman"))
    return sheets, truth


def one_page_alone():
    sheet = Sheet()
    text(sheet, LEFT, 72, 300)
    box = plot(sheet, (70, 320, 280, 440))
    caption(sheet, LEFT[0], 462, "Figure 1. A figure of a short paper.")
    text(sheet, LEFT, 490, 720)
    text(sheet, RIGHT, 72, 720)
    return [sheet], [("Figure 1", 1, box)]


def notes_under_a_table():
    sheet = Sheet()
    caption(sheet, 60, 80, "Table 1: A table with a note under it.")
    box = table(sheet, (60, 92, 552), 6)
    text(sheet, WHOLE, 190, 720)
    return [one_column(Sheet()), sheet], [("Table 1", 2, box)]


def lists_and_references_are_no_items():
    first, sheet = Sheet(), Sheet()
    first.add(Text(60, 80, "List of Figures", 14, "Times-Bold"))
    for k in range(6):
        first.add(
            Text(
                60, 100 + 12 * k, f"Figure {k + 1}: The title of a figure . . . . . . . . . . . . . . . . {k + 3}", SIZE, "Courier"
            )
        )
    text(first, WHOLE, 200, 720)
    text(sheet, WHOLE, 72, 200)
    y = 208.0
    sentences = (
        "Figure 1 shows that the model learns from data and then we",
        "Figure 2, in turn, is about the others, and so is all of it as in",
        "Figure 3. The rest follows from what was said before all this.",
    )
    for line in sentences:
        sheet.add(Text(60, y, line, SIZE, "Courier"))
        y += 10
    text(sheet, WHOLE, y - 8, 720)
    return [first, sheet], []


def wide_table_with_a_short_caption_at_its_left():
    sheet = Sheet()
    caption(sheet, 60, 80, "Table 1. All scores.")
    box = table(sheet, (60, 90, 552), 7)
    text(sheet, LEFT, 210, 720)
    text(sheet, RIGHT, 210, 720)
    return [two_columns(Sheet()), sheet], [("Table 1", 2, box)]


def wide_figure_with_a_short_caption_at_its_left():
    sheet = Sheet()
    text(sheet, LEFT, 72, 500)
    text(sheet, RIGHT, 72, 500)
    box = picture(sheet, (60, 520, 552, 660))
    caption(sheet, 60, 680, "Figure 1. A picture.")
    return [two_columns(Sheet()), sheet], [("Figure 1", 2, box)]


def under_a_paragraph_of_two_lines():
    sheet = Sheet()
    text(sheet, WHOLE, 72, 84)
    sheet.add(Text(60, 90, "of it.", SIZE, "Courier"))
    box = table(sheet, (100, 90, 500), 7, ruled=False)
    caption(sheet, 60, box[3] + 16, "Table 1: A table without rules right under two lines of text.")
    text(sheet, WHOLE, 200, 720)
    return [one_column(Sheet()), sheet], [("Table 1", 2, box)]


def ground_of_another_colour():
    sheet = Sheet()
    text(sheet, RIGHT, 72, 720)
    text(sheet, LEFT, 72, 300)
    for k in range(120):
        sheet.add(Rule(LEFT[0], 312 + k, LEFT[1], 312 + k, 1.2))
    box = (LEFT[0], 311.5, LEFT[1], 431.5)
    caption(sheet, LEFT[0], 452, "Figure 1: A dark area without text.")
    text(sheet, LEFT, 480, 720)
    return [two_columns(Sheet()), sheet], [("Figure 1", 2, box)]


LAYOUTS = (
    figure_beside_table,
    two_tables_side_by_side,
    parts_of_a_table_with_titles,
    bars_after_the_label,
    bold_labels,
    table_of_sentences_as_wide_as_the_column,
    footnotes_under_a_figure,
    two_figures_stacked,
    figures_at_one_height_in_two_columns,
    rows_of_panels_far_apart,
    grid_of_cells,
    wider_than_the_text,
    head_with_a_rule,
    one_page_alone,
    notes_under_a_table,
    lists_and_references_are_no_items,
    wide_table_with_a_short_caption_at_its_left,
    wide_figure_with_a_short_caption_at_its_left,
    under_a_paragraph_of_two_lines,
    ground_of_another_colour,
)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda f: f.__name__)
def test_every_item_is_found_at_its_place_and_no_other(tmp_path, layout):
    sheets, truth = layout()
    items = found(tmp_path, sheets).items
    assert [(i.label, i.page) for i in items] == [(label, page) for label, page, _ in truth]
    for item, (_, _, box) in zip(items, truth, strict=True):
        assert match(item.bbox, box) > 0.9, (item, box)
