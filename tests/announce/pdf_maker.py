"""A tiny writer of PDFs for tests: text in the standard fonts, rules, grey pictures and links, placed from the top left corner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

CHINESE = "STSong-Light"
FONTS = (
    "Times-Roman",
    "Times-Bold",
    "Times-Italic",
    "Times-BoldItalic",
    "Helvetica",
    "Helvetica-Bold",
    "Helvetica-Oblique",
    "Courier",
    "Symbol",
    CHINESE,
)
ADVANCE = {"Courier": 0.6, "Helvetica": 0.52, "Helvetica-Bold": 0.56, CHINESE: 1.0}  # a mean letter's width; 0.45 for the others


@dataclass(frozen=True)
class Text:
    """Text whose baseline begins at x, y (points from the top left); angle: degrees counter-clockwise."""

    x: float
    y: float
    text: str
    size: float = 10
    font: str = "Times-Roman"
    angle: int = 0


@dataclass(frozen=True)
class Rule:
    """A straight stroke."""

    x0: float
    y0: float
    x1: float
    y1: float
    width: float = 0.6


@dataclass(frozen=True)
class Picture:
    """A picture of 2 x 2 grey pixels, stretched over a box."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True)
class Link:
    """A link annotation over a box."""

    x0: float
    y0: float
    x1: float
    y1: float
    url: str


Mark = Text | Rule | Picture | Link


@dataclass
class Sheet:
    """A page: its marks, its size in points, a rotation in degrees clockwise and a crop box (left, bottom, right, top)."""

    marks: list[Mark] = field(default_factory=list)
    width: float = 612
    height: float = 792
    rotate: int = 0
    crop: tuple[float, float, float, float] | None = None

    def add(self, *marks: Mark) -> Sheet:
        self.marks.extend(marks)
        return self

    def paragraph(self, x: float, y: float, width: float, text: str, size: float = 10, font: str = "Times-Roman") -> float:
        """Set text in lines of about that width, the first on baseline y; returns the next free baseline, 1.2 sizes below."""
        for line in wrapped(text, width, size, font):
            self.marks.append(Text(x, y, line, size, font))
            y += 1.2 * size
        return y

    def centred(self, y: float, text: str, size: float = 10, font: str = "Times-Roman") -> float:
        """Set one line about the middle of the page; returns the next free baseline."""
        self.marks.append(Text(self.width / 2 - wide(text, size, font) / 2, y, text, size, font))
        return y + 1.2 * size


def wide(text: str, size: float, font: str) -> float:
    """Return about how wide a text is, in points."""
    return len(text) * size * ADVANCE.get(font, 0.45)


def wrapped(text: str, width: float, size: float, font: str = "Times-Roman") -> list[str]:
    """Break a text into lines of about that width; a newline breaks too."""
    lines = []
    for part in text.split("\n"):
        line = ""
        for word in part.split():
            if line and wide(f"{line} {word}", size, font) > width:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}".strip()
        lines.append(line)
    return lines


def pdf_bytes(sheets: Sequence[Sheet], *, encrypted: bool = False, catalog: str = "", pages: int | None = None) -> bytes:
    """Return a PDF. encrypted: as if a password were needed; catalog: more entries of the catalogue; pages: a false page count."""
    objects: list[bytes] = [b"", b""]  # 1: catalogue, 2: page tree
    fonts = " ".join(f"/F{i} {len(objects) + i + 1} 0 R" for i in range(len(FONTS)))
    objects += [font_object(name) for name in FONTS]
    objects.append(
        stream("/Type /XObject /Subtype /Image /Width 2 /Height 2 /BitsPerComponent 8 /ColorSpace /DeviceGray", b"\x40\xa0\xc0\x20")
    )
    image = len(objects)
    kids = []
    for sheet in sheets:
        objects.append(stream("", contents(sheet)))
        body = len(objects)
        links = []
        for mark in sheet.marks:
            if isinstance(mark, Link):
                at = f"{mark.x0} {sheet.height - mark.y1} {mark.x1} {sheet.height - mark.y0}"
                action = f"/A << /S /URI /URI {literal(mark.url)} >>"
                objects.append(f"<< /Type /Annot /Subtype /Link /Rect [{at}] /Border [0 0 0] {action} >>".encode("latin-1"))
                links.append(f"{len(objects)} 0 R")
        crop = "" if sheet.crop is None else f"/CropBox [{' '.join(map(str, sheet.crop))}]"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {sheet.width} {sheet.height}] {crop} /Rotate {sheet.rotate} "
            f"/Resources << /Font << {fonts} >> /XObject << /Im {image} 0 R >> >> /Contents {body} 0 R /Annots [{' '.join(links)}] >>".encode()
        )
        kids.append(f"{len(objects)} 0 R")
    objects[0] = f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode()
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids) if pages is None else pages} >>".encode()
    trailer = ""
    if encrypted:
        secret = "<" + "5a" * 32 + ">"
        objects.append(f"<< /Filter /Standard /V 1 /R 2 /O {secret} /U {secret} /P -44 >>".encode())
        trailer = f"/Encrypt {len(objects)} 0 R /ID [<00> <00>]"
    return assembled(objects, trailer)


def assembled(objects: list[bytes], trailer: str) -> bytes:
    out, starts = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, start=1):
        starts.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    for start in starts:
        out += f"{start:010d} 00000 n \n".encode()
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{table}\n%%EOF\n".encode()
    return bytes(out)


def font_object(name: str) -> bytes:
    if name == CHINESE:
        info = "<< /Registry (Adobe) /Ordering (GB1) /Supplement 2 >>"
        kid = f"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /{name} /CIDSystemInfo {info} /DW 1000 >>"
        return f"<< /Type /Font /Subtype /Type0 /BaseFont /{name} /Encoding /UniGB-UCS2-H /DescendantFonts [{kid}] >>".encode()
    encoding = "" if name == "Symbol" else "/Encoding /WinAnsiEncoding"
    return f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} {encoding} >>".encode()


def stream(entries: str, body: bytes) -> bytes:
    return f"<< {entries} /Length {len(body)} >>\nstream\n".encode() + body + b"\nendstream"


def literal(text: str) -> str:
    return "(" + text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)") + ")"


def contents(sheet: Sheet) -> bytes:
    out: list[bytes] = []
    for mark in sheet.marks:
        if isinstance(mark, Text):
            cos, sin = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[mark.angle]
            shown = "<" + mark.text.encode("utf-16-be").hex() + ">" if mark.font == CHINESE else literal(mark.text)
            code = f"BT /F{FONTS.index(mark.font)} {mark.size} Tf {cos} {sin} {-sin} {cos} {mark.x} {sheet.height - mark.y} Tm {shown} Tj ET"
            out.append(code.encode("cp1252"))
        elif isinstance(mark, Rule):
            out.append(f"{mark.width} w {mark.x0} {sheet.height - mark.y0} m {mark.x1} {sheet.height - mark.y1} l S".encode())
        elif isinstance(mark, Picture):
            wide, high = mark.x1 - mark.x0, mark.y1 - mark.y0
            out.append(f"q {wide} 0 0 {high} {mark.x0} {sheet.height - mark.y1} cm /Im Do Q".encode())
    return b"\n".join(out)
