"""Checkpoints of the published code, written by that code: their features here are those of its own forward pass."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from breadth.errors import CheckpointError
from breadth.learn.foreign.describe import alike, describe
from breadth.learn.foreign.rebuild import body_from, classifier_from, read_foreign
from breadth.nets.build import Architecture
from oracle import peer, published

pytestmark = pytest.mark.skipif(not peer.installed(), reason=peer.MISSING)
WRITER = Path(__file__).parents[1] / "oracle" / "uutils_writer.py"
FILES = {
    "5cnn-pt": "ckpt.pt",
    "5cnn-maml": "ckpt.pt",
    "5cnn-maml-old": "ckpt_file.pt",
    "resnet12-pt": "ckpt.pt",
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uutils")
    done = subprocess.run(
        [sys.executable, str(WRITER), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("kind", FILES)
def test_plain_torch_refuses_to_load_them_without_running_code(written, kind):
    with pytest.raises(Exception, match="Weights only load failed"):
        torch.load(written / kind / FILES[kind], weights_only=True)


@pytest.mark.parametrize("kind", FILES)
def test_features_are_those_of_the_published_code(written, kind):
    found = read_foreign(written / kind / FILES[kind])
    expected = torch.load(written / kind / "features.expected", weights_only=True)
    with torch.no_grad():
        torch.testing.assert_close(body_from(found)(expected["x"]), expected["features"], rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(classifier_from(found)(expected["x"]), expected["logits"], rtol=1e-5, atol=1e-6)


def test_the_forward_pass_written_from_the_description_agrees(written):
    for kind, forward in (("5cnn-pt", published.features_5cnn), ("resnet12-pt", published.features_resnet12)):
        expected = torch.load(written / kind / "features.expected", weights_only=True)
        ours = forward(read_foreign(written / kind / "ckpt.pt").state, expected["x"])
        torch.testing.assert_close(ours, expected["features"], rtol=1e-4, atol=1e-5)


def test_what_the_files_say(written):
    found = {kind: read_foreign(written / kind / name) for kind, name in FILES.items()}
    assert [(f.layout, f.mode, f.iteration, f.epoch, f.head_width) for f in found.values()] == [
        ("uutils", "PT", 1234, None, 64),
        ("uutils", "MAML", 1234, None, 5),
        ("uutils-old", "MAML", 1234, None, 5),
        ("uutils", "PT", 1234, None, 64),
    ]
    assert [f.architecture for f in found.values()] == [
        Architecture("conv", 8, 3, 84),
        Architecture("conv", 32, 3, 84),
        Architecture("conv", 32, 3, 84),
        Architecture("resnet12", 32, 3, 84),
    ]
    assert [f.prefix for f in found.values()] == ["model.", "model.", "model.model.", ""]
    maml = "uutils.torch_uu.meta_learners.maml_meta_learner.MAMLMetaLearner"
    assert found["5cnn-maml"].mode_evidence == f"agent_type is {maml}"
    assert found["5cnn-maml-old"].mode_evidence == f"meta_learner is {maml}"
    assert found["5cnn-pt"].mode_evidence == "the keys of the supervised writer (the meta-learning writer adds agent_type)"
    assert found["resnet12-pt"].hps == {"avg_pool": True, "drop_rate": 0.1, "dropblock_size": 2, "num_classes": 64}
    for f in found.values():
        assert (f.options["data_option"], f.options["data_path"]) == ("hdb4_micod", "/data/l2l_data")
        assert f.options["criterion"] == "<torch.nn.modules.loss.CrossEntropyLoss>" or "CrossEntropyLoss" in f.options["criterion"]
    assert found["5cnn-maml"].options["fo"] is False
    described = [describe(f) for f in found.values()]
    assert [d.facts["parameters"] for d in described] == [2040, 28896, 28896, 12_424_320]
    pair = [str(written / k / FILES[k]) for k in ("5cnn-maml", "5cnn-maml-old")]
    assert alike(described) == {"content": [pair], "output": []}


def test_a_class_object_of_the_published_code_is_never_looked_up(written):
    assert not any(m.split(".")[0] == "uutils" for m in sys.modules)
    read_foreign(written / "5cnn-maml-old" / "ckpt_file.pt")
    assert not any(m.split(".")[0] == "uutils" for m in sys.modules)


def test_half_a_file_is_refused(written, tmp_path):
    whole = (written / "5cnn-pt" / "ckpt.pt").read_bytes()
    (tmp_path / "ckpt.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError) as e:
        read_foreign(tmp_path / "ckpt.pt")
    assert str(e.value) == (
        f"{tmp_path}/ckpt.pt: not usable as weights: damaged: File is not a zip file; nothing in it was executed; "
        "save model.state_dict() alone, best as .safetensors"
    )
