"""A folder of class folders: what is read, how it is converted, and what is refused."""

import os

import numpy as np
import pytest
from PIL import Image

from breadth.data.formats import load
from breadth.errors import DataError


def picture(size=(6, 4), mode="RGB", seed=0):
    bands = len(Image.new(mode, (1, 1)).getbands())
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], bands)).astype(np.uint8)
    return Image.fromarray(values if bands > 1 else values[..., 0])


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "birds"
    for c, ends in (("wren", ("png", "bmp")), ("auk", ("png", "webp"))):
        (root / c).mkdir(parents=True)
        for i, end in enumerate(ends):
            picture(seed=i).save(root / c / f"{i}.{end}", **({"lossless": True} if end == "webp" else {}))
    return root


def refused(folder, **options):
    with pytest.raises(DataError) as error:
        load(folder, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_classes_and_files_are_sorted_and_pixels_exact(folder):
    (folder / ".DS_Store").write_text("x")
    (folder / "wren" / ".hidden").write_text("x")
    birds = load(str(folder))
    assert (birds.name, birds.class_names, birds.labels.tolist()) == ("birds", ("auk", "wren"), [0, 0, 1, 1])
    assert birds.inputs.shape == (4, 4, 6, 3)
    for i in range(4):
        np.testing.assert_array_equal(birds.inputs[i], np.asarray(picture(seed=i % 2)))
    assert birds.digest == load(folder).digest


def test_jpeg_is_read(folder):
    flat = Image.new("RGB", (6, 4), (10, 200, 30))
    flat.save(folder / "auk" / "2.jpg")
    assert np.abs(load(folder).inputs[2].astype(int) - [10, 200, 30]).max() <= 3


def test_grey_only_where_all_images_are_grey(tmp_path):
    for i, mode in enumerate(("L", "1", "LA")):
        (tmp_path / "g" / "a").mkdir(parents=True, exist_ok=True)
        picture(mode="L").convert(mode).save(tmp_path / "g" / "a" / f"{i}.png")
    assert load(tmp_path / "g").inputs.shape == (3, 4, 6, 1)
    picture().save(tmp_path / "g" / "a" / "9.png")
    mixed = load(tmp_path / "g")
    assert mixed.inputs.shape == (4, 4, 6, 3)
    np.testing.assert_array_equal(mixed.inputs[0], np.repeat(np.asarray(picture(mode="L"))[..., None], 3, axis=2))


def test_sixteen_bit_grey_and_transparency(tmp_path):
    (tmp_path / "a").mkdir()
    Image.fromarray(np.array([[0, 257 * 9], [257 * 200, 65535]], np.uint16)).save(tmp_path / "a" / "0.png")
    clear = Image.new("LA", (2, 2), (0, 255))
    clear.putpixel((0, 0), (7, 0))
    clear.save(tmp_path / "a" / "1.png")
    assert load(tmp_path).inputs[..., 0].tolist() == [[[0, 9], [200, 255]], [[255, 0], [0, 0]]]


def test_exif_orientation_is_applied_before_sizes_are_compared(tmp_path):
    (tmp_path / "a").mkdir()
    upright = Image.new("RGB", (16, 8), "white")
    upright.paste("black", (0, 0, 8, 8))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to show
    upright.rotate(90, expand=True).save(tmp_path / "a" / "turned.jpg", exif=exif, quality=95)
    upright.save(tmp_path / "a" / "upright.png")
    both = load(tmp_path)
    assert both.inputs.shape == (2, 8, 16, 3)
    assert np.abs(both.inputs[0].astype(int) - both.inputs[1]).mean() < 4


def test_images_of_different_sizes_become_84_or_what_is_asked(folder):
    picture((9, 9)).save(folder / "auk" / "3.png")
    assert load(folder).inputs.shape == (5, 84, 84, 3)
    assert load(folder, size=12).inputs.shape == (5, 12, 12, 3)


def test_structure_errors(folder, tmp_path):
    (tmp_path / "none").mkdir()
    assert refused(tmp_path / "none") == f"{tmp_path / 'none'} holds nothing; expected one folder of images per class"
    assert refused(folder / "auk") == f"{folder / 'auk'} holds 2 files and no folder; expected one folder of images per class"
    (folder / "emu").mkdir()
    assert refused(folder) == f"class folder {folder / 'emu'} is empty; expected at least one image: fill or remove it"
    (folder / "emu" / "inner").mkdir()
    assert refused(folder) == (
        f"{folder / 'emu' / 'inner'} is a folder inside a class folder; expected images only: "
        "give the folder that holds the class folders"
    )
    picture().save(folder / "loose.png")
    assert refused(folder) == (
        f"{folder / 'loose.png'} lies beside the class folders; expected every image inside a class folder: move or remove it"
    )


def test_files_that_are_no_images(folder):
    bad = folder / "auk" / "notes.png"
    bad.write_text("not an image")
    message = f"{bad} is not a PNG, JPEG, WebP or BMP image; remove or convert it"
    assert refused(folder) == message
    picture().save(bad, format="GIF")
    assert refused(folder) == message
    bad.write_bytes(b"")
    assert refused(folder) == message


@pytest.mark.parametrize("end", ["png", "jpg", "webp", "bmp"])
def test_a_truncated_image_is_named(folder, end):
    bad = folder / "auk" / f"cut.{end}"
    picture((60, 40)).save(bad)
    bad.write_bytes(bad.read_bytes()[: bad.stat().st_size // 2])
    message = refused(folder, size=8)
    assert message.startswith(str(bad))
    assert message.endswith("; replace or remove it") or message.endswith("; remove or convert it")


def test_a_decompression_bomb_is_refused_from_its_header(folder, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    for side in (40, 60):  # beyond the limit Pillow warns, beyond twice the limit it refuses
        bomb = folder / "auk" / "bomb.png"
        Image.new("RGB", (side, side)).save(bomb)
        assert (
            refused(folder) == f"{bomb} has more than 1,000 pixels, which may be a decompression bomb; make it smaller or remove it"
        )


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may read every folder")
def test_a_folder_that_may_not_be_read(folder):
    (folder / "auk").chmod(0)
    message = f"{folder / 'auk'} cannot be listed (Permission denied); expected a folder that may be read"
    assert refused(folder) == message


def test_memory_is_bounded_before_decoding(folder):
    assert refused(folder, max_bytes=200) == (
        f"{folder} needs 288 bytes in memory, more than the limit of 200; ask for a smaller size or raise max_bytes"
    )
