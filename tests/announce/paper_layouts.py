"""Whole little papers in the layouts of common venues, for tests of what is read from them."""

from __future__ import annotations

from announce.pdf_maker import CHINESE, Link, Rule, Sheet, Text, wide, wrapped

FILLER = (
    "We study how learning systems change when the data that they see grow more varied. Earlier work (e.g. Smith et al. 2019; see Fig. 2) "
    "kept the number of examples fixed, i.e. it could not tell size from variety. In our setting both are controlled, cf. Sec. 3 and the notes "
    "of Dr. Jones vs. those of others. The measured effect is 3.5 points on average and never above 7.25 points. We repeat every run ten "
    "times. None of the runs was left out of the report. The results hold for small and for large models alike."
)
SECOND = (
    "Our second experiment asks whether the order of the examples matters for the final model. It does so only a little in the first epochs. "
    "Later epochs show no difference at all between the orders that we tried. We release all numbers with the paper. "
)


def small_caps(x: float, y: float, text: str, size: float, font: str = "Times-Roman") -> list[Text]:
    """Set a text in small capitals: its capitals at a size, its small letters as capitals at 0.8 of that."""
    out, run, small = [], "", False
    for letter in [*text, ""]:
        now = letter.islower() if letter else not small
        if run and (now != small) and letter != " ":
            shown = 0.8 * size if small else size
            out.append(Text(x, y, run.upper(), shown, font))
            x += wide_times(run.upper(), shown)
            run = ""
        if letter != " " or not run:
            small = now
        run += letter
    return out


# advance widths of Times-Roman in thousandths of the size (Adobe's font metrics); 500 for what is not listed
CAPITALS = [
    722,
    667,
    667,
    722,
    611,
    556,
    722,
    722,
    333,
    389,
    722,
    611,
    889,
    722,
    722,
    556,
    722,
    667,
    556,
    611,
    722,
    722,
    944,
    722,
    722,
    611,
]
SMALL = [
    444,
    500,
    444,
    500,
    444,
    333,
    500,
    500,
    278,
    278,
    500,
    278,
    778,
    500,
    500,
    500,
    500,
    333,
    389,
    278,
    500,
    500,
    722,
    500,
    500,
    444,
]
TIMES = {" ": 250, ".": 250, ",": 250}
TIMES |= {chr(ord("A") + i): w for i, w in enumerate(CAPITALS)} | {chr(ord("a") + i): w for i, w in enumerate(SMALL)}


def wide_times(text: str, size: float) -> float:
    """Return how wide a text in Times-Roman is, in points."""
    return sum(TIMES.get(letter, 500) for letter in text) * size / 1000


def two_columns(sheet: Sheet, left: float, right: float, y: float, width: float, first: str, second: str) -> None:
    sheet.paragraph(left, y, width, first)
    sheet.paragraph(right, y, width, second)


def ieee() -> list[Sheet]:
    one = Sheet().add(
        Text(48, 30, "IEEE TRANSACTIONS ON MADE-UP STUDIES, VOL. 12, NO. 3, MARCH 2021", 7, "Helvetica"),
        Text(560, 30, "1", 7, "Helvetica"),
    )
    one.centred(80, "How Varied Data Change", 24)
    one.centred(108, "What Machines Learn", 24)
    for x, name, place in (
        (70, "José Álvarez-García", "Univ. of Nowhere"),
        (250, "Anna van der Berg", "Dept. of Physics"),
        (430, "Li Wei, Fellow, IEEE", "Some Institute"),
    ):
        one.add(Text(x, 140, name, 11), Text(x, 153, place, 10, "Times-Italic"), Text(x, 166, "someone@nowhere.edu", 9, "Courier"))
    y = one.paragraph(48, 200, 250, "Abstract—" + FILLER, 9, "Times-Bold")
    y = one.paragraph(48, y + 4, 250, "Index Terms—Data, learning, variety.", 9, "Times-Bold")
    one.add(*small_caps(120, y + 20, "I. Introduction", 10))
    one.paragraph(48, y + 36, 250, FILLER)
    y = one.paragraph(313, 200, 250, SECOND)
    one.add(Text(313, y + 14, "A. Data and Models", 10, "Times-Italic"))
    one.paragraph(313, y + 30, 250, FILLER)
    two = Sheet().add(
        Text(48, 30, "ÁLVAREZ-GARCÍA et al.: HOW VARIED DATA CHANGE", 7, "Helvetica"), Text(560, 30, "2", 7, "Helvetica")
    )
    y = two.paragraph(48, 60, 250, FILLER + " " + SECOND)
    two.add(*small_caps(130, y + 14, "II. Conclusion", 10))
    two.paragraph(48, y + 30, 250, "Varied data help. One limitation of our study is its size.")
    two.add(*small_caps(400, 60, "References", 10))
    two.paragraph(313, 76, 250, "[1] A. Smith and B. Jones, On data, in Proc. Nowhere, 2019, https://github.com/smith/data.", 8)
    return [one, two]


