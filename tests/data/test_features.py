"""Arrays without a container: .npy, features in .npz, CSV; announced sizes, damage and doubt."""

import io

import numpy as np
import pytest

from breadth.data.episode import episodes
from breadth.data.formats import load
from breadth.data.union import single
from data.samples import IMAGES, LABELS, NAMES, refused

VECTORS = np.random.default_rng(1).normal(size=(12, 3)).astype(np.float32)


def test_npy_vectors_and_images(tmp_path):
    np.save(tmp_path / "v.npy", VECTORS.astype(np.float64))
    found = load(tmp_path / "v.npy")
    assert (found.name, found.class_names) == ("v", ("unlabelled",))
    np.testing.assert_array_equal(found.inputs, VECTORS)
    assert load(tmp_path / "v.npy", limit=4).n_items == 4
    np.save(tmp_path / "i.npy", IMAGES)
    np.testing.assert_array_equal(load(tmp_path / "i.npy").inputs, IMAGES)


def test_only_tasks_need_labels(tmp_path):
    np.save(tmp_path / "v.npy", VECTORS)
    source = single(load(tmp_path / "v.npy"))
    assert refused(lambda: source.draw(0, 2, 1, 0)) == "'v' has 1 classes; 2-way tasks need at least 2"
    assert refused(lambda: episodes(source, ways=2, shots=1, queries=1, seed=0, count=1)[0]) == (
        "'v' has 1 classes; 2-way tasks need at least 2"
    )


def test_npy_that_is_not_to_be_trusted(tmp_path):
    path = tmp_path / "v.npy"
    np.save(path, np.array([{}], dtype=object))
    assert refused(lambda: load(path)) == f"{path} holds pickled objects, which could run code; save plain arrays"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (10**6, 10**6)})
    path.write_bytes(header.getvalue())
    assert refused(lambda: load(path)) == (
        f"{path} announces 4,000,000,000,000 bytes, more than the limit of 2,147,483,648; raise max_bytes if it is trusted"
    )
    np.save(path, VECTORS)
    path.write_bytes(path.read_bytes()[:-8])
    assert refused(lambda: load(path)).startswith(f"{path} is damaged (")
    np.save(path, np.float32(3))
    assert refused(lambda: load(path)) == (
        "'v' has inputs of shape []; expected images [n, height, width, channels] or [n, height, width], "
        "or vectors [n, features], with nothing empty"
    )
    path.write_text("hello")
    assert refused(lambda: load(path)).startswith(f"{path} is damaged (")
    assert refused(lambda: load(path, label_col="y")) == f"label_col='y' does not apply to the array {path}; leave it out"


def test_npz_features_with_and_without_labels_and_other_names(tmp_path):
    path = tmp_path / "f.npz"
    np.savez(path, features=VECTORS, labels=LABELS, class_names=NAMES)
    found = load(path)
    np.testing.assert_array_equal(found.inputs, VECTORS)
    assert (found.labels.tolist(), found.class_names) == (LABELS, NAMES)
    np.savez(path, features=VECTORS)
    assert load(path).class_names == ("unlabelled",)
    np.savez(path, features=VECTORS, y=LABELS, clip=np.repeat(["a#0", "a#1", "b", "b"], 3))
    assert refused(lambda: load(path)) == (
        f"{path} has no array 'labels'; it holds clip, features, y; expected 'features' and 'labels'"
    )
    found = load(path, label_col="y", group_col="clip", limit=11)
    assert found.n_items == 11
    assert set(found.groups) == {"a", "b"}
    np.savez(path, X=IMAGES, y=LABELS)
    np.testing.assert_array_equal(load(path, image_col="X", label_col="y").inputs, IMAGES)


def table(path, rows, mark=","):
    path.write_text("\n".join(mark.join(map(str, row)) for row in rows) + "\n")
    return path


def test_csv_and_tsv(tmp_path):
    rows = [[*v.tolist(), NAMES[c]] for v, c in zip(VECTORS, LABELS, strict=True)]
    for ending, mark in (("csv", ","), ("tsv", "\t")):
        found = load(table(tmp_path / f"f.{ending}", [["a", "b", "c", "bird"], *rows], mark))
        np.testing.assert_array_equal(found.inputs, VECTORS)
        assert (found.labels.tolist(), found.class_names, found.name) == (LABELS, NAMES, "f")
    numbered = table(tmp_path / "n.csv", [["label", "video", "x"], [10, "v", 1], [9, "w", 2], [10, "v", 3]])
    found = load(numbered, group_col="video")
    assert (found.class_names, found.labels.tolist(), found.inputs.tolist()) == (("9", "10"), [1, 0, 1], [[1], [2], [3]])
    assert (found.groups, load(numbered, group_col="video", limit=2).n_items) == (("v", "w", "v"), 2)
    assert load(table(tmp_path / "u.csv", [["x", "z"], [1, 2], [3, 4]])).class_names == ("unlabelled",)
    assert load(table(tmp_path / "c.csv", [["x", "z"], [1, 2], [3, 4]]), label_col="z").class_names == ("2", "4")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "{} is empty; expected a line of column names and lines of numbers"),
        ("a,a\n1,2\n", {}, "{} has two columns named 'a'; expected one different name per column"),
        ("1,2\n3,4\n", {}, "{} begins with numbers; expected a line of column names first"),
        ("a,b\n", {}, "{} has a line of column names and nothing below; expected lines of numbers"),
        ("a,b\n1,2\n3\n", {}, "{}, line 3 has 1 fields; expected 2, as in the first line"),
        (
            "a,label\n" + "1,x\n" * 100 + "?,y\n",
            {},
            "{}, line 102 has '?' in column 'a'; expected a finite number: a CSV holds numbers only, for images use a folder, Parquet or a "
            "Hugging Face data set",
        ),
        ("a,label\n" + "1,x\n" * 100 + "nan,y\n", {}, "{}, line 102 has 'nan' in column 'a'; expected a finite number"),
        (
            "a,s,t\n1,x,y\n",
            {},
            "{} has 2 columns that may be the label; choose one with label_col: "
            "it holds a (number), s (text), t (text), all others (vector)",
        ),
        ("a,s\n1,x\n", {"label_col": "b"}, "{}: unknown column 'b'; expected one of: a, all others, s"),
        (
            "a,s\n1,x\n",
            {"image_col": "a"},
            "{} holds one number a column; image_col does not apply: every column but label and group is a feature",
        ),
        ("label\nx\n", {}, "{} has no column of numbers beside the label; expected at least one"),
        ('a,b\n1,"2\n', {}, "{} is not a readable CSV file (unexpected end of data); write it again as UTF-8"),
        (
            "a,b\n" + "1,2\n" * 100,
            {"max_bytes": 1000},
            "{} needs more than the limit of 1,000 bytes in memory, reached at line 6; raise max_bytes",
        ),
    ],
)
def test_what_csv_refuses(tmp_path, text, options, message):
    path = tmp_path / "f.csv"
    path.write_text(text)
    assert refused(lambda: load(path, **options)) == message.format(path)


def test_csv_that_is_no_text(tmp_path):
    path = tmp_path / "f.csv"
    path.write_bytes(b"a,b\n\xff\xfe\n")
    assert refused(lambda: load(path)).startswith(f"{path} is not a readable CSV file ('utf-8' codec can't decode")
    path.write_text("a,b\n" + "x" * 200_000 + ",1\n")
    assert refused(lambda: load(path)) == (
        f"{path} is not a readable CSV file (field larger than field limit (131072)); write it again as UTF-8"
    )
