"""Opening a PDF: what is refused, how it is said, and where things stand on turned and cropped pages."""

import subprocess
import sys
import time

import pytest

from announce.pdf_maker import Picture, Sheet, Text, assembled, pdf_bytes, stream
from breadth.announce.read import guard
from breadth.announce.read.guard import fault_of
from breadth.announce.read.lines import lines_of
from breadth.announce.read.paper import read_paper
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
        (b"\xef\xbb\xbf\n<!DOCTYPE html><html>%PDF</html>", "paper 'P' is a web page (HTML); give a PDF file"),
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


def nested(depth, times):
    """A PDF whose page draws times ** depth forms, each within another."""
    kids = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /XObject << /X 5 0 R >> >> /Contents 4 0 R >>"
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", kids, page, stream("", b"/X Do")]
    for level in range(depth):
        inner = f"/Resources << /XObject << /X {level + 6} 0 R >> >>" if level < depth - 1 else ""
        objects.append(
            stream(f"/Type /XObject /Subtype /Form /BBox [0 0 9 9] {inner}", b"/X Do " * times if inner else b"0 0 m 9 9 l S")
        )
    return assembled(objects, "")


def test_a_page_that_takes_for_ever_is_refused(tmp_path):
    path = written(tmp_path, nested(depth=12, times=30))
    assert fault_of(path, 500, seconds=2) == "takes more than 2 s to parse and draw; save the PDF anew from its source"
    assert fault_of(written(tmp_path, nested(depth=2, times=3)), 500) is None


def tiled():
    """A PDF whose text is parsed at once, and whose one square is filled with a pattern that takes minutes to draw."""
    kids = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Pattern << /P 5 0 R >> >> /Contents 4 0 R >>"
    cell = "/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 300 300] /XStep 0.1 /YStep 0.1 /Resources << >>"
    square = stream("", b"/Pattern cs /P scn 100 250 400 400 re f")
    return assembled([b"<< /Type /Catalog /Pages 2 0 R >>", kids, page, square, stream(cell, b"0 0 m 1 1 l S " * 20000)], "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no alarm that ends a process")
def test_a_page_that_takes_for_ever_to_draw_is_refused(tmp_path):
    path = written(tmp_path, tiled())
    fault = "has a page that takes more than 1 s to parse and draw; save the PDF anew from its source"
    assert fault_of(path, 500, a_page=1) == fault


def test_what_kills_the_parser_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(guard, "__file__", str(written(tmp_path, b"import os; os.abort()", "crash.py")))
    fault = "makes the PDF library fail or run out of memory; save the PDF anew from its source"
    assert fault_of(tmp_path / "any.pdf", 500) == fault
    path = written(tmp_path, pdf_bytes([ONE]))
    with pytest.raises(AnnounceError) as caught:
        read_paper(path)
    assert str(caught.value) == f"paper '{path}' {fault}"


def test_the_guard_leaves_refusals_to_who_asked(tmp_path):
    assert fault_of(written(tmp_path, b"%PDF-1.7 garbage %%EOF"), 500) is None
    assert fault_of(written(tmp_path, pdf_bytes([ONE] * 9)), 5) is None


def test_a_missing_library_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    assert refusal(tmp_path) == "reading a PDF needs pypdfium2, which is not installed; run: pip install 'breadth[paper]'"


@pytest.mark.slow
def test_three_hundred_pages_are_read_in_bounded_memory(tmp_path):
    text = "Some words that fill the page with text and more of it, line after line. " * 50
    sheets = [Sheet() for _ in range(300)]
    for n, sheet in enumerate(sheets):
        sheet.paragraph(72, 80, 460, f"Page {n} begins here. {text}")
    path = written(tmp_path, pdf_bytes(sheets))
    code = (
        "import resource, sys; from pathlib import Path; from breadth.announce.read.paper import read_paper; "
        "n = len(read_paper(Path(sys.argv[1])).sentences); print(n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    out = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True).stdout
    sentences, kilobytes = map(int, out.split())
    assert sentences > 14_000
    assert kilobytes < 700_000


def test_a_script_of_the_document_does_not_run(tmp_path):
    script = "/OpenAction << /S /JavaScript /JS (while (true) {}) >>"
    assert [line.text for line in lines(written(tmp_path, pdf_bytes([ONE], catalog=script)))] == ["A line of text"]