def acm() -> list[Sheet]:
    one = Sheet()
    one.centred(70, "Varied Data for Machines: A Study", 17, "Helvetica-Bold")
    for x, name in ((80, "María José Núñez"), (250, "Søren Kierkegaard"), (420, "Yi-Ting Chen")):
        one.add(
            Text(x, 100, name, 12),
            Text(x, 113, "Nowhere University"),
            Text(x, 125, "Springfield, USA"),
            Text(x, 137, "x@nowhere.edu"),
        )
    for x, name in ((150, "Peter O'Brien"), (350, "Zoë Le Bon")):
        one.add(Text(x, 160, name, 12), Text(x, 173, "Acme Research"), Text(x, 185, "Paris, France"), Text(x, 197, "y@acme.com"))
    one.add(Text(54, 225, "ABSTRACT", 11, "Times-Bold"))
    y = one.paragraph(54, 240, 240, FILLER, 9)
    one.add(Text(54, y + 8, "CCS CONCEPTS", 11, "Times-Bold"))
    y = one.paragraph(54, y + 22, 240, "Computing methodologies: Machine learning.", 9)
    one.add(Text(54, y + 8, "KEYWORDS", 11, "Times-Bold"))
    one.paragraph(54, y + 22, 240, "data, variety", 9)
    one.add(Text(318, 225, "1 INTRODUCTION", 11, "Times-Bold"))
    y = one.paragraph(318, 240, 240, FILLER + " " + SECOND, 9)
    one.paragraph(318, y + 10, 240, "Our code is available at https://github.com/nunez/varied-data.", 9)
    y = one.paragraph(
        54, 640, 240, "Conference acronym 'XX, June 03-05, 2018, Woodstock, NY. https://doi.org/10.1145/XXXXXXX.XXXXXXX", 7
    )
    return [one]


def lncs() -> list[Sheet]:
    one = Sheet()
    one.centred(150, "Learning from Varied Data", 14, "Times-Bold")
    one.add(Text(210, 180, "Jörg Müller"), Text(257, 176, "1", 6), Text(264, 180, "and François d'Aubigné"), Text(365, 176, "2", 6))
    one.add(Text(215, 203, "1", 6), Text(220, 206, "Technische Universität Nirgendwo, Germany", 9))
    one.add(
        Text(215, 214, "2", 6),
        Text(220, 217, "Institut Nulle Part, Paris, France", 9),
        Text(220, 228, "mueller@nirgendwo.de", 9, "Courier"),
    )
    one.add(Text(155, 260, "Abstract.", 9, "Times-Bold"))
    one.add(Text(196, 260, "This is where the summary of the whole paper begins and where", 9))
    y = one.paragraph(155, 271, 300, FILLER, 9)
    one.add(Text(155, y + 8, "Keywords:", 9, "Times-Bold"), Text(200, y + 8, "Data · Learning · Variety", 9))
    one.add(Text(134, y + 36, "1 Introduction", 12, "Times-Bold"))
    one.paragraph(134, y + 56, 345, FILLER + " " + SECOND)
    two = Sheet().add(Text(134, 100, "2 J. Müller and F. d'Aubigné", 9))
    two.paragraph(134, 120, 345, SECOND + FILLER)
    three = Sheet().add(Text(380, 100, "Learning from Varied Data 3", 9))
    three.paragraph(134, 120, 345, FILLER)
    return [one, two, three]


