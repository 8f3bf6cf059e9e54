"""The same calls on a CUDA device: close to the CPU's numbers, and resumable."""

import numpy as np
import pytest
import torch

from breadth.data.episode import episodes
from breadth.data.union import single
from breadth.learn.evaluate import evaluate_maml, evaluate_pretrained
from breadth.learn.maml import MamlSettings, meta_train
from breadth.learn.pretrain import PretrainSettings, pretrain
from breadth.learn.trained import body_of, classifier_of
from breadth.nets.build import Architecture

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]
ARCH = Architecture(filters=8, channels=1, size=8)
MODES = ("running", "support", "transductive")


@pytest.fixture
def suite(digits):
    return episodes(single(digits[1]), queries=10, count=20)


@pytest.mark.parametrize("order", [1, 2])
def test_first_steps_of_maml_are_those_of_the_cpu(digits, suite, order):
    settings = MamlSettings(tasks=8, order=order, window=1)
    cpu, gpu = (meta_train(single(digits[0]), ARCH, settings, seed=0, device=d) for d in ("cpu", "cuda"))
    assert gpu.history[0]["loss"] == pytest.approx(cpu.history[0]["loss"], rel=1e-2)
    a, b = (evaluate_maml(classifier_of(cpu), suite, batch_norm=("support", "transductive"), device=d) for d in ("cpu", "cuda"))
    for method in a:
        assert b[method].loss.mean() == pytest.approx(a[method].loss.mean(), rel=2e-2)


def test_pretraining_and_heads_are_close_to_the_cpu(digits, suite):
    settings = PretrainSettings(images=640, batch=64, window=1)
    cpu, gpu = (pretrain(digits[0], ARCH, settings, seed=0, device=d) for d in ("cpu", "cuda"))
    assert gpu.history[0]["loss"] == pytest.approx(cpu.history[0]["loss"], rel=1e-2)
    a, b = (evaluate_pretrained(body_of(cpu), suite, batch_norm=MODES, device=d) for d in ("cpu", "cuda"))
    for method in a:
        np.testing.assert_allclose(b[method].loss.mean(), a[method].loss.mean(), rtol=2e-2)


def test_an_interrupted_run_resumes_on_cuda(digits, tmp_path):
    settings = PretrainSettings(images=640, batch=64)

    def stop(done, _total):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(digits[0], ARCH, settings, seed=0, device="cuda", folder=tmp_path, report=stop, save_every=0)
    resumed = pretrain(digits[0], ARCH, settings, seed=0, device="cuda", folder=tmp_path)
    straight = pretrain(digits[0], ARCH, settings, seed=0, device="cuda")
    for name, value in straight.weights.items():
        torch.testing.assert_close(resumed.weights[name], value, rtol=1e-2, atol=1e-2)
