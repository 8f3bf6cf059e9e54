"""load(): arrays, .npz files and named sources; every refusal with its whole message."""

import contextlib
import io
import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from breadth.data.formats import from_arrays, load
from breadth.errors import DataError

IMAGES = np.arange(4 * 5 * 5 * 3, dtype=np.uint8).reshape(4, 5, 5, 3)
LABELS = np.array([0, 0, 1, 1])


def refused(act):
    with pytest.raises(DataError) as error:
        act()
    message = str(error.value)
    assert "\n" not in message
    return message


def test_from_arrays_shares_what_needs_no_conversion():
    made = from_arrays(IMAGES, LABELS, ["x", "y"], name="mine", groups=["a", "a", "b", "b"])
    assert made.inputs is IMAGES
    assert (made.name, made.class_names, made.groups, made.labels.dtype) == ("mine", ("x", "y"), ("a", "a", "b", "b"), np.int64)
    assert from_arrays(IMAGES, LABELS.astype(np.uint8)).class_names == ("0", "1")


def test_grey_images_get_a_channel_axis_and_vectors_become_float32():
    assert from_arrays(IMAGES[..., 0], LABELS).inputs.shape == (4, 5, 5, 1)
    vectors = from_arrays([[1, 2], [3, 4], [5, 6]], [0, 1, 2])
    assert (vectors.inputs.dtype, vectors.is_images, vectors.inputs.tolist()) == (np.float32, False, [[1, 2], [3, 4], [5, 6]])


NAN = np.ones((4, 2))
NAN[2, 1] = np.nan


@pytest.mark.parametrize(
    "args, message",
    [
        (
            (IMAGES / 255, LABELS),
            "'arrays' has images of type float64; expected uint8 with values 0 to 255: convert them first, "
            "(images * 255).round().astype(numpy.uint8) as their values lie in 0..1",
        ),
        (
            (IMAGES.astype(np.float32), LABELS),
            "'arrays' has images of type float32; expected uint8 with values 0 to 255: convert them first, "
            "images.round().astype(numpy.uint8) as their values lie in 0..255",
        ),
        (
            (IMAGES.astype(np.int64) - 9, LABELS),
            "'arrays' has images of type int64; expected uint8 with values 0 to 255: convert them first, "
            "scaling their values, -9 to 246, to 0..255",
        ),
        (
            (IMAGES > 9, LABELS),
            "'arrays' has images of type bool; expected uint8 with values 0 to 255: convert them first, "
            "images.astype(numpy.uint8) * 255",
        ),
        (
            (np.full((4, 5, 5), np.nan), LABELS),
            "'arrays' has images of type float64; expected uint8 with values 0 to 255: convert them first, "
            "and remove the NaN or infinite values in them",
        ),
        (
            (IMAGES.transpose(0, 3, 1, 2), LABELS),
            "'arrays' has images of shape [4, 3, 5, 5]; expected 1 or 3 channels on the last axis: "
            "move the channels to the end, images.transpose(0, 2, 3, 1)",
        ),
        (
            (np.zeros((4, 5, 5, 4), np.uint8), LABELS),
            "'arrays' has images of shape [4, 5, 5, 4]; expected 1 or 3 channels on the last axis: "
            "drop the alpha channel, images[..., :3]",
        ),
        (
            (np.zeros((4, 5, 5, 2), np.uint8), LABELS),
            "'arrays' has images of shape [4, 5, 5, 2]; expected 1 or 3 channels on the last axis",
        ),
        (
            (np.zeros(4), LABELS),
            "'arrays' has inputs of shape [4]; expected images [n, height, width, channels] or [n, height, width], "
            "or vectors [n, features], with nothing empty",
        ),
        (
            (np.zeros((0, 5, 5, 3), np.uint8), []),
            "'arrays' has inputs of shape [0, 5, 5, 3]; expected images [n, height, width, channels] or "
            "[n, height, width], or vectors [n, features], with nothing empty",
        ),
        ((np.array([["a"]]), [0]), "'arrays' has inputs of type <U1; expected uint8 images or numeric vectors"),
        (
            (NAN, LABELS),
            "'arrays' has NaN or infinite values in 1 of 4 vectors, the first in row 2; "
            "expected finite float32 values: remove or repair these rows",
        ),
        (
            (np.full((4, 2), 1e300), LABELS),
            "'arrays' has NaN or infinite values in 4 of 4 vectors, the first in row 0; "
            "expected finite float32 values: remove or repair these rows",
        ),
        ((IMAGES, LABELS[:3]), "'arrays' has labels of shape [3] for 4 items; expected shape [4]"),
        (
            (IMAGES, LABELS.astype(float)),
            "'arrays' has labels of type float64; expected whole numbers 0 .. classes-1: number the classes with "
            "numpy.unique(labels, return_inverse=True)",
        ),
        (
            (IMAGES, ["a", "a", "b", "b"]),
            "'arrays' has labels of type <U1; expected whole numbers 0 .. classes-1: number the classes with "
            "numpy.unique(labels, return_inverse=True)",
        ),
        ((IMAGES, [0, -3, 1, 1]), "'arrays' has the label -3 in row 1; expected labels from 0"),
        ((IMAGES, [0, 1, 2, 2], ["x", "y"]), "'arrays' has the label 2 in row 2 but 2 class names; expected labels 0 to 1"),
        (
            (IMAGES, [0, 0, 2, 10**15]),
            f"'arrays' has labels 0 to {10**15} but no item of class 1; expected every class to have items: "
            "renumber with numpy.unique(labels, return_inverse=True)",
        ),
        (
            (IMAGES, LABELS, ["x", "y", "z"]),
            "class 2 ('z') of 'arrays' has no items; expected every class to have items: drop its name and renumber the labels",
        ),
        ((IMAGES, LABELS, ["x", "x"]), "'arrays' has two classes named 'x'; expected one different name per class"),
        ((IMAGES, LABELS, ["x", " "]), "'arrays' has an empty name for class 1; expected one different name per class"),
        (
            (IMAGES, LABELS, [1, 2]),
            "'arrays' has class names of type int64 and shape [2]; expected a list of strings, one per class",
        ),
    ],
)
def test_what_from_arrays_refuses(args, message):
    assert refused(lambda: from_arrays(*args)) == message


