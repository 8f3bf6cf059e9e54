"""Tokenisers by their names on the Hub: which files are fetched, and that they are found again without a connection."""

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading

import pytest

from data.stand_in import COMMIT, Answering

tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is not installed: pip install 'breadth[text]'")
pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed: pip install 'breadth[hub]'")


class StandIn(Answering):
    """As much of the Hub as models' files need. server.models: name -> path -> bytes; server.asked: files whose content was sent."""

    def do_GET(self):
        path = self.path.split("?")[0]
        name = next((name for name in self.server.models if f"/{name}" in path), None)
        if name is None:
            self.answer(404, {"error": "Repository not found"}, X_Error_Code="RepoNotFound")
            return
        files = self.server.models[name]
        if f"/{name}/tree/" in path:
            oids = {k: hashlib.sha1(v).hexdigest() for k, v in files.items()}
            self.answer(200, [{"type": "file", "path": k, "size": len(v), "oid": oids[k]} for k, v in files.items()])
        elif path.startswith("/api/models/"):
            self.answer(
                200, {"id": name, "sha": COMMIT, "private": False, "tags": [], "siblings": [{"rfilename": k} for k in files]}
            )
        else:
            file = path.rsplit("/", 1)[1]
            if self.command == "GET":
                self.server.asked.append(f"{name}/{file}")
            content = files[file]
            self.answer(200, content, ETag=f'"{hashlib.sha1(content).hexdigest()}"', X_Repo_Commit=COMMIT)

    do_HEAD = do_GET


@pytest.fixture
def stand_in(tmp_path):
    made = tokenizers.ByteLevelBPETokenizer()
    made.train_from_iterator(["a fox on a fog"], vocab_size=270, special_tokens=["</s>", "<|im_end|>"], show_progress=False)
    made.save(str(tmp_path / "tokenizer.json"))
    made.save_model(str(tmp_path))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|im_end|>"}))
    (tmp_path / "own.py").write_text("raise SystemExit('own code was run')")
    (tmp_path / "model.safetensors").write_bytes(b"large")
    held = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()}
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn) as server:
        server.models = {"u/whole": held, "u/parts": {k: v for k, v in held.items() if k != "tokenizer.json"}}
        server.asked = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


TELL = """
from breadth.data.text.tokens import tokeniser
from breadth.errors import DataError

def tell(name, **options):
    try:
        found = tokeniser(name, **options)
        print(found.name, found.vocabulary, found.end, found.encode("a fox").tolist(), found.fingerprint)
    except DataError as error:
        print(error)

for offline in (False, True):
    tell("u/whole", offline=offline)
    tell("u/parts", offline=offline)
tell("u/none")
"""


def test_files_of_a_tokeniser_are_fetched_once_and_nothing_else(stand_in, tmp_path):
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
    *found, none = done.stdout.splitlines()
    assert found[:2] == found[2:], done.stderr
    ids = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json")).encode("a fox").ids
    for line, name in zip(found, ("u/whole", "u/parts"), strict=False):
        assert line.startswith(f"{name} 260 1 {ids} "), line
    assert none.startswith("tokeniser 'u/none' cannot be read (RepositoryNotFoundError: ")
    assert sorted(stand_in.asked) == [
        "u/parts/merges.txt",
        "u/parts/tokenizer_config.json",
        "u/parts/vocab.json",
        "u/whole/tokenizer.json",
        "u/whole/tokenizer_config.json",
    ]
