"""Opening a PDF: what is refused, how it is said, and where things stand on turned and cropped pages."""

import subprocess
import sys
import time
from contextlib import closing
from functools import partial

import pytest

from announce.pdf_maker import Picture, Sheet, Text, assembled, pdf_bytes, stream
from breadth.announce.read import guard, pdf
from breadth.announce.read.guard import Guard
from breadth.announce.read.lines import lines_of
from breadth.announce.read.paper import read_paper
from breadth.announce.read.pdf import open_pdf
from breadth.announce.read.render import crop
from breadth.announce.source import Item
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


def refused(path, **bounds):
    """What the guard says of the first page, parsed and then drawn; "" where all is well."""
    try:
        with closing(Guard(path, **bounds)) as watch:
            watch.parse(1)
            watch.draw(1, 1.25, (0, 0, 0, 0), (612, 792), grey=True)
    except AnnounceError as error:
        return str(error).replace(str(path), "P")
    return ""


def test_a_page_that_takes_for_ever_is_refused(tmp_path):
    path = written(tmp_path, nested(depth=12, times=30))
    assert refused(path, seconds=2) == "paper 'P' takes more than 2 s to parse and draw; save the PDF anew from its source"
    assert refused(path, a_page=1) == "paper 'P' takes more than 1 s to parse page 1; save the PDF anew from its source"
    assert refused(written(tmp_path, nested(depth=2, times=3))) == ""


def drawing(resource, *objects, words=""):
    """A PDF of one page with words and a square of 400 points; resource: what "/X" names, objects: from the fifth on."""
    kids = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    font = "/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >> >>"
    page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << {resource} {font} >> /Contents 4 0 R >>"
    text = f"BT /F 10 Tf 100 230 Td ({words}) Tj ET ".encode()
    draw = b"/Pattern cs /X scn 100 250 400 400 re f" if "Pattern" in resource else b"400 0 0 400 100 250 cm /X Do"
    return assembled([b"<< /Type /Catalog /Pages 2 0 R >>", kids, page.encode(), stream("", text + draw), *objects], "")


def tiled(words=""):
    """A PDF whose text is parsed at once, and whose one square is filled with a pattern that takes minutes to draw."""
    cell = "/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 300 300] /XStep 0.1 /YStep 0.1 /Resources << >>"
    return drawing("/Pattern << /X 5 0 R >>", stream(cell, b"0 0 m 1 1 l S " * 20000), words=words)


def wide_picture(side):
    """A PDF with a black picture of so many pixels a side."""
    packed = b"\x81\x00" * (side * side // 128) + b"\x80"
    head = f"/Type /XObject /Subtype /Image /Width {side} /Height {side} /BitsPerComponent 8 /ColorSpace /DeviceGray"
    return drawing("/XObject << /X 5 0 R >>", stream(f"{head} /Filter /RunLengthDecode", packed))


def test_a_page_that_takes_for_ever_to_draw_is_refused(tmp_path):
    path = written(tmp_path, tiled())
    start = time.perf_counter()
    assert refused(path, a_page=2) == "paper 'P' takes more than 2 s to draw page 1; save the PDF anew from its source"
    assert time.perf_counter() - start < 8


def test_who_was_refused_once_is_refused_at_once(tmp_path):
    path = written(tmp_path, tiled())
    with closing(Guard(path, a_page=2)) as watch:
        for _ in range(2):
            start = time.perf_counter()
            with pytest.raises(AnnounceError, match=r"takes more than 2 s to draw page 1; save the PDF anew from its source$"):
                watch.draw(1, 1.25, (0, 0, 0, 0), (612, 792), grey=True)
    assert time.perf_counter() - start < 0.1


def test_what_is_slow_to_draw_ends_neither_a_map_nor_a_picture(tmp_path, monkeypatch):
    path = written(tmp_path, tiled("Figure 1: A pattern without an end."))
    monkeypatch.setattr(pdf, "Guard", partial(Guard, a_page=2))
    message = f"paper '{path}' takes more than 2 s to draw page 1; save the PDF anew from its source"
    with pytest.raises(AnnounceError) as caught:
        read_paper(path)
    assert str(caught.value) == message
    with pytest.raises(AnnounceError) as caught, open_pdf(path) as paper:
        crop(paper, Item("Figure 1", 1, (100, 142, 500, 542), "", 1.0))
    assert str(caught.value) == message


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process's memory surely")
def test_a_picture_too_large_for_the_processs_memory_stays_white(tmp_path, monkeypatch):
    monkeypatch.setattr(guard, "MEMORY", 512 << 20)
    shares = []
    for side in (3_200, 30_000):
        with closing(Guard(written(tmp_path, wide_picture(side)))) as watch:
            shares.append((watch.draw(1, 1.25, (0, 0, 0, 0), (612, 792), grey=True) < 128).mean())
    assert shares == [pytest.approx(400 * 400 / (612 * 792), abs=0.01), 0]


@pytest.mark.parametrize(
    "head, pixels",
    [(None, 0), ((9999, 9999, 9999, 1), 0), ((9, 9, 8, 1), 72), ((9, 9, 9, 1), 80), ((-9, -9, 9, 1), 0)],
    ids=["dies", "more than was asked for", "rows that overlap", "less than was said", "negative"],
)
def test_a_process_that_fails_is_told(tmp_path, monkeypatch, head, pixels):
    said = "" if head is None else f"out.write(struct.pack('<12i', 0, 0, 0, 0, 0, 0, 0, 0, *{head}) + bytes({pixels}))"
    script = f"import os, struct, sys; out = sys.stdout.buffer; {said}; out.flush(); sys.stdin.readline(); sys.stdin.readline(); os.abort()"
    monkeypatch.setattr(guard, "PAINTER", written(tmp_path, script.encode(), "painter.py"))
    fault = "makes the PDF library fail or run out of memory; save the PDF anew from its source"
    path = written(tmp_path, tiled("Figure 1: A caption."))
    assert refused(path) == f"paper 'P' {fault}"
    with pytest.raises(AnnounceError) as caught:
        read_paper(path)
    assert str(caught.value) == f"paper '{path}' {fault}"


def test_no_process_stays_behind(tmp_path):
    with open_pdf(written(tmp_path, pdf_bytes([ONE]))) as paper:
        assert paper.guard.process.poll() is None
    assert paper.guard.process.poll() is not None


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
