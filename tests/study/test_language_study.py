"""A whole study of text, small: planned, run, audited, analysed, reported; same numbers by another way."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file

from breadth.data.text.corpus import read_corpus
from breadth.data.text.tokens import BYTES
from breadth.measure.correction import distance_of_variance, variance_of_distance
from breadth.report import figure, page
from breadth.report.checklist import checklist
from breadth.study.analysis import analyse
from breadth.study.control import audit_study
from breadth.study.engine import run_all
from breadth.study.feasible import check_feasible
from breadth.study.fixed import fix, verdict_rule
from breadth.study.plan import plan_study
from breadth.study.run import execute
from breadth.study.spec import Study
from breadth.study.store import Store
from breadth.study.text_sources import documents_of, evaluation_documents, packed_source, streams
from study.text_small import DOMAINS, HELD_OUT, small_text, write_corpora
from study.text_small import documents_of as written_documents


def carried_out(runs, store, folder):
    for run in runs:
        store.begin(run)
        execute(run, store, folder, device="cpu", report=lambda done, total: None)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("text")
    plan = plan_study(Study.model_validate(small_text(folder, write_corpora(folder))))
    check_feasible(plan)
    store = Store(folder / "runs")
    fix(plan.study, store)
    carried_out(plan.runs, store, folder)
    return plan, store, folder


@pytest.fixture(scope="module")
def analysis(finished):
    return analyse(*finished[:2])


def test_every_domain_is_used_equally_often_and_every_set_has_all_its_tokens(finished):
    plan, _, _ = finished
    for level in (1, 2):
        sets = [s for s in plan.sets if s.level == level]
        used = [d for s in sets for d in s.domains]
        assert {d: used.count(d) for d in DOMAINS} == dict.fromkeys(DOMAINS, level)
    assert {sum(x.tokens for x in s.shares) for s in plan.sets} == {12_000}
    kinds = [r.kind for r in plan.runs]
    assert {k: kinds.count(k) for k in kinds} == {
        "text-probe": 2,
        "text-measure": 18,
        "text-overlap": 8,
        "text-train": 24,
        "text-baseline": 9,
    }


def test_no_text_comes_twice_in_a_training_set(finished):
    plan, _, folder = finished
    for name in ("1x-south-1", "2x-north-1"):
        found = streams(plan.overlaps[name].body["data"], folder)
        assert sum(map(len, found.values())) == 12_000
        for domain, stream in found.items():
            texts = [*documents_of(stream, BYTES)]
            assert len(set(texts)) == len(texts)
            held = set(written_documents(domain, 130))
            assert set(texts[:-1]) <= held  # the last one is cut
            assert any(text.startswith(texts[-1]) for text in held)


def test_two_sets_draw_other_texts_of_a_domain(finished):
    plan, _, folder = finished
    one, two = (streams(plan.overlaps[name].body["data"], folder)["north"] for name in ("2x-north-1", "2x-west-1"))
    assert not np.array_equal(one, two)


def test_batches_come_from_one_domain_and_share_no_sequence(finished):
    plan, _, folder = finished
    data = plan.overlaps["2x-north-1"].body["data"]
    found = streams(data, folder)
    source = packed_source(found, data, 8)
    seen = set()
    for i in range(6):
        batch = source.take(8 * i, 8, 0)
        assert batch.mask.all()
        owners = {
            name
            for name, stream in found.items()
            for row in batch.tokens
            if row.astype(np.uint16).tobytes() in stream.astype(np.uint16).tobytes()
        }
        assert len(owners) == 1
        seen |= {row.tobytes() for row in batch.tokens}
    assert len(seen) == 48


def test_documents_of_the_evaluation_are_fixed_and_cut_at_characters(finished, tmp_path):
    plan, _, folder = finished
    evaluation = plan.scores["1x-north-1", "tiny", 0].body["evaluation"]
    found = evaluation_documents(evaluation, folder)
    assert found == evaluation_documents(evaluation, folder)
    assert {name: len(texts) for name, texts in found.items()} == dict.fromkeys(HELD_OUT, 5)
    for name, texts in found.items():
        assert all(len(text) == 120 and any(d.startswith(text) for d in written_documents(name, 130)) for text in texts)
    (tmp_path / "moon.txt").write_text("\n".join("ä" * 100 + str(i) for i in range(9)), encoding="utf-8")
    part = {"name": "moon", "load": "moon.txt", "digest": read_digest(tmp_path / "moon.txt"), "by": "line"}
    odd = {**evaluation, "documents": 2, "bytes": 202, "suite": {**evaluation["suite"], "parts": [part]}}
    assert [len(text) for text in evaluation_documents(odd, tmp_path)["moon"]] == [50, 50]


def read_digest(path):
    from breadth.data.digest import source_digest

    return source_digest(str(path))


def test_coefficient_and_alignment_are_without_the_noise_of_the_estimator(finished):
    """The noise depends on the text, so that left in it would be told as diversity."""
    plan, store, _ = finished
    records = [store.result(run) for run in plan.runs if run.kind == "text-measure"]
    assert len(records) == 2 * (1 + len(plan.sets))
    for found in records:
        plain, noise = found["plain"]["value"], found["floor"]["value"]
        by_hand = distance_of_variance(variance_of_distance(plain) - variance_of_distance(noise))
        assert found["diversity"]["value"] == pytest.approx(by_hand)
        assert found["diversity"]["value"] < plain
        assert found["floor"]["method"].endswith("taken out of the coefficient")
        assert found["floor"]["n"] == plan.study.measure.tasks


def test_scores_are_of_every_document_in_both_units(finished):
    plan, store, folder = finished
    run = plan.scores["2x-east-1", "deep", 0]
    found = evaluation_documents(run.body["evaluation"], folder)
    sizes = np.array([len(text.encode()) for texts in found.values() for text in texts])
    with np.load(store.folder(run) / "scores.npz") as arrays:
        bits, nats = arrays["bits-per-byte:loss"], arrays["nats-per-token:loss"]
        assert bits.shape == (10,)
        assert np.array_equal([len(BYTES.encode(text)) for texts in found.values() for text in texts], sizes)
        np.testing.assert_allclose(bits, nats / math.log(2), rtol=1e-12)
        np.testing.assert_array_equal(np.concatenate([arrays[f"bits-per-byte on {name}:loss"] for name in HELD_OUT]), bits)
    with np.load(store.folder(plan.baselines["uniform"][0]) / "scores.npz") as arrays:
        np.testing.assert_allclose(arrays["nats-per-token:loss"], math.log(257), rtol=1e-12)


def test_a_model_scores_what_its_weights_score(finished):
    """The weights that were kept, put into a network anew, give the scores that were kept."""
    import torch

    from breadth.learn.likelihood import of_model
    from breadth.nets.gpt2 import Gpt2Size, gpt2

    plan, store, folder = finished
    run = plan.scores["1x-west-1", "tiny", 1]
    model = gpt2(Gpt2Size(257, 32, 16, 1, 2), 0)
    weights = {k: torch.from_numpy(v) for k, v in load_file(store.folder(run) / "weights.safetensors").items()}
    model.load_state_dict(weights)
    texts = [text for of_corpus in evaluation_documents(run.body["evaluation"], folder).values() for text in of_corpus]
    tokens = [np.concatenate([[256], BYTES.encode(text)]) for text in texts]
    with np.load(store.folder(run) / "scores.npz") as arrays:
        np.testing.assert_allclose(
            arrays["nats-per-token:loss"],
            [s / (len(t) - 1) for s, t in zip(of_model(model)(tokens), tokens, strict=True)],
            rtol=1e-6,
        )


class Interrupted(Exception):
    pass


def test_a_run_that_was_interrupted_gives_the_same_numbers_in_another_folder(finished, tmp_path):
    plan, store, folder = finished
    run = plan.scores["1x-north-1", "tiny", 0]
    again = Store(tmp_path)

    def interrupt(done, total):
        if done > total / 2:
            raise Interrupted

    again.begin(run)
    with pytest.raises(Interrupted):
        execute(run, again, folder, device="cpu", report=interrupt)
    assert not again.is_done(run)
    carried_out([run], again, folder)
    ours, theirs = store.result(run), again.result(run)
    assert {k: v for k, v in ours.items() if k != "cost"} == {k: v for k, v in theirs.items() if k != "cost"}


def test_a_finished_study_is_not_run_again_and_all_arms_meet_the_same_documents(finished):
    plan, store, folder = finished
    assert run_all(plan.runs, store, folder) == 0
    assert len({store.result(r)["suite"] for r in plan.runs if r.kind in ("text-train", "text-baseline")}) == 1


def test_all_controls_hold(finished):
    plan, store, _ = finished
    rows = {r.control: r for r in audit_study(plan, store)}
    assert [r for r in rows.values() if r.violation] == []
    assert {c: rows[c].status for c in plan.study.controls.equal} == dict.fromkeys(plan.study.controls.equal, "equal")
    assert rows["training tokens"].detail == "12,000, none twice"
    assert rows["data of probes"].detail == "outside all arms and the evaluation; trained: outside; random: random"
    assert rows["overlap"].detail == (
        "no document of the evaluation is in a training set; in the worst arm 0 of 10 are near copies, and 0 have a run of 13 words from it"
    )
    assert rows["shared vocabulary"].status == "differs"


def test_before_the_first_run_nothing_is_guessed(finished, tmp_path):
    rows = {r.control: r.status for r in audit_study(finished[0], Store(tmp_path))}
    unknown = {c for c, status in rows.items() if status == "unknown"}
    assert unknown == {
        "fixed before the first run",
        "stopping",
        "tokens seen",
        "overlap",
        "shared vocabulary",
        "software and machine",
    }


def test_series_and_covariates(finished, analysis):
    plan, store, _ = finished
    conditions = ("bits-per-byte", "nats-per-token", "bits-per-byte on moon", "bits-per-byte on star")
    wanted = {(x, "loss", p, c) for x in ("tiny", "deep") for p in ("trained", "random") for c in conditions}
    assert {(s.learner, s.metric, s.probe, s.condition) for s in analysis.series} == wanted
    first = analysis.series[0]
    assert (first.primary, first.learner, first.condition, first.unit) == (True, "tiny", "bits-per-byte", "bits per byte")
    assert next(s.unit for s in analysis.series if s.condition == "nats-per-token") == "nats per token"
    # Tokens are equal, so they drop out.
    given = {"complexity", "alignment", "shared vocabulary", "trigram cross-entropy", "documents"}
    assert set(analysis.findings[0].robustness.given) <= given
    assert {"shared vocabulary", "trigram cross-entropy"} <= set(analysis.findings[0].robustness.given)
    assert "bits per byte" in analysis.findings[0].statement
    means = [store.result(plan.scores[s.name, "deep", 0])["scores"]["bits-per-byte"]["loss"] for s in plan.sets]
    deep = next(s for s in analysis.series if (s.learner, s.probe, s.condition) == ("deep", "trained", "bits-per-byte"))
    np.testing.assert_allclose([p.y for p in deep.points], means)
    assert deep.bars == "over the 10 documents of the suite, one seed a training set"


def test_each_set_is_held_against_its_own_trigram_model(finished, analysis):
    plan, store, _ = finished
    own = {r.body["data"]["set"]: store.result(r)["scores"]["bits-per-byte"]["loss"] for r in plan.baselines["trigram model"]}
    assert len(set(own.values())) == 8
    lift = analysis.series[0].estimates["lift over trigram model"]
    differences = np.array([p.y - own[p.train] for p in analysis.series[0].points])
    assert lift.value == pytest.approx(differences.mean())
    half = (lift.high - lift.low) / 2
    assert half == pytest.approx(2.3646 * differences.std(ddof=1) / math.sqrt(8), rel=1e-3)


def test_the_analysis_is_deterministic_and_json(finished, analysis):
    again = analyse(*finished[:2])
    assert json.dumps(again.as_dict(), allow_nan=True) == json.dumps(analysis.as_dict(), allow_nan=True)
    for f in analysis.findings:
        assert set(f.as_dict()) == {"name", "statement", "verdict", "estimate", "points", "caveats", "run_ids", "robustness"}


def test_a_falling_loss_is_what_supports(finished):
    rule = verdict_rule(finished[0].study, "loss")
    assert (rule.outcome, rule.direction, rule.smallest_effect) == ("loss (bits per byte)", "down", 0.03)


def test_what_is_fixed_holds_nothing_of_images(finished):
    fixed = finished[0].study.fixed()
    assert {"images", "architecture", "baselines", "checkpoint"}.isdisjoint(fixed)
    assert set(fixed["evaluation"]) == {"data", "seed", "documents", "bytes"}
    assert set(fixed["training"]) == {"seed", "tokens"}
    assert set(fixed["measure"]) == {"tasks", "seed"}


def test_the_figure_says_its_unit_and_tells_of_arms_far_away(analysis):
    drawn = figure.svg(figure.draw(analysis))
    assert "cross-entropy loss, bits per byte" in drawn
    assert "diversity coefficient of the training data, estimator noise removed (probe: trained)" in drawn
    assert "accuracy" not in drawn
    assert "8.01 \u2191" in drawn
    ys = [p.y for s in analysis.series for p in s.points]
    near = replace(analysis.baselines[0].estimate, value=max(ys), low=max(ys), high=max(ys))
    shown = figure.svg(figure.draw(replace(analysis, baselines=(replace(analysis.baselines[0], estimate=near),))))
    assert "\u2191" not in shown
    assert "baseline-loss-0" in shown


def test_the_page_speaks_of_text(analysis, tmp_path):
    text = page.write(analysis, tmp_path).read_text(encoding="utf-8")
    assert "MAML" not in text
    assert "noise of the estimator alone" in text
    answers = {a.question: a.status for a in checklist(analysis)}
    assert answers["Is it only the amount of data?"] == "controlled"
    assert answers["Is it only words that training and evaluation share?"] == "adjusted"
    assert answers["Is it only what counting three tokens at a time finds, too?"] == "adjusted"
    assert answers["Does one evaluation corpus carry the result?"] in ("controlled", "depends")
    assert "Is it only the number of classes?" not in answers


def leaky(folder, tables, **parts):
    """The audit of a study of which only the overlap was looked at."""
    plan = plan_study(Study.model_validate(small_text(folder, tables, **parts)))
    store = Store(folder / "runs")
    carried_out([*plan.overlaps.values()], store, folder)
    return next(r for r in audit_study(plan, store) if r.control == "overlap")


def test_documents_of_the_evaluation_in_one_domain_are_a_violation(tmp_path):
    tables = write_corpora(tmp_path)
    held = [*read_corpus(tmp_path / "moon.txt", by="line").documents()]
    north = tmp_path / "north.txt"
    north.write_text("\n".join([*held, *written_documents("north", 10)]), encoding="utf-8")
    row = leaky(tmp_path, tables)
    assert (row.status, row.violation) == ("differs", True)
    assert row.detail.startswith("unfair: ")
    assert row.detail.endswith("; 3 of 8 arms share text")
