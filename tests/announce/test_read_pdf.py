"""Opening a PDF: what is refused, how it is said, and where things stand on turned and cropped pages."""

import time

import pytest

from announce.pdf_maker import Picture, Sheet, Text, pdf_bytes
from breadth.announce.read.lines import lines_of
from breadth.announce.read.pdf import open_pdf
from breadth.errors import AnnounceError

pytest.importorskip("pypdfium2")
ONE = Sheet().add(Text(72, 100, "A line of text"))


def written(folder, data, name="paper.pdf"):
    path = folder / name
    path.write_bytes(data)
    return path


def refusal(path):
    with pytest.raises(AnnounceError) as caught, open_pdf(path):
        pass
    return str(caught.value).replace(str(path), "P")


def lines(path, number=1):
    with open_pdf(path) as pdf, pdf.page(number) as page:
        return lines_of(page)


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "paper 'P' is empty; give a PDF file"),
        (b"\n<!DOCTYPE html><html>%PDF</html>", "paper 'P' is a web page (HTML); give a PDF file"),
        (b"\x89PNG\r\n", "paper 'P' is no PDF; give a PDF file"),
        (b"%PDF-1.7 nothing more", "paper 'P' is cut off: its end mark is missing; fetch it again"),
        (b"%PDF-1.7 nothing more %%EOF", "paper 'P' holds no pages that can be read (damaged?); fetch it again"),
        (pdf_bytes([ONE] * 9)[:5000], "paper 'P' is cut off: its end mark is missing; fetch it again"),
        (pdf_bytes([ONE], encrypted=True), "paper 'P' is encrypted; save it without a password first"),
        (pdf_bytes([]), "paper 'P' holds no pages that can be read (damaged?); fetch it again"),
        (pdf_bytes([Sheet()]), "paper 'P' holds no text (scanned pages?); run text recognition (OCR) on it first"),
        (
            pdf_bytes([Sheet().add(Picture(0, 0, 612, 792))] * 3),
            "paper 'P' holds no text (scanned pages?); run text recognition (OCR) on it first",
        ),
        (
            pdf_bytes([Sheet([*ONE.marks], width=14000)]),
            "paper 'P': page 1 measures 14000 x 792 points; expected sides of at most 5000: give a paper's PDF",
        ),
    ],
    ids=["empty", "html", "png", "head only", "garbage", "truncated", "encrypted", "no pages", "blank", "scanned", "huge"],
)
def test_what_is_no_paper_is_refused_in_one_line(tmp_path, data, message):
    assert refusal(written(tmp_path, data)) == message


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    assert refusal(tmp_path / "none.pdf") == "paper 'P': No such file or directory; give a PDF file"
    assert refusal(tmp_path) == "paper 'P': Is a directory; give a PDF file"


def test_two_thousand_pages_are_refused_at_once(tmp_path):
    path = written(tmp_path, pdf_bytes([ONE] * 2000))
    start = time.perf_counter()
    assert refusal(path) == "paper 'P' has 2,000 pages; at most 500 are read: give the paper alone"
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_boxes_are_those_of_the_page_as_it_is_shown(tmp_path, turned):
    # Text that looks upright after the page was turned: it is drawn at that angle, from the place that lands at (100, 200).
    x, y = {0: (120, 230), 90: (230, 792 - 120), 180: (612 - 120, 792 - 230), 270: (612 - 230, 120)}[turned]
    sheet = Sheet([Text(x, y, "Upright words", 12, angle=turned)], rotate=turned)
    (line,) = lines(written(tmp_path, pdf_bytes([sheet])))
    assert (line.text, line.angle) == ("Upright words", 0)
    assert line.bbox[0] == pytest.approx(120, abs=1)
    assert line.base == pytest.approx(230, abs=0.1)
    assert line.size == 12


def test_a_crop_box_moves_the_origin_and_hides_what_is_outside(tmp_path):
    sheet = Sheet([Text(120, 230, "Inside"), Text(10, 20, "Outside")], crop=(50, 100, 500, 700))
    (line,) = lines(written(tmp_path, pdf_bytes([sheet])))
    assert line.text == "Inside"
    assert line.bbox[0] == pytest.approx(70, abs=1)
    assert line.base == pytest.approx(230 - 92, abs=0.1)


def test_a_script_of_the_document_does_not_run(tmp_path):
    script = "/OpenAction << /S /JavaScript /JS (while (true) {}) >>"
    assert [line.text for line in lines(written(tmp_path, pdf_bytes([ONE], catalog=script)))] == ["A line of text"]