def iclr() -> list[Sheet]:
    one = Sheet().add(Text(108, 40, "Published as a conference paper at ICLR 2024"), Rule(108, 44, 504, 44))
    one.add(*small_caps(108, 90, "Reasoning With Varied", 17), *small_caps(108, 110, "Data and Models", 17))
    one.add(
        Text(108, 140, "Ada B. Lovelace", 10, "Times-Bold"),
        Text(181, 136, "1,2", 7),
        Text(193, 140, ", Charles Babbage", 10, "Times-Bold"),
    )
    one.add(Text(272, 136, "2", 7), Text(277, 140, "& Grace Hopper III", 10, "Times-Bold"))
    one.add(
        Text(108, 152, "1 Analytical University, London"),
        Text(108, 164, "2 Engine Lab, Cambridge"),
        Text(108, 176, "ada@engine.org", 9, "Courier"),
    )
    one.add(*small_caps(275, 210, "Abstract", 12))
    y = one.paragraph(144, 230, 325, FILLER)
    one.add(*small_caps(108, y + 20, "1 Introduction", 12))
    y = one.paragraph(108, y + 40, 396, FILLER)
    one.add(Text(108, 700, "1", 6), Text(112, 703, "Code: https://gitlab.com/engine-lab/varied", 8))
    one.add(Text(20, 560, "arXiv:2401.01234v2 [cs.LG] 3 Jan 2024", 20, "Times-Roman", 90))
    one.add(Text(303, 760, "1"))
    two = Sheet().add(Text(108, 40, "Published as a conference paper at ICLR 2024"), Rule(108, 44, 504, 44), Text(303, 760, "2"))
    two.paragraph(108, 80, 396, SECOND + FILLER)
    three = Sheet().add(Text(108, 40, "Published as a conference paper at ICLR 2024"), Rule(108, 44, 504, 44), Text(303, 760, "3"))
    three.paragraph(108, 80, 396, FILLER)
    return [one, two, three]


def word() -> list[Sheet]:
    one = Sheet(width=595, height=842)
    one.centred(90, "The Varied Data Question Revisited", 16, "Times-Bold")
    one.centred(130, "Jane Q. Public, John von Neumann and Ngozi Okonjo-Iweala", 12)
    one.centred(150, "Nowhere University", 12)
    one.centred(165, "New York, United States", 12)
    one.add(Text(72, 210, "Abstract", 12, "Times-Bold"))
    y = 230.0
    for line in (FILLER, SECOND):
        y = spaced(one, 72, y, 450, line)
    one.add(Text(295, 800, "1", 12))
    two = Sheet(width=595, height=842).add(Text(72, 90, "Introduction", 12, "Times-Bold"), Text(295, 800, "2", 12))
    y = spaced(two, 72, 120, 450, FILLER)
    y = spaced(two, 72, y, 450, SECOND)
    two.add(Text(72, y + 10, "Limitations", 12, "Times-Bold"))
    spaced(two, 72, y + 34, 450, "Our study looked at one kind of data. Others may behave in another way.")
    return [one, two]


def spaced(sheet: Sheet, x: float, y: float, width: float, text: str) -> float:
    """Set a paragraph with double leading."""
    for line in wrapped(text, width, 12):
        sheet.add(Text(x, y, line, 12))
        y += 24
    return y


def chinese() -> list[Sheet]:
    one = Sheet()
    one.centred(90, "Varied Data in Two Languages", 14, "Times-Bold")
    one.add(
        Text(200, 130, "张伟", 11, CHINESE),
        Text(225, 130, ", ", 11),
        Text(232, 130, "李小龙", 11, CHINESE),
        Text(268, 130, " and Wei Zhang", 11),
    )
    one.add(Text(240, 146, "Nowhere University", 10, "Times-Italic"))
    one.add(Text(280, 180, "Abstract", 12, "Times-Bold"))
    y = one.paragraph(108, 200, 396, FILLER)
    one.add(Text(108, y + 20, "1 Introduction", 12, "Times-Bold"))
    one.paragraph(108, y + 40, 396, SECOND + FILLER)
    return [one]


def linked(url: str, shown: str, sentence: str) -> list[Sheet]:
    """Return a paper with one link: its address, what is printed where it lies, and the words before that."""
    one = Sheet()
    one.centred(90, "A Paper With One Link", 14, "Times-Bold")
    one.centred(120, "Ada Lovelace", 11, "Times-Bold")
    one.add(Text(280, 160, "Abstract", 12, "Times-Bold"))
    y = one.paragraph(108, 180, 396, FILLER)
    one.add(Text(108, y + 20, "1 Introduction", 12, "Times-Bold"))
    y = one.paragraph(108, y + 40, 396, SECOND + FILLER)
    one.add(
        Text(108, y + 12, sentence), Text(108, y + 24, shown), Link(108, y + 14, 108 + wide(shown, 10, "Times-Roman"), y + 27, url)
    )
    one.paragraph(108, y + 36, 396, "Nothing else is said about it in this place. " + SECOND)
    return [one]
