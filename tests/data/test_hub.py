"""Hugging Face data sets: saved, opened from a folder, in memory, and streamed from a stand-in of the Hub on this machine."""

import contextlib
import hashlib
import http.server
import json
import os
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest
from PIL import Image

from breadth.data.formats import load
from breadth.data.hub import HubId, parse_hub
from data.samples import IMAGES, LABELS, NAMES, assert_same, refused
from data.stand_in import COMMIT, Answering

datasets = pytest.importorskip("datasets")
datasets.disable_progress_bars()

FEATURES = datasets.Features(
    {
        "image": datasets.Image(),
        "label": datasets.ClassLabel(names=[*NAMES, "owl"]),
        "video": datasets.Value("string"),
        "number": datasets.Value("int64"),
    }
)


@pytest.fixture(scope="module")
def birds():
    columns = {
        "image": [Image.fromarray(image) for image in IMAGES],
        "label": LABELS,
        "video": [f"v{i // 4}" for i in range(12)],
        "number": range(12),
    }
    return datasets.Dataset.from_dict(columns, features=FEATURES)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Local data must not even look up a name."""
    asked = []

    def refuse(*arguments, **_options):
        asked.append(arguments)
        raise OSError("no network")

    monkeypatch.setattr("socket.getaddrinfo", refuse)
    monkeypatch.setattr("socket.socket.connect", refuse)
    yield asked
    assert asked == []


def test_what_an_id_says():
    assert parse_hub("hf:u/n") == HubId("u/n")
    assert parse_hub("hf:mnist#test") == HubId("mnist", split="test")
    whole = parse_hub("hf:u/n.a-b_c:small@refs/convert/parquet#train")
    assert whole == HubId("u/n.a-b_c", "small", "refs/convert/parquet", "train")
    assert str(whole) == "u/n.a-b_c:small@refs/convert/parquet#train"
    assert parse_hub("hf:u/n", split="test", revision="v1") == HubId("u/n", None, "v1", "test")
    assert parse_hub("hf:u/n@v1#test", split="test", revision="v1") == HubId("u/n", None, "v1", "test")
    assert refused(lambda: parse_hub("hf:u/n#test", split="train")) == (
        "'hf:u/n#test' says the split 'test', and split='train' was given too; say it once"
    )
    assert refused(lambda: parse_hub("hf:u/n@a", revision="b")) == (
        "'hf:u/n@a' says the revision 'a', and revision='b' was given too; say it once"
    )
    for text in ("hf:", "hf:a/b/c", "hf:a b", "hf:https://x/y"):
        assert refused(lambda text=text: parse_hub(text)) == (
            f"'{text}' is no Hugging Face id; expected hf:USER/NAME, with :config, @revision and #split where needed"
        )
    assert refused(lambda: parse_hub("hf:./nowhere")) == "./nowhere does not exist; expected a folder, or an id as in hf:USER/NAME"


def test_saved_data_sets(tmp_path, birds):
    birds.save_to_disk(str(tmp_path / "birds"))
    for source in (tmp_path / "birds", f"{tmp_path}/birds", f"hf:{tmp_path}/birds"):
        found = load(source)
        assert found.name == "birds"
        assert_same(found)
    assert load(tmp_path / "birds", group_col="video").groups == tuple(f"v{i // 4}" for i in range(12))
    assert load(tmp_path / "birds", label_col="number").n_classes == 12
    some = load(tmp_path / "birds", limit=5)
    assert some.digest == load(load(tmp_path / "birds"), limit=5).digest
    assert refused(lambda: load(tmp_path / "birds", split="test")) == (
        f"{tmp_path / 'birds'} holds one data set without splits; leave the split 'test' out"
    )
    assert refused(lambda: load(tmp_path / "birds", image_col="picture")) == (
        "'birds': unknown column 'picture'; expected one of: image, label, number, video"
    )
    assert refused(lambda: load(tmp_path / "birds", max_bytes=1000)).startswith(
        "'birds' needs more than the limit of 1,000 bytes in memory, reached at 'birds', row "
    )


def test_saved_splits(tmp_path, birds):
    datasets.DatasetDict({"train": birds, "test": birds.select(range(6))}).save_to_disk(str(tmp_path / "both"))
    train = load(tmp_path / "both", split="train")
    assert train.name == "both#train"
    assert_same(train)
    assert load(f"hf:{tmp_path}/both#test").n_items == 6
    assert refused(lambda: load(tmp_path / "both")) == f"{tmp_path / 'both'} has the splits test, train; choose one with split"
    assert refused(lambda: load(tmp_path / "both", split="val")) == f"{tmp_path / 'both'} has no split 'val'; it holds test, train"


def test_a_damaged_saved_data_set(tmp_path, birds):
    birds.save_to_disk(str(tmp_path / "birds"))
    arrow = next((tmp_path / "birds").glob("*.arrow"))
    arrow.write_bytes(arrow.read_bytes()[:500])
    message = refused(lambda: load(tmp_path / "birds"))
    assert message.startswith(f"{tmp_path / 'birds'} cannot be read (")
    assert message.endswith("); save the data set again")
    (tmp_path / "birds" / "state.json").write_text("{")
    assert refused(lambda: load(tmp_path / "birds")).startswith(f"{tmp_path / 'birds'} cannot be read (JSONDecodeError: ")


def test_objects_in_memory(birds):
    assert_same(load(birds))
    assert_same(load(birds.to_iterable_dataset()))
    assert load(birds.to_iterable_dataset(), limit=4).labels.tolist() == LABELS[:4]
    vectors = datasets.Dataset.from_dict({"v": [[1.0, 2.0], [3.0, 4.0]], "label": [0, 1]})
    assert load(vectors).inputs.tolist() == [[1, 2], [3, 4]]
    assert load(birds.select_columns(["image"])).class_names == ("unlabelled",)
    two = birds.add_column("other", LABELS, feature=FEATURES["label"])
    assert refused(lambda: load(two)) == (
        "'Dataset' has 2 columns that may be the label; choose one with label_col: "
        "it holds image (image), label (class), video (text), number (integer), other (class)"
    )


def test_a_folder_that_the_library_opens(tmp_path, birds):
    (tmp_path / "birds").mkdir()
    birds.to_parquet(str(tmp_path / "birds" / "train-00000-of-00001.parquet"))
    found = load(f"hf:{tmp_path}/birds")
    assert found.name == "birds#train"
    assert_same(found)
    assert load(tmp_path / "birds").digest == found.digest  # our own reader of parquet agrees
    assert load(f"hf:{tmp_path}/birds#train", limit=4).labels.tolist() == LABELS[:4]
    assert refused(lambda: load(f"hf:{tmp_path}/birds#test")) == f"hf:{tmp_path}/birds has no split 'test'; it holds train"
    for i in range(12):
        folder = tmp_path / "pictures" / NAMES[LABELS[i]]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(IMAGES[i]).save(folder / f"{i}.png")
    pictures = load(f"hf:{tmp_path}/pictures", label_col="label")
    assert (pictures.class_names, sorted(pictures.counts)) == (NAMES, [4, 4, 4])


def test_json_lines_whose_columns_only_the_first_row_tells(tmp_path):
    (tmp_path / "v").mkdir()
    lines = [{"embedding": [i, 1.5], "label": NAMES[LABELS[i]]} for i in range(12)]
    (tmp_path / "v" / "train.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found = load(f"hf:{tmp_path}/v")
    assert found.inputs.tolist() == [[i, 1.5] for i in range(12)]
    assert (found.labels.tolist(), found.class_names) == (LABELS, NAMES)


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("../secret.parquet", "{root}/birds/../secret.parquet"),
        ("{root}/secret.parquet", "{root}/secret.parquet"),
        ("https://example.org/secret.parquet", "https://example.org/secret.parquet"),
    ],
)
@pytest.mark.parametrize("card", ["README.md", ".huggingface.yaml"])
def test_a_card_cannot_lead_out_of_the_folder(tmp_path, birds, path, named, card):
    (tmp_path / "birds").mkdir()
    birds.to_parquet(str(tmp_path / "secret.parquet"))
    note = f"configs:\n- config_name: default\n  data_files:\n  - split: train\n    path: {path.format(root=tmp_path)}\n"
    (tmp_path / "birds" / card).write_text(f"---\n{note}---\n" if card == "README.md" else note)
    assert refused(lambda: load(f"hf:{tmp_path}/birds")) == (
        f"hf:{tmp_path}/birds names the file {named.format(root=tmp_path)}, which lies outside it; "
        "expected files inside the data set only"
    )


def test_a_damaged_card(tmp_path):
    (tmp_path / "birds").mkdir()
    (tmp_path / "birds" / "README.md").write_text("---\na: [\n---\n")
    message = refused(lambda: load(f"hf:{tmp_path}/birds"))
    assert message.startswith(f"hf:{tmp_path}/birds cannot be read (")
    assert message.endswith("); repair its README.md or .huggingface.yaml")


def test_the_check_of_the_network_can_fail(no_network):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", 9))
    assert no_network
    no_network.clear()


def test_images_held_as_paths(tmp_path):
    Image.fromarray(IMAGES[0]).save(tmp_path / "a.png")
    held = datasets.Dataset.from_dict({"image": [str(tmp_path / "a.png")], "label": [0]}).cast_column("image", datasets.Image())
    np.testing.assert_array_equal(load(held).inputs[0], IMAGES[0])
    (tmp_path / "a.png").unlink()
    assert refused(lambda: load(held)) == (
        f"'Dataset', row 0 names the image file {tmp_path / 'a.png'}, which does not exist; save the data set with its images inside"
    )
    away = datasets.Dataset.from_dict({"image": ["https://example.org/a.png"], "label": [0]}).cast_column("image", datasets.Image())
    assert refused(lambda: load(away)) == (
        "'Dataset', row 0 names the image https://example.org/a.png, which lies outside the data set; expected images inside it"
    )


def test_a_script_is_never_run(tmp_path):
    (tmp_path / "birds").mkdir()
    (tmp_path / "birds" / "birds.py").write_text(f"open({str(tmp_path / 'was-run')!r}, 'w')")
    assert refused(lambda: load(f"hf:{tmp_path}/birds")).startswith(f"hf:{tmp_path}/birds cannot be read (")
    assert not (tmp_path / "was-run").exists()


def test_the_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert refused(lambda: load("hf:u/n")) == (
        'hf:u/n needs the package datasets, which is not installed; run: pip install "breadth[hub]"'
    )


def test_offline_says_what_is_missing_and_restores_the_switches(tmp_path, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))
    before = (datasets.config.HF_HUB_OFFLINE, hub.constants.HF_HUB_OFFLINE, datasets.config.HF_UPDATE_DOWNLOAD_COUNTS)
    assert refused(lambda: load("hf:u/n@v1", offline=True)) == (
        "hf:u/n at v1 is not in the local cache, and the network is not to be used (offline); "
        "run once with a connection: hf download u/n --repo-type dataset --revision v1"
    )
    assert before == (datasets.config.HF_HUB_OFFLINE, hub.constants.HF_HUB_OFFLINE, datasets.config.HF_UPDATE_DOWNLOAD_COUNTS)


class StandIn(Answering):
    """As much of the Hub as one data set needs. server.files: path -> bytes; server.asked: every path that was asked for."""

    def do_GET(self):
        path, files = self.path.split("?")[0], self.server.files
        self.server.asked.append(path)
        tree = [{"type": "file", "path": k, "size": len(v), "oid": hashlib.sha1(v).hexdigest()} for k, v in files.items()]
        if path.startswith("/api/datasets/u/birds/tree/"):
            self.answer(200, tree if path.count("/") == 6 else [])
        elif path.startswith("/api/datasets/u/birds"):
            siblings = [{"rfilename": name} for name in files]
            self.answer(200, {"id": "u/birds", "sha": COMMIT, "private": False, "tags": [], "siblings": siblings})
        elif path.startswith("/datasets/u/birds/resolve/") and (name := path.split("/", 6)[6]) in files:
            content = files[name]
            headers = {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X_Repo_Commit": COMMIT, "Accept_Ranges": "bytes"}
            if self.command == "GET" and (wanted := self.headers.get("Range")):
                first, last = (int(part) for part in wanted.removeprefix("bytes=").split("-"))
                headers["Content_Range"] = f"bytes {first}-{last}/{len(content)}"
                self.answer(206, content[first : last + 1], **headers)
            else:
                self.answer(200, content, **headers)
        elif path.startswith("/datasets/u/birds/"):
            self.answer(404, {"error": "Entry not found"}, X_Error_Code="EntryNotFound")
        else:
            self.answer(404, {"error": "Repository not found"}, X_Error_Code="RepoNotFound")

    do_HEAD = do_GET


@pytest.fixture
def stand_in(tmp_path, birds):
    birds.to_parquet(str(tmp_path / "train.parquet"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn) as server:
        server.files, server.asked = {"train.parquet": (tmp_path / "train.parquet").read_bytes()}, []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


TELL = """
import os
import urllib.request
import huggingface_hub
from breadth.data.formats import load
from breadth.errors import DataError

