"""Title, authors, venue and address of papers in the layouts of common venues."""

import pytest

from announce import paper_layouts
from announce.pdf_maker import Sheet, Text, pdf_bytes
from breadth.announce.facts import Facts
from breadth.announce.read.front import is_name
from breadth.announce.read.paper import read_paper

pytest.importorskip("pypdfium2")


def read(folder, sheets, **facts):
    path = folder / "paper.pdf"
    path.write_bytes(pdf_bytes(sheets))
    return read_paper(path, facts=Facts(**facts))


LAYOUTS = {
    "ieee": (
        "How Varied Data Change What Machines Learn",
        ("José Álvarez-García", "Anna van der Berg", "Li Wei"),
        "IEEE TRANSACTIONS ON MADE-UP STUDIES, 2021",
        None,
        ["Abstract", "I. Introduction", "I. Introduction: A. Data and Models", "II. Conclusion", "References"],
    ),
    "acm": (
        "Varied Data for Machines: A Study",
        ("María José Núñez", "Søren Kierkegaard", "Yi-Ting Chen", "Peter O'Brien", "Zoë Le Bon"),
        None,
        None,
        ["ABSTRACT", "CCS CONCEPTS", "KEYWORDS", "1 INTRODUCTION"],
    ),
    "lncs": ("Learning from Varied Data", ("Jörg Müller", "François d'Aubigné"), None, None, ["Abstract", "1 Introduction"]),
    "iclr": (
        "Reasoning With Varied Data and Models",
        ("Ada B. Lovelace", "Charles Babbage", "Grace Hopper III"),
        "ICLR 2024",
        "https://arxiv.org/abs/2401.01234",
        ["Abstract", "1 Introduction"],
    ),
    "word": (
        "The Varied Data Question Revisited",
        ("Jane Q. Public", "John von Neumann", "Ngozi Okonjo-Iweala"),
        None,
        None,
        ["Abstract", "Introduction", "Limitations"],
    ),
    "chinese": ("Varied Data in Two Languages", ("张伟", "李小龙", "Wei Zhang"), None, None, ["Abstract", "1 Introduction"]),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_read(tmp_path, name):
    title, authors, venue, address, sections = LAYOUTS[name]
    source = read(tmp_path, getattr(paper_layouts, name)())
    assert (source.title, source.authors, source.venue, source.paper_url) == (title, authors, venue, address)
    assert list(dict.fromkeys(s.section for s in source.sentences if s.role != "title")) == sections
    assert source.problems == ()
    first = source.sentence(source.abstract[0])
    assert (
        first.text.endswith("We study how learning systems change when the data that they see grow more varied.") or name == "lncs"
    )
    assert source.sentence(1).role == "title"


def test_the_text_of_both_columns_is_there_once_and_in_order(tmp_path):
    source = read(tmp_path, paper_layouts.ieee())
    texts = [s.text for s in source.sentences if s.role == "body"]
    filler = [t for t in texts if t.startswith("We study how")]
    assert len(filler) == 3
    assert texts.index("Our second experiment asks whether the order of the examples matters for the final model.") == 7
    assert texts[-2:] == ["Varied data help.", "One limitation of our study is its size."]
    assert not any("IEEE" in t or "et al.:" in t for t in texts)  # running heads


@pytest.mark.parametrize(
    "footer, venue",
    [
        ("37th Conference on Neural Information Processing Systems (NeurIPS 2023).", "NeurIPS 2023"),
        ("Accepted for the 37th Conference on Uncertainty in Artificial Intelligence (UAI 2021).", "UAI 2021"),
        ("Accepted at ICML 2022.", "ICML 2022"),
        (
            "Proceedings of the 40th International Conference on Machine Learning, Honolulu, Hawaii, USA. PMLR 202, 2023.",
            "Proceedings of the 40th International Conference on Machine Learning, Honolulu, Hawaii, USA, 2023",
        ),
        ("Under review as a conference paper at ICLR 2025", None),
        ("Submitted to 37th Conference on Neural Information Processing Systems (NeurIPS 2023). Do not distribute.", None),
        ("Preprint.", None),
    ],
)
def test_a_venue_is_told_only_where_it_is_printed(tmp_path, footer, venue):
    sheets = paper_layouts.chinese()
    sheets[0].add(Text(108, 740, footer, 8))
    assert read(tmp_path, sheets).venue == venue


@pytest.mark.parametrize(
    "line, address",
    [
        ("https://doi.org/10.1000/182.7", "https://doi.org/10.1000/182.7"),
        ("doi: 10.1000/182.7.", "https://doi.org/10.1000/182.7"),
        ("https://doi.org/10.1145/XXXXXXX.XXXXXXX", None),
        ("https://openreview.net/forum?id=XXXX", None),
        ("https://openreview.net/forum?id=ab1Cd", "https://openreview.net/forum?id=ab1Cd"),
    ],
)
def test_an_address_is_told_unless_it_is_a_placeholder(tmp_path, line, address):
    sheets = paper_layouts.chinese()
    sheets[0].add(Text(108, 740, line, 8))
    assert read(tmp_path, sheets).paper_url == address


def test_a_cover_is_no_title_page(tmp_path):
    cover = Sheet().add(Text(72, 60, "Technical Report No. 12", 16), Text(72, 80, "Nowhere University", 11))
    cover.paragraph(72, 120, 400, "This is a cover page. The paper begins on the next one. Please cite the published version.")
    source = read(tmp_path, [cover, *paper_layouts.word()])
    assert (source.title, source.authors) == (
        "The Varied Data Question Revisited",
        ("Jane Q. Public", "John von Neumann", "Ngozi Okonjo-Iweala"),
    )
    title, first = source.sentences[:2]
    assert (title.role, title.page, title.where, first.role, first.page) == ("title", 2, "p. 2", "abstract", 2)


ABOUT = (
    "Learning systems see more and more varied data. We ask whether variety itself helps, and we keep the number of examples fixed while "
    "it grows. In ten studies of our group, models that saw varied data were better by 3.5 points on average. The gain was largest for "
    "the smallest models."
)
MORE = "We also find that the order of the examples does not matter. All our numbers are released."


def bare(size, *heading, paragraphs=(ABOUT,), columns=False, names="Ada B. Lovelace, Charles Babbage"):
    """A first page whose abstract, of that font size, has no heading, and stands above ``heading``."""
    one = Sheet()
    one.centred(90, "Varied Data Without a Heading", 17, "Times-Bold")
    one.centred(120, names, 11)
    one.centred(
        134, "Department of Machine Learning, Nowhere University, and the Institute of Other Systems, Elsewhere", 9, "Times-Italic"
    )
    y = 170.0
    for text in paragraphs:
        y = one.paragraph(72, y, 460, text, size) + 10
    body = paper_layouts.FILLER + " " + paper_layouts.SECOND
    if heading:
        one.add(Text(72, y + 20, *heading))
        y += 40
    if columns:
        one.paragraph(320, y, 220, body)
    one.paragraph(72, y, 220 if columns else 460, body)
    two = Sheet().add(Text(72, 80, "2 Results", 12, "Times-Bold"))
    two.paragraph(72, 100, 460, body + " " + body)
    return [one, two]


@pytest.mark.parametrize("size", [9, 10, 10.5])
@pytest.mark.parametrize("heading", ["1 Introduction", "Introduction", "1. Background and Aims"])
@pytest.mark.parametrize(
    "paragraphs, columns",
    [((ABOUT,), False), ((ABOUT, MORE), False), ((ABOUT,), True)],
    ids=["one", "two paragraphs", "over two columns"],
)
def test_an_abstract_without_a_heading_is_read(tmp_path, size, columns, heading, paragraphs):
    source = read(tmp_path, bare(size, heading, 12, "Times-Bold", columns=columns, paragraphs=paragraphs))
    assert " ".join(source.sentence(n).text for n in source.abstract) == " ".join(paragraphs)
    assert {s.section for s in source.sentences if s.role == "abstract"} == {"Abstract"}
    assert (source.title, source.authors) == ("Varied Data Without a Heading", ("Ada B. Lovelace", "Charles Babbage"))
    assert source.problems == ()
    body = [s for s in source.sentences if s.role == "body"]
    assert body[0].section == heading
    assert body[0].text == "We study how learning systems change when the data that they see grow more varied."


def test_a_notice_above_the_title_is_no_abstract(tmp_path):
    sheets = bare(10, "1 Introduction", 12, "Times-Bold")
    sheets[0].paragraph(72, 30, 460, "This is the version of the authors, which may be read and shared. " * 4, 8)
    source = read(tmp_path, sheets)
    assert " ".join(source.sentence(n).text for n in source.abstract) == ABOUT
    assert source.title == "Varied Data Without a Heading"


@pytest.mark.parametrize(
    "paragraphs",
    [("This is a note.",), ((ABOUT + " ") * 9,), ("Nowhere, Elsewhere, Somewhere and Anywhere. " * 9,)],
    ids=["too short", "too long", "a list of places"],
)
def test_what_is_no_abstract_is_none(tmp_path, paragraphs):
    source = read(tmp_path, bare(10, "1 Introduction", 12, "Times-Bold", paragraphs=paragraphs))
    assert source.abstract == ()
    assert "no abstract was found" in source.problems


def test_the_first_paragraph_of_a_letter_is_its_abstract(tmp_path):
    long = (paper_layouts.FILLER + " ") * 5
    source = read(tmp_path, bare(10, "Results", 12, "Times-Bold", paragraphs=(ABOUT, long)))
    assert " ".join(source.sentence(n).text for n in source.abstract) == ABOUT
    assert next(s for s in source.sentences if s.role == "body").section == ""


def test_facts_go_before_what_was_read(tmp_path):
    source = read(
        tmp_path,
        paper_layouts.iclr(),
        title="Mine",
        authors=("A",),
        venue="V",
        paper_url="https://x.org/p",
        code_url="https://x.org/c",
    )
    assert (source.title, source.authors, source.venue) == ("Mine", ("A",), "V")
    assert (source.paper_url, source.code_url, source.sentence(1).text) == ("https://x.org/p", "https://x.org/c", "Mine")
    assert read(tmp_path, paper_layouts.iclr(), no_code=True).code_url is None


def test_what_could_not_be_read_is_said(tmp_path):
    source = read(tmp_path, [Sheet().add(Text(72, 100, "and so on without any heading or name, which is no paper at all."))])
    assert source.problems == (
        "no authors were found on page 1: give them in facts.toml (authors = [...])",
        "no abstract was found",
    )


@pytest.mark.parametrize(
    "text",
    [
        "Ada Lovelace",
        "J. R. R. Tolkien",
        "Anna van der Berg",
        "Ludwig van Beethoven",
        "Jean-Luc Picard",
        "李小龙",
        "O'Brien Smith",
        "Qingyao Ai",
        "June Huh",
    ],
)
def test_names(text):
    assert is_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "Nowhere University",
        "Google Research",
        "someone@x.org",
        "Equal contribution",
        "Ada",
        "Paris 6 Lab",
        "the end",
        "Allen AI",
        "Shanghai, China",
    ],
)
def test_no_names(text):
    assert not is_name(text)