def test_npz_round_trip(tmp_path):
    path = tmp_path / "pack.npz"
    np.savez_compressed(path, images=IMAGES, labels=LABELS, class_names=["x", "y"], source_paths=["f#1", "f#2", "g", "h"])
    pack = load(path)
    assert (pack.name, pack.class_names, pack.groups) == ("pack", ("x", "y"), ("f", "f", "g", "h"))
    np.testing.assert_array_equal(pack.inputs, IMAGES)
    assert load(str(path), size=7).inputs.shape == (4, 7, 7, 3)
    assert load(pack) is pack
    assert load(pack, size=5) is pack


def with_member(path, name, payload):
    np.savez(path, labels=LABELS)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, payload)
    return path


def header(shape):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return buffer.getvalue()


class Bomb:
    """Unpickled, it makes the file ``mark``."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


def test_a_pickle_is_refused_and_never_run(tmp_path):
    path, mark = tmp_path / "p.npz", tmp_path / "was-run"
    np.savez(path, images=np.array([Bomb(mark)], dtype=object), labels=LABELS)
    assert refused(lambda: load(path)) == f"array 'images' in {path} holds pickled objects, which could run code; save plain arrays"
    raw = with_member(tmp_path / "raw.npz", "images.npy", pickle.dumps(Bomb(mark)))
    assert refused(lambda: load(raw)).startswith(f"array 'images' in {raw} is damaged (the magic string is not correct; expected ")
    assert not mark.exists()
    pickle.loads(pickle.dumps(Bomb(mark)))
    assert mark.exists()  # so that the check above can fail


def test_announced_sizes_are_checked_before_reading(tmp_path):
    path = with_member(tmp_path / "bomb.npz", "images.npy", header((10**6, 10**6, 1000, 3)))
    assert path.stat().st_size < 2000
    assert refused(lambda: load(path)) == (
        f"{path} announces {3 * 10**15 + 160:,} bytes of arrays, more than the limit of 2,147,483,648; "
        "raise max_bytes if the file is trusted"
    )
    fine = tmp_path / "fine.npz"
    np.savez(fine, images=IMAGES, labels=LABELS)
    assert load(fine, max_bytes=1000).n_items == 4
    assert refused(lambda: load(fine, max_bytes=500)) == (
        f"{fine} announces 588 bytes of arrays, more than the limit of 500; raise max_bytes if the file is trusted"
    )


def test_damaged_npz_files(tmp_path):
    text = tmp_path / "text.npz"
    text.write_text("hello")
    assert refused(lambda: load(text)) == f"{text} is not a readable .npz file (File is not a zip file); write it with numpy.savez"
    empty = tmp_path / "empty.npz"
    empty.write_bytes(b"")
    assert (
        refused(lambda: load(empty)) == f"{empty} is not a readable .npz file (File is not a zip file); write it with numpy.savez"
    )
    missing = tmp_path / "missing.npz"
    np.savez(missing, image=IMAGES, labels=LABELS)
    assert refused(lambda: load(missing)) == (
        f"{missing} has no array 'images'; it holds image, labels; expected 'images' and 'labels'; did you mean 'image'?"
    )
    short = with_member(tmp_path / "short.npz", "images.npy", header((4, 5, 5, 3)) + bytes(10))
    assert refused(lambda: load(short)).startswith(f"array 'images' in {short} is damaged (")
    good = tmp_path / "good.npz"
    np.savez_compressed(good, images=np.random.default_rng(0).integers(0, 256, (4, 50, 50, 3)).astype(np.uint8), labels=LABELS)
    whole = good.read_bytes()
    for position in range(0, len(whole), 997):  # flip a byte anywhere: it loads or it is refused in one line
        good.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        with contextlib.suppress(DataError):  # anything else fails the test
            load(good)
    for length in range(0, len(whole), 1009):
        good.write_bytes(whole[:length])
        refused(lambda: load(good))


@pytest.mark.parametrize(
    "text",
    [
        "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 5, 5, 3), ",  # not closed
        "   {'descr'\n  : 3}\n ]",
        "  1\n 2",
        "'",
        "[" * 5000,
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-4, 5, 5, 3), }",
        "{'descr': [3], 'fortran_order': False, 'shape': (4, 5, 5, 3), }",
    ],
)
def test_headers_that_are_no_header(tmp_path, text):
    content = text.encode() + b"\n"
    path = with_member(tmp_path / "x.npz", "images.npy", b"\x93NUMPY\x01\x00" + len(content).to_bytes(2, "little") + content)
    message = refused(lambda: load(path))
    assert message.startswith(f"array 'images' in {path} is damaged (")
    assert message.endswith("); write the file again with numpy.savez")
    assert "()" not in message


def test_a_damaged_lzma_stream(tmp_path):
    path = tmp_path / "x.npz"
    stream = io.BytesIO()
    np.save(stream, IMAGES)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("images.npy", stream.getvalue())
    with zipfile.ZipFile(path, "a") as archive, archive.open("labels.npy", "w") as member:
        np.save(member, LABELS)
    assert load(path).n_items == 4
    whole, refusals = path.read_bytes(), 0
    for position in range(30, 200):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        try:
            load(path)
        except DataError:  # anything else fails the test
            refusals += 1
    assert refusals > 100


def test_a_path_that_no_file_can_have(tmp_path):
    path = tmp_path / ("x" * 300)
    assert refused(lambda: load(path)) == f"{path} cannot be read (File name too long); check the path and its permissions"


def test_a_file_with_any_byte_changed_loads_or_is_refused(tmp_path):
    path = tmp_path / "pack.npz"
    np.savez(path, images=IMAGES[:, :2, :2, :1], labels=LABELS, class_names=["x", "y"])
    whole = path.read_bytes()
    loaded = 0
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        with contextlib.suppress(DataError):  # anything else fails the test
            loaded += load(path).n_items == 4
    assert loaded < len(whole) / 2


def test_labels_in_a_file_are_checked_like_arrays(tmp_path):
    path = tmp_path / "pack.npz"
    np.savez(path, images=IMAGES, labels=[0, 1, 2, 3], class_names=["x", "y"])
    assert refused(lambda: load(path)) == "'pack' has the label 3 in row 3 but 2 class names; expected labels 0 to 1"


def test_digits():
    digits = load("digits")
    assert (digits.name, digits.inputs.shape, digits.inputs.dtype, digits.n_classes) == ("digits", (1797, 8, 8, 1), np.uint8, 10)
    assert (int(digits.inputs.min()), int(digits.inputs.max())) == (0, 255)
    assert load("digits", size=16).inputs.shape == (1797, 16, 16, 1)


def test_named_sources_with_options():
    glyphs = load("glyphs:scripts=greek+hebrew,styles=sans,classes=7,per_class=3,size=20,seed=4")
    assert (glyphs.inputs.shape, glyphs.n_classes) == ((21, 20, 20, 1), 7)
    assert glyphs.name == "glyphs:scripts=greek+hebrew,styles=sans,classes=7,per_class=3,size=20,seed=4"
    assert load("glyphs:scripts=hebrew,classes=all,per_class=1").n_classes > 20
    gaussian = load("gaussian:sigma=10,classes=6,per_class=5,split=val,seed=1")
    assert (gaussian.inputs.shape, gaussian.is_images, gaussian.class_names[5]) == ((30, 1), False, "val 5")
    assert load(gaussian, size=9) is gaussian


END = (
    "expected a folder (class folders of images, parquet files, tar shards, a saved Hugging Face data set), a file (.npz, .npy, "
    ".parquet, .csv, .tsv, .tar), a pattern of such files, hf:USER/NAME, or one of digits, gaussian, glyphs"
)


@pytest.mark.parametrize(
    "source, message",
    [
        (
            "glyph",
            "unknown data source 'glyph'; expected one of: digits, gaussian, glyphs; did you mean 'glyphs'? "
            "(or a folder, a file, or hf:USER/NAME)",
        ),
        (
            "zzz",
            "unknown data source 'zzz'; expected one of: digits, gaussian, glyphs (or a folder, a file, or hf:USER/NAME)",
        ),
        (
            "gausian:sigma=1",
            "unknown data source 'gausian'; expected one of: digits, gaussian, glyphs; did you mean 'gaussian'? "
            "(or a folder, a file, or hf:USER/NAME)",
        ),
        ("no/such/folder", f"no/such/folder does not exist; {END}"),
        ("missing.npz", f"missing.npz does not exist; {END}"),
        (Path("glyphs"), f"glyphs does not exist; {END}"),
        ("digits:size=3", "'digits' takes no options; got 'size=3'"),
        (
            "glyphs:stiles=sans",
            "unknown option of 'glyphs' 'stiles'; expected one of: classes, per_class, scripts, seed, size, styles; "
            "did you mean 'styles'?",
        ),
        ("glyphs:classes", "option 'classes' of 'glyphs' has no value; expected classes=VALUE"),
        ("glyphs:classes=many", "option 'classes' of 'glyphs' is 'many'; expected a whole number or all"),
        ("glyphs:seed=1,seed=2", "option 'seed' of 'glyphs' is given twice; expected it once"),
        ("gaussian:sigma=nan", "option 'sigma' of 'gaussian' is 'nan'; expected a finite number"),
        ("gaussian:seed=1.5", "option 'seed' of 'gaussian' is '1.5'; expected a whole number"),
    ],
)
def test_unknown_sources_and_options(source, message):
    assert refused(lambda: load(source)) == message


def test_other_files_and_sizes_are_refused(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_text("1,2")
    assert refused(lambda: load(path)) == f"{path} is a file of another kind; {END}"
    assert refused(lambda: load("digits", size=0)) == "size=0 was asked for; expected at least 1 pixel"


def test_every_real_pack_loads(packs):
    files = sorted(packs.glob("*.npz"))
    assert len(files) == 19
    for path in files:
        pack = load(path)
        assert pack.name == path.stem
        assert pack.inputs.dtype == np.uint8
        assert pack.inputs.shape[3] in (1, 3)
        assert min(pack.counts) >= 18
        assert sum(pack.counts) == pack.n_items


@pytest.mark.parametrize(
    ("source", "needed"),
    [("gaussian:classes=1000000,per_class=1000000", "1e+12"), ("glyphs:classes=200,per_class=100,size=10000", "2e+12")],
)
def test_generated_data_beyond_the_limit_is_refused_before_it_is_made(source, needed):
    expected = f"'{source}' needs at least {needed} bytes, more than the limit of 2,147,483,648; ask for less"
    assert refused(lambda: load(source)) == expected


def test_no_source_is_not_the_working_folder():
    assert refused(lambda: load("")) == f"the empty text names no data; {END}"


def test_an_npz_of_other_names_says_which_options_name_them(tmp_path):
    path = tmp_path / "xy.npz"
    np.savez(path, X=np.zeros((4, 3), np.float32), y=np.array([0, 0, 1, 1]))
    message = f"{path} has no array 'images'; it holds X, y; expected 'images' and 'labels': say --image-col X --label-col y"
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        load(path)
    assert load(path, image_col="X", label_col="y").n_classes == 2