def tell(source, **options):
    try:
        s = load(source, **options)
        print(s.name, s.n_items, s.digest)
    except DataError as error:
        print(error)

tell("hf:u/birds")
tell("hf:u/birds@main#train", limit=4)
tell("hf:u/birds#test")
tell("hf:u/wrens")
tell("hf:u/birds", offline=True)
huggingface_hub.snapshot_download("u/birds", repo_type="dataset")
urllib.request.urlopen(os.environ["HF_ENDPOINT"] + "/api/datasets/u/birds/from-here-offline")
tell("hf:u/birds", offline=True)
tell("hf:u/birds@no-such", offline=True)
"""


def test_the_hub_is_streamed_by_id_then_read_offline_from_the_cache(stand_in, tmp_path, birds):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HF_") and "proxy" not in k.lower()}
    settings = {
        "HF_ENDPOINT": f"http://127.0.0.1:{stand_in.server_port}",
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", TELL], check=False, capture_output=True, text=True, env={**kept, **settings}, timeout=120
    )
    assert done.returncode == 0, done.stderr
    whole = load(birds)
    missing = (
        "is not in the local cache, and the network is not to be used (offline); run once with a connection: hf download u/birds"
    )
    streamed = f"u/birds#train 12 {whole.digest}"
    assert done.stdout.splitlines() == [
        streamed,
        f"u/birds@main#train 4 {whole.select(range(4)).digest}",
        "hf:u/birds has no split 'test'; it holds train",
        "hf:u/wrens cannot be read (DatasetNotFoundError: Dataset 'u/wrens' doesn't exist on the Hub or cannot be accessed); "
        "check the id, the configuration and the connection",
        f"hf:u/birds {missing} --repo-type dataset",
        streamed,
        f"hf:u/birds at no-such {missing} --repo-type dataset --revision no-such",
    ]
    assert stand_in.asked[-1] == "/api/datasets/u/birds/from-here-offline"
