"""Parquet files: images and labels come through unchanged, columns are never guessed, sizes are checked before reading."""

import json
import sys

import numpy as np
import pytest

from breadth.data.formats import load
from breadth.errors import DataError
from data.samples import IMAGES, LABELS, NAMES, assert_same, png, refused

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

PNGS = [png(image) for image in IMAGES]
NOTE = {"info": {"features": {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": [*NAMES, "owl"]}}}}


def written(path, columns, note=None, **options):
    table = pa.table(columns)
    if note is not None:
        table = table.replace_schema_metadata({"huggingface": json.dumps(note)})
    path.parent.mkdir(exist_ok=True, parents=True)
    pq.write_table(table, path, **options)
    return path


def as_structs(contents):
    return pa.array([{"bytes": c, "path": None} for c in contents], pa.struct([("bytes", pa.binary()), ("path", pa.string())]))


@pytest.mark.parametrize("row_group_size", [1, 5, 100])
def test_images_as_hugging_face_writes_them(tmp_path, row_group_size):
    path = written(tmp_path / "birds.parquet", {"image": as_structs(PNGS), "label": LABELS}, NOTE, row_group_size=row_group_size)
    birds = load(path)
    assert birds.name == "birds"
    assert_same(birds)  # the class "owl" has no item and goes
    assert load(str(path), size=3).inputs.shape == (12, 3, 3, 3)


def test_plain_bytes_numbers_and_texts_as_labels_and_groups(tmp_path):
    path = written(tmp_path / "a.parquet", {"image": PNGS, "label": LABELS, "video": [f"v{i // 4}" for i in range(12)]})
    found = load(path, group_col="video")
    assert_same(found, ("0", "1", "2"))
    assert found.groups == tuple(f"v{i // 4}" for i in range(12))
    assert_same(load(written(tmp_path / "b.parquet", {"image": PNGS, "bird": [NAMES[c] for c in LABELS]})))


def test_folders_globs_and_splits(tmp_path):
    for split in ("train", "test"):
        for k in range(2):
            part = slice(6 * k, 6 * k + 6)
            columns = {"image": PNGS[part], "label": LABELS[part]}
            written(tmp_path / "birds" / "data" / f"{split}-{k:05}-of-00002.parquet", columns)
    train = load(tmp_path / "birds", split="train")
    assert_same(train, ("0", "1", "2"))
    assert train.name == "birds#train"
    assert_same(load(f"{tmp_path}/birds/data/train-*.parquet"), ("0", "1", "2"))
    assert_same(load(f"{tmp_path}/birds/data/test-0000{{0..1}}-of-00002.parquet"), ("0", "1", "2"))
    assert refused(lambda: load(tmp_path / "birds")) == f"{tmp_path / 'birds'} has the splits test, train; choose one with split"
    assert (
        refused(lambda: load(tmp_path / "birds", split="val")) == f"{tmp_path / 'birds'} has no split 'val'; it holds test, train"
    )
    assert refused(lambda: load(f"{tmp_path}/none-*.parquet")) == (
        f"{tmp_path}/none-*.parquet matches no file; check the pattern and the folder"
    )
    (tmp_path / "birds" / "a.png").write_bytes(PNGS[0])
    assert refused(lambda: load(tmp_path / "birds")) == (
        f"{tmp_path / 'birds'} holds parquet files (test-00000-of-00002.parquet) and images (a.png); "
        "expected one kind: move the others"
    )


def test_files_of_different_columns_are_refused(tmp_path):
    written(tmp_path / "a.parquet", {"image": PNGS, "label": LABELS})
    written(tmp_path / "b.parquet", {"image": PNGS, "kind": LABELS})
    assert refused(lambda: load(tmp_path)) == (
        f"{tmp_path / 'b.parquet'} has other columns than {tmp_path / 'a.parquet'}; expected files of one table"
    )


def test_vectors(tmp_path):
    vectors = np.arange(12, dtype=np.float64).reshape(4, 3)
    for kind in (pa.list_(pa.float64()), pa.list_(pa.float64(), 3), pa.large_list(pa.float32())):
        path = written(tmp_path / "v.parquet", {"embedding": pa.array(vectors.tolist(), kind), "label": [0, 1, 0, 1]})
        found = load(path)
        np.testing.assert_array_equal(found.inputs, vectors.astype(np.float32))
        assert found.labels.tolist() == [0, 1, 0, 1]
    path = written(tmp_path / "odd.parquet", {"v": [[1.0, 2.0], [1.0]]})
    assert refused(lambda: load(path)) == f"{path}, row 1 has 1 numbers, {path}, row 0 2; expected vectors of one length"
    path = written(tmp_path / "null.parquet", {"v": [[1.0, 2.0], None]})
    assert refused(lambda: load(path)) == f"{path}, row 1 has no vector of numbers in column 'v'; remove the row"


def test_without_labels_there_is_one_class(tmp_path):
    found = load(written(tmp_path / "a.parquet", {"image": PNGS}))
    assert (found.class_names, found.counts) == (("unlabelled",), (12,))


def test_a_limit_reads_a_fixed_draw(tmp_path):
    path = written(tmp_path / "a.parquet", {"image": PNGS, "label": sorted(LABELS)}, row_group_size=5)
    some, whole = load(path, limit=7), load(path)
    rows = [next(i for i in range(12) if (IMAGES[i] == image).all()) for image in some.inputs]
    assert rows == sorted(set(rows))
    assert len(rows) == 7
    assert some.digest == load(path, limit=7).digest == load(whole, limit=7).digest


DOUBT = {"left": PNGS, "right": PNGS, "fine": LABELS, "coarse": LABELS}
LISTED = "it holds left (image), right (image), fine (integer), coarse (integer)"


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        (DOUBT, {}, f"{{}} has 2 columns of images; choose one with image_col: {LISTED}"),
        (DOUBT, {"image_col": "left"}, f"{{}} has 2 columns that may be the label; choose one with label_col: {LISTED}"),
        (DOUBT, {"image_col": "lef"}, "{}: unknown column 'lef'; expected one of: coarse, fine, left, right; did you mean 'left'?"),
        (DOUBT, {"image_col": "fine"}, f"{{}}: column 'fine' holds neither images nor vectors of numbers; {LISTED}"),
        (
            DOUBT,
            {"image_col": "left", "label_col": "right"},
            f"{{}}: column 'right' holds no labels (whole numbers or text); {LISTED}",
        ),
        ({"text": ["a"], "x": [1.5]}, {}, "{} has no column of images or vectors; it holds text (text), x (other)"),
        ({"image": PNGS[:2], "label": [1, None]}, {}, "{}, row 1 has no label in column 'label'; remove the row"),
        ({"image": [PNGS[0], None], "label": [1, 2]}, {}, "{}, row 1 has no image in column 'image'; remove the row"),
        (
            {"image": PNGS[:2], "label": [1, 2], "g": ["a", None]},
            {"group_col": "g"},
            "{}, row 1 has no group in column 'g'; remove the row",
        ),
        (
            {"image": [PNGS[0], b"GIF89a"], "label": [1, 2]},
            {},
            "{}, row 1 is not a PNG, JPEG, WebP or BMP image; remove or convert it",
        ),
        ({"image": pa.array([], pa.binary()), "label": pa.array([], pa.int64())}, {}, "{} holds no items; expected at least one"),
    ],
)
def test_what_is_in_doubt_or_missing_is_said(tmp_path, columns, options, message):
    path = written(tmp_path / "a.parquet", columns)
    assert refused(lambda: load(path, **options)) == message.format(path)


def test_the_choice_settles_the_doubt(tmp_path):
    path = written(tmp_path / "a.parquet", DOUBT)
    assert_same(load(path, image_col="right", label_col="coarse"), ("0", "1", "2"))


def test_paths_and_unlabelled_marks_are_refused(tmp_path):
    structs = pa.array([{"bytes": None, "path": "/etc/passwd"}], pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    path = written(tmp_path / "a.parquet", {"image": structs, "label": [0]})
    assert refused(lambda: load(path)) == (
        f"{path}, row 0 holds the path of an image, not the image; save the data set with its images inside"
    )
    path = written(tmp_path / "b.parquet", {"image": as_structs(PNGS), "label": [-1] * 12}, NOTE)
    assert refused(lambda: load(path)) == (
        f"{path}, row 0 has the label -1, but {path} names the classes 0 to 3; remove it, or take a split that has labels"
    )


def test_sizes_are_checked_before_reading(tmp_path):
    value = b"x" * 10**6
    path = written(tmp_path / "a.parquet", {"image": [value] * 4, "label": LABELS[:4]}, compression="zstd", use_dictionary=False)
    assert path.stat().st_size < 10_000
    message = refused(lambda: load(path, max_bytes=10**6))
    assert message.startswith(f"{path} announces 4,00")
    assert message.endswith(
        " bytes in one row group, more than the limit of 1,000,000; write it in smaller row groups, or raise max_bytes"
    )
    # One value of a dictionary stands in a hundred rows: what the row group announces is small, what it unfolds to is not.
    path = written(tmp_path / "b.parquet", {"image": [value] * 100, "label": [0] * 100}, dictionary_pagesize_limit=10**7)
    assert refused(lambda: load(path, max_bytes=10**7)) == (
        f"{path} needs more than the limit of 10,000,000 bytes in memory, reached at {path}, row 9; "
        "ask for fewer items with limit, or raise max_bytes"
    )


def test_decoded_images_count_too(tmp_path):
    flat = png(np.zeros((500, 500, 3), np.uint8))
    path = written(tmp_path / "a.parquet", {"image": [flat] * 4, "label": LABELS[:4]})
    needed = 4 * (len(flat) + 200) + 4 * 500 * 500 * 3
    assert refused(lambda: load(path, max_bytes=10**6)) == (
        f"{path} needs {needed:,} bytes in memory, more than the limit of 1,000,000; ask for a smaller size or raise max_bytes"
    )
    assert load(path, max_bytes=10**6, size=50).inputs.shape == (4, 50, 50, 3)


def test_a_file_with_any_byte_changed_loads_or_is_refused(tmp_path):
    path = written(tmp_path / "a.parquet", {"image": PNGS[:3], "label": LABELS[:3]}, NOTE)
    whole, refusals = path.read_bytes(), 0
    for position in range(0, len(whole), 11):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        try:
            load(path, max_bytes=10**6)
        except DataError:  # anything else fails the test
            refusals += 1
    assert refusals > 20
    path.write_text("hello")
    assert refused(lambda: load(path)).startswith(f"{path} is not a readable parquet file (")
    path.write_bytes(b"")
    assert refused(lambda: load(path)).endswith("); write it again")


def test_the_missing_package_is_named(tmp_path, monkeypatch):
    path = written(tmp_path / "a.parquet", {"image": PNGS, "label": LABELS})
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    assert refused(lambda: load(path)) == (
        f'{path} needs the package pyarrow, which is not installed; run: pip install "breadth[hub]"'
    )
