"""Corpora: every format gives the same documents, text is read lazily and strictly, and what is no text gets one clear line."""

import gzip
import json

import pytest

from breadth.data.text import documents
from breadth.data.text.corpus import corpus_of, read_corpus
from breadth.errors import DataError

DOCUMENTS = ["The first document, with ümlauts.", "A second one,\nof two lines.", "Third."]


def written(path, text):
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def as_csv(texts, between=","):
    quoted = ['"' + t.replace('"', '""') + '"' for t in texts]
    return f"id{between}text\n" + "".join(f"{i}{between}{q}\n" for i, q in enumerate(quoted))


def as_jsonl(texts):
    return "".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in enumerate(texts))


def as_parquet(path, texts):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"id": list(range(len(texts))), "text": texts}), path)
    return path


@pytest.mark.parametrize("kind", ["txt", "txt.gz", "jsonl", "jsonl.gz", "csv", "tsv", "parquet"])
def test_every_format_gives_the_same_documents(tmp_path, kind):
    path = tmp_path / f"c.{kind}"
    text = {"txt": "\n\n".join(DOCUMENTS), "jsonl": as_jsonl(DOCUMENTS), "csv": as_csv(DOCUMENTS), "tsv": as_csv(DOCUMENTS, "\t")}
    if kind == "parquet":
        as_parquet(path, DOCUMENTS)
    elif kind.endswith(".gz"):
        written(path, gzip.compress(text[kind.removesuffix(".gz")].encode()))
    else:
        written(path, text[kind])
    corpus = read_corpus(path)
    assert list(corpus.documents()) == DOCUMENTS
    assert list(corpus.documents()) == DOCUMENTS  # and again
    assert corpus.name == "c"
    assert list(read_corpus(path, limit=2).documents()) == DOCUMENTS[:2]


def test_auto_takes_lines_where_no_blank_line_parts_documents(tmp_path):
    assert list(read_corpus(written(tmp_path / "a.txt", "one\ntwo\r\nthree\n")).documents()) == ["one", "two", "three"]
    assert list(read_corpus(written(tmp_path / "b.txt", "one\ntwo\n\n\nthree\n")).documents()) == ["one\ntwo", "three"]
    assert list(read_corpus(tmp_path / "b.txt", by="line").documents()) == ["one", "two", "three"]
    assert list(read_corpus(tmp_path / "a.txt", by="document").documents()) == ["one\ntwo\nthree"]


def test_a_folder_gives_each_plain_file_as_one_document(tmp_path):
    (tmp_path / "deep").mkdir()
    written(tmp_path / "b.md", "b\n\nstill b")
    written(tmp_path / "deep" / "a.txt", "a")
    written(tmp_path / ".hidden.txt", "no")
    written(tmp_path / "picture.png", b"\x89PNG")
    assert list(read_corpus(tmp_path).documents()) == ["b\n\nstill b", "a"]
    assert list(read_corpus(str(tmp_path / "*.md")).documents()) == ["b", "still b"]


def test_a_hugging_face_data_set_is_streamed_from_its_folder(tmp_path):
    datasets = pytest.importorskip("datasets")
    written(tmp_path / "train.jsonl", as_jsonl(DOCUMENTS))
    assert list(read_corpus(f"hf:{tmp_path}#train").documents()) == DOCUMENTS
    datasets.Dataset.from_dict({"content": DOCUMENTS, "other": [1, 2, 3]}).save_to_disk(str(tmp_path / "saved"))
    assert list(read_corpus(tmp_path / "saved").documents()) == DOCUMENTS


def test_the_digest_follows_the_bytes_and_the_cutting(tmp_path):
    path = written(tmp_path / "a.txt", "one\ntwo\n")
    first = read_corpus(path).digest
    assert read_corpus(path).digest == first
    assert read_corpus(path, by="line").digest != first
    assert read_corpus(written(path, "one\ntvo\n")).digest != first
    assert corpus_of(["ab", "c"], "x").digest != corpus_of(["a", "bc"], "x").digest


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"", "{p} holds no text; expected at least one document"),
        ("a.txt", b" \n\n \n", "{p} holds no text; expected at least one document"),
        (
            "a.txt",
            b"fine\nb\x00d",
            "{p}, line 2 holds a zero byte, so this is no UTF-8 text; give text, .jsonl, .csv or .parquet",
        ),
        (
            "a.txt",
            "süß".encode("latin1"),
            "{p}, line 1 is not UTF-8 (byte 0xfc at place 2); convert it, as in: iconv -f latin1 -t utf-8",
        ),
        ("a.jsonl", b'{"text": "a"}\n{"text": 3}\n', "{p}, line 2: column 'text' holds int; expected text"),
        ("a.jsonl", b"[1]\n", "{p}, line 1 holds list; expected one JSON object a line"),
        (
            "a.jsonl",
            b'{"text": "a"}\n\n{"id": 3}\n{"text": "b"}\n',
            "{p}, line 3 has no 'text', which other rows have; expected it in each, null where there is no text: mend the row",
        ),
        (
            "a.jsonl",
            b'{"id": null}\n{"id": null}\n{"id": 1, "body": "a"}\n',
            "{p}, line 1 has no 'body', which other rows have; expected it in each, null where there is no text: mend the row",
        ),
        ("a.jsonl", b'{"id": 3}\n', "{p}, line 1: the column of the text is not clear; name it with --text-col. Its columns: id"),
        ("a.jsonl", b'{"text": null}\n{"text": null}\n', "{p} holds no text; expected at least one document"),
        (
            "a.csv",
            b"text,y,text\nfoo bar,1,baz\n",
            "{p} has 2 columns named 'text'; expected one: rename or remove the others",
        ),
        ("a.csv", b"x,y\n1,2\n", "{p}: the column of the text is not clear; name it with --text-col. Its columns: x, y"),
        ("a.csv", b"text,y\n1\n", "{p}, line 2 has 1 fields; expected 2, as in its first line"),
    ],
)
def test_what_is_no_text_gets_one_line(tmp_path, name, content, message):
    path = written(tmp_path / name, content)
    with pytest.raises(DataError) as error:
        list(read_corpus(path).documents())
    assert str(error.value) == message.format(p=path)


