"""What a text names, and which names from a server become which paths."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breadth.errors import FetchError
from breadth.fetch.listing import RECORD, WORKPLACE, safe_paths
from breadth.fetch.places import Drive, Hub, Web, Zenodo, place_of


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("zenodo:8247898", Zenodo("8247898")),
        ("zenodo:10.5281/zenodo.8247898", Zenodo("8247898")),
        ("10.5281/zenodo.8247898", Zenodo("8247898")),
        ("https://doi.org/10.5281/zenodo.8247898", Zenodo("8247898")),
        ("https://zenodo.org/records/8247898", Zenodo("8247898")),
        ("https://zenodo.org/record/8247898/", Zenodo("8247898")),
        ("https://zenodo.org/records/8247898/files/a.zip", Web("https://zenodo.org/records/8247898/files/a.zip")),
        ("hf:brando/maml", Hub("brando/maml")),
        ("hf:brando/maml@v1.0", Hub("brando/maml", revision="v1.0")),
        ("hf:datasets/UDACA/PileSubsets@refs/pr/1", Hub("UDACA/PileSubsets", "datasets", "refs/pr/1")),
        ("hf:spaces/u/n", Hub("u/n", "spaces")),
        ("https://huggingface.co/brando/maml", Hub("brando/maml")),
        ("https://huggingface.co/datasets/u/n/tree/refs%2Fpr%2F1", Hub("u/n", "datasets", "refs/pr/1")),
        ("https://huggingface.co/u/n/resolve/main/a.pt", Web("https://huggingface.co/u/n/resolve/main/a.pt")),
        ("gdrive:1AbC-d_9xyz", Drive("1AbC-d_9xyz")),
        ("https://drive.google.com/drive/folders/1AbC?usp=sharing", Drive("1AbC", "folder")),
        ("https://drive.google.com/drive/u/0/folders/1AbC", Drive("1AbC", "folder")),
        ("https://drive.google.com/file/d/1AbC/view?usp=sharing", Drive("1AbC", "file")),
        ("https://drive.google.com/uc?id=1AbCd&export=download", Drive("1AbCd", "file")),
        ("https://drive.google.com/open?id=1AbCd", Drive("1AbCd")),
        ("https://example.org/a.zip", Web("https://example.org/a.zip")),
    ],
)
def test_a_text_names_a_place(text, place):
    assert place_of(text) == place


EXPECTED = "expected zenodo:RECORD, hf:USER/REPO, gdrive:ID or an https address"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("zenod:8247898", f"unknown place 'zenod:8247898'; {EXPECTED}; did you mean 'zenodo'?"),
        ("8247898", f"'8247898' names no place to fetch from; {EXPECTED}; did you mean 'zenodo:8247898'?"),
        ("brando/maml", f"'brando/maml' names no place to fetch from; {EXPECTED}; did you mean 'hf:brando/maml'?"),
        ("", f"'' names no place to fetch from; {EXPECTED}"),
        ("file:///etc/passwd", f"'file:///etc/passwd': 'file' addresses are not fetched; {EXPECTED}"),
        ("ftp://h/a", f"'ftp://h/a': 'ftp' addresses are not fetched; {EXPECTED}; did you mean 'https'?"),
        ("htps://h/a", f"'htps://h/a': 'htps' addresses are not fetched; {EXPECTED}; did you mean 'https'?"),
        ("https://[1", f"'https://[1' is no address; {EXPECTED}"),
        ("zenodo:abc", "'zenodo:abc' names no Zenodo record; expected its number or DOI, as in zenodo:8247898"),
        (
            "hf:brando",
            "'hf:brando' names no repository; expected hf:USER/REPO, hf:USER/REPO@REVISION or hf:datasets/USER/REPO",
        ),
        (
            "hf:datasets/brando",
            "'hf:datasets/brando' names no repository; expected hf:USER/REPO, hf:USER/REPO@REVISION or hf:datasets/USER/REPO",
        ),
        ("gdrive:a b", "'gdrive:a b' names no file or folder of Google Drive; expected gdrive:ID, or the address of its page"),
        (
            "https://drive.google.com/drive/my-drive",
            "'https://drive.google.com/drive/my-drive' names no file or folder of Google Drive; "
            "expected gdrive:ID, or the address of its page",
        ),
    ],
)
def test_a_text_that_names_nothing_is_refused(text, message):
    with pytest.raises(FetchError) as caught:
        place_of(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("names", "paths"),
    [
        (["a.pt", "b/c.pt"], ["a.pt", "b/c.pt"]),
        (["../../etc/passwd"], ["_/_/etc/passwd"]),
        (["/etc/passwd", "C:\\x"], ["etc/passwd", "C__x"]),
        (["a\x1b[2Jb\n", "nul", "dots. . ."], ["a_[2Jb_", "_nul", "dots"]),
        (["", "/", ".."], ["_", "_~2", "_~3"]),
        (["A.pt", "a.pt", "a.PT"], ["A.pt", "a~2.pt", "a~3.PT"]),
        ([RECORD, f"{WORKPLACE}/x"], ["fetched~2.json", ".fetching~2/x"]),
        (["a", "a/b", "a/c", "x/a", "x/a/b"], ["a", "a~2/b", "a~2/c", "x/a", "x/a~2/b"]),
        (["a/b", "a"], ["a/b", "a~2"]),
        (["é", "e\N{COMBINING ACUTE ACCENT}"], ["é", "é~2"]),
        (["n" * 300 + ".tar"], ["n" * 196 + ".tar"]),
    ],
)
def test_names_from_a_server_become_safe(names, paths):
    assert [str(p) for p in safe_paths(names)] == paths


@given(st.lists(st.text(st.sampled_from("aA./\\:~\x00é~2n"), max_size=8), max_size=8))
def test_whatever_the_names_the_paths_are_distinct_and_inside(names):
    paths = safe_paths(names)
    keys = [str(p).casefold() for p in paths]
    assert len(set(keys)) == len(names)
    parents = {str(q).casefold() for p in paths for q in p.parents if q != PurePosixPath()}
    assert not parents & set(keys)
    for p in paths:
        assert not p.is_absolute()
        assert ".." not in p.parts
        assert str(p).isprintable()
        assert p.parts[0] not in (RECORD, WORKPLACE)
