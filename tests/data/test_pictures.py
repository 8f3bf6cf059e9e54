"""Headers tell size and orientation before any pixel is decoded; an orientation is found wherever a file keeps it."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from breadth.data.pictures import Picture, stack
from data.samples import IMAGES, png, refused

TURNED = Image.Exif()
TURNED[0x0112] = 6


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_note_last(content, kind, note):
    """The eXIf or text chunk after the pixels, where the format allows it too."""
    return content[:-12] + chunk(kind, note) + content[-12:]


EXIF = TURNED.tobytes()[6:]  # without the mark that JPEG puts before it
XMP = b'XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


@pytest.mark.parametrize(
    "content",
    [
        png(IMAGES[0], exif=TURNED),
        with_note_last(png(IMAGES[0]), b"eXIf", EXIF),
        with_note_last(png(IMAGES[0]), b"iTXt", XMP),
    ],
    ids=["exif first", "exif last", "xmp last"],
)
def test_an_orientation_anywhere_in_a_png_is_applied(content):
    found = stack([Picture("x", content)], shown="x", size=None, max_bytes=10**6)
    np.testing.assert_array_equal(found[0], np.rot90(IMAGES[0], -1))


def test_memory_is_refused_before_any_pixel_is_decoded(monkeypatch, tmp_path):
    (tmp_path / "a.png").write_bytes(png(IMAGES[0]))
    jpeg = io.BytesIO()
    Image.fromarray(IMAGES[0]).save(jpeg, "JPEG")
    pictures = [Picture("a", tmp_path / "a.png"), Picture("b", png(IMAGES[1])), Picture("c", jpeg.getvalue())]
    decoded = []
    original = ImageFile.ImageFile.load
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: (decoded.append(image), original(image))[1])
    assert refused(lambda: stack(pictures, shown="x", size=None, max_bytes=200)) == (
        "x needs 270 bytes in memory, more than the limit of 200; ask for a smaller size or raise max_bytes"
    )
    assert decoded == []
    assert stack(pictures, shown="x", size=None, max_bytes=270).shape == (3, 5, 6, 3)
    assert decoded


def test_bytes_files_and_images_give_the_same_pixels(tmp_path):
    (tmp_path / "a.png").write_bytes(png(IMAGES[0]))
    for content in (png(IMAGES[0]), tmp_path / "a.png", Image.fromarray(IMAGES[0]), Image.open(tmp_path / "a.png")):
        found = stack([Picture("x", content)], shown="x", size=None, max_bytes=10**6)
        np.testing.assert_array_equal(found[0], IMAGES[0])


def test_what_is_held_counts():
    assert refused(lambda: stack([Picture("x", png(IMAGES[0]))], shown="x", size=None, max_bytes=100, held=50)) == (
        "x needs 140 bytes in memory, more than the limit of 100; ask for a smaller size or raise max_bytes"
    )