def test_an_endless_line_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "LONGEST", 2 * 1024**2)
    path = written(tmp_path / "a.txt.gz", gzip.compress(b"x" * (3 * 1024**2)))
    with pytest.raises(DataError) as error:
        read_corpus(path)
    assert str(error.value) == (
        f"{path}, line 1 is longer than 2 MiB; expected documents as lines or blocks between blank lines: break it up"
    )


@pytest.mark.parametrize(
    "rows",
    [
        '{"text": null, "note": "a"}\n{"text": "yes", "note": "b"}\n{"text": null}\n',
        '{"body": null, "id": 1}\n{"body": null, "id": 1}\n{"body": "yes", "id": 2}\n',
        '{"content": null, "note": null}\n{"content": "yes", "note": "no"}\n',
    ],
)
def test_rows_without_text_are_left_out_and_choose_no_column(tmp_path, rows):
    assert list(read_corpus(written(tmp_path / "a.jsonl", rows), limit=1).documents()) == ["yes"]
    datasets = pytest.importorskip("datasets")
    table = [json.loads(line) for line in rows.splitlines()]
    datasets.Dataset.from_list(table).save_to_disk(str(tmp_path / "saved"))
    assert list(read_corpus(tmp_path / "saved").documents()) == ["yes"]


def test_a_named_column_may_be_empty_in_the_first_row(tmp_path):
    path = written(tmp_path / "a.jsonl", '{"text": "no", "body": null}\n{"text": "no", "body": "yes"}\n')
    assert list(read_corpus(path, text_col="body").documents()) == ["yes"]


def test_a_column_whose_values_are_written_once_is_text(tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    texts = pa.array(["one", None, "two", "one"]).dictionary_encode()
    numbers = pa.array([1, 2, 1, 2]).dictionary_encode()
    pq.write_table(pa.table({"text": texts, "kind": numbers}), path)
    assert list(read_corpus(path).documents()) == ["one", "two", "one"]
    with pytest.raises(DataError) as error:
        read_corpus(path, text_col="kind")
    assert str(error.value) == f"{path}: column 'kind' holds no text; columns of text: text"
    pq.write_table(pa.Table.from_arrays([texts, texts], names=["text", "text"]), path)
    with pytest.raises(DataError) as error:
        read_corpus(path)
    assert str(error.value) == f"{path} has 2 columns named 'text'; expected one: rename or remove the others"


def test_damaged_files_and_wrong_columns_are_named(tmp_path):
    packed = gzip.compress("\n".join(DOCUMENTS * 1000).encode())
    path = written(tmp_path / "a.txt.gz", packed[: len(packed) // 2])
    with pytest.raises(DataError, match=r"a\.txt\.gz is damaged gzip \(.*\); get the file again"):
        list(read_corpus(path).documents())
    table = as_parquet(tmp_path / "t.parquet", DOCUMENTS)
    with pytest.raises(DataError) as error:
        read_corpus(table, text_col="body")
    assert str(error.value) == f"{table} has no column 'body'; its columns: id, text"
    with pytest.raises(DataError) as error:
        read_corpus(table, text_col="id")
    assert str(error.value) == f"{table}: column 'id' holds no text; columns of text: text"
    with pytest.raises(DataError, match=r"t\.parquet cannot be read"):
        read_corpus(written(table, table.read_bytes()[:-20]))


def test_places_that_are_no_corpus_are_refused(tmp_path):
    for place, message in (
        (tmp_path / "none.txt", "{p} does not exist; expected a text file, a folder of them, or hf:USER/NAME"),
        (tmp_path, "{p} holds no text; expected files ending in .txt, .text, .md, .rst, .tex, .py, .log, .jsonl, .csv, .tsv, .parquet, "
                   "or these with .gz"),
    ):  # fmt: skip
        with pytest.raises(DataError) as error:
            read_corpus(place)
        assert str(error.value) == message.format(p=place)
    path = written(tmp_path / "a.txt", "a")
    with pytest.raises(DataError) as error:
        read_corpus(path, split="train")
    assert str(error.value) == f"split='train' does not apply to {path}; leave it out"
    with pytest.raises(DataError) as error:
        read_corpus(path, limit=0)
    assert str(error.value) == "limit=0 was asked for; expected at least 1 document"
