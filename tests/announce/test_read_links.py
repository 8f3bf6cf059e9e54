"""Addresses in a paper, whole though broken or without scheme, and which of them is its own code."""

import pytest

from announce import paper_layouts
from announce.pdf_maker import Sheet, Text, pdf_bytes
from breadth.announce.read.links import made_whole, written_in
from breadth.announce.read.paper import read_paper

pytest.importorskip("pypdfium2")


def read(folder, sheets):
    path = folder / "paper.pdf"
    path.write_bytes(pdf_bytes(sheets))
    return read_paper(path)


@pytest.mark.parametrize(
    "given, whole",
    [
        ("https://github.com/a/b", "https://github.com/a/b"),
        ("github.com/a/b", "https://github.com/a/b"),
        ("http:/www.x.org/y", "http://www.x.org/y"),
        ("https://github.com/a/ b", "https://github.com/a/b"),
        ("mailto:a@b.org", None),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("figures/one.pdf", None),
        ("https://openreview.net/forum?id=XXXX", None),
    ],
)
def test_addresses_are_made_whole_or_refused(given, whole):
    assert made_whole(given) == whole


@pytest.mark.parametrize(
    "text, found",
    [
        ("Our code is at github. com/ada/engine.", ["https://github.com/ada/engine"]),
        ("See https: //zenodo.org/record/12, and more", ["https://zenodo.org/record/12"]),
        ("(see https://x.org/a_(b)) for it", ["https://x.org/a_(b)"]),
        ("We keep it on github.com for you", []),
        ("Write to ada@github.com/x", []),
    ],
)
def test_addresses_in_a_text(text, found):
    assert written_in(text) == found


@pytest.mark.parametrize(
    "url, shown, sentence, code",
    [
        ("github.com/ada/engine", "github.com/ada/engine.", "Our code is publicly available at", "https://github.com/ada/engine"),
        ("https://github.com/x/engine", "here.", "We release the code and all models", "https://github.com/x/engine"),
        (
            "https://huggingface.co/x/engine",
            "https://huggingface.co/x/engine",
            "The source code can be found at",
            "https://huggingface.co/x/engine",
        ),
        ("https://github.com/other/library", "https://github.com/other/library.", "We use the implementation from", None),
        (
            "https://github.com/other/library",
            "https://github.com/other/library.",
            "We used the official code of earlier work at",
            None,
        ),
        ("https://x.org/page", "https://x.org/page", "Our code is available at", None),
        (
            "https://github.com/lovelace/engine",
            "https://github.com/lovelace/engine",
            "It is described in the notes of",
            "https://github.com/lovelace/engine",
        ),
    ],
)
def test_only_this_works_own_repository_is_its_code(tmp_path, url, shown, sentence, code):
    source = read(tmp_path, paper_layouts.linked(url, shown, sentence))
    assert source.code_url == code
    assert [link.annotation for link in source.links] == [True]


def test_a_repository_among_the_references_is_never_the_code(tmp_path):
    source = read(tmp_path, paper_layouts.ieee())
    assert source.code_url is None
    assert [(link.url, link.in_references) for link in source.links] == [("https://github.com/smith/data", True)]


def test_an_address_broken_over_two_lines_is_whole(tmp_path):
    sheet = paper_layouts.chinese()[0]
    sheet.add(Text(108, 640, "Nothing more is to be said about any of this now. Our code is available at https://github.com/ada/"))
    sheet.add(Text(108, 652, "varied-engine. There is a manual too, and it is kept up to date by all of us in turn."))
    assert read(tmp_path, [sheet]).code_url == "https://github.com/ada/varied-engine"


def test_a_footnote_belongs_to_the_sentence_that_bears_its_mark(tmp_path):
    def paper(sentence):
        sheet = Sheet()
        sheet.centred(90, "A Paper With a Footnote", 14, "Times-Bold")
        sheet.centred(120, "Grace Hopper", 11, "Times-Bold")
        sheet.add(Text(280, 160, "Abstract", 12, "Times-Bold"))
        y = sheet.paragraph(108, 180, 396, paper_layouts.FILLER)
        sheet.add(Text(108, y + 20, "1 Introduction", 12, "Times-Bold"))
        y = sheet.paragraph(108, y + 40, 396, paper_layouts.SECOND)
        sheet.add(Text(108, y, sentence), Text(108 + paper_layouts.wide_times(sentence, 10), y - 4, "1", 6))
        sheet.paragraph(108, y + 12, 396, paper_layouts.FILLER)
        sheet.add(Text(120, 697, "1", 6), Text(124, 700, "https://github.com/someone/engine", 8))
        return [sheet]

    mine = read(tmp_path, paper("All the code of this study is publicly available to everyone today"))
    assert mine.code_url == "https://github.com/someone/engine"
    assert [s.text for s in mine.sentences if s.role == "footnote"] == ["https://github.com/someone/engine"]
    assert read(tmp_path, paper("In all experiments we used an optimizer that others had made.")).code_url is None
