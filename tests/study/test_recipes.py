"""Published unions by name: what they are made of, built from the user's own data, counted from the data and never from the recipe."""

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from breadth.data.formats import from_arrays
from breadth.data.union import pooled
from breadth.errors import SpecError
from breadth.study.analysis import analyse
from breadth.study.control import audit_study
from breadth.study.feasible import check_feasible
from breadth.study.plan import plan_study
from breadth.study.readings import Readings
from breadth.study.recipes import RECIPES, build, compared, recipe, twins
from breadth.study.run import execute
from breadth.study.spec import Study
from breadth.study.store import Store
from breadth.study.toml import read_study
from study.small import SMALL

# Totals of training classes as published, where a table prints them.
TOTALS = {"hdb4": 1262, "hdb5": 105, "hdb12": 1265, "hdb13": 1288, "hdb14": 1337, "hdb15": 1269, "hdb16": 1257, "hdb17": 1308,
          "hdb18": 1227, "hdb19": 1262, "hdb20": 1231, "hdb21": 1345}  # fmt: skip


def glyphs(script, classes=6, style="sans"):
    return f"glyphs:scripts={script},styles={style},classes={classes},per_class=12"


MIO = {"mini-imagenet": glyphs("latin"), "omniglot": glyphs("greek", 8)}
MICOD = {**MIO, "cifar-fs": glyphs("arrows"), "delaunay": glyphs("braille")}


def union_study(train, data, **parts):
    return Study.model_validate({**SMALL, "design": None, "data": {**SMALL["data"], **data}, "train": train, **parts})


def test_there_are_21_recipes_whose_parts_add_up_to_the_published_totals():
    assert list(RECIPES) == [f"hdb{k}" for k in range(1, 22)]
    assert {name: sum(RECIPES[name].classes.values()) for name in TOTALS} == TOTALS
    assert all(len(set(r.parts)) == len(r.parts) for r in RECIPES.values())
    # The published total of hdb11 is 2945; what its note says of it must be true.
    assert sum(RECIPES["hdb11"].classes.values()) == 1951 == 2945 - 994
    assert "2945" in RECIPES["hdb11"].note


def test_names_and_twins():
    assert recipe("micod") is recipe("hdb4")
    assert twins("hdb19") == ("hdb4",)
    assert twins("micod") == ("hdb19",)
    assert sum(bool(twins(name)) for name in RECIPES) == 2
    with pytest.raises(SpecError) as error:
        recipe("hbd4")
    assert str(error.value).startswith("unknown recipe 'hbd4'")


def test_build_draws_a_set_and_then_classes_and_pools_for_pretraining():
    u = build("hdb4", MICOD, size=16, channels=1)
    assert u.name == "hdb4"
    assert [p.name for p in u.parts] == ["mini-imagenet", "cifar-fs", "omniglot", "delaunay"]
    assert u.convention == "source-then-classes"
    assert [p.n_classes for p in u.parts] == [6, 6, 8, 6]
    assert pooled(u).n_classes == 26
    parts = [u.draw(i, 3, 2, 0).part for i in range(200)]
    assert all(35 <= parts.count(k) <= 65 for k in range(4))  # sets are drawn alike, however many classes they have
    own = from_arrays(np.zeros((6, 9, 9, 3), np.uint8), [0, 0, 1, 1, 2, 2])
    assert build("hdb1", {**MIO, "mini-imagenet": own}, size=16, channels=1).parts[0].n_classes == 3


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {"omniglot": "digits"},
            "recipe 'hdb4' lacks a place for mini-imagenet, cifar-fs, delaunay; parts must name one for each of: mini-imagenet, cifar-fs, "
            "omniglot, delaunay",
        ),
        (
            {**MICOD, "cifarfs": "digits"},
            "recipe 'hdb4' has no part 'cifarfs'; its parts: mini-imagenet, cifar-fs, omniglot, delaunay; did you mean 'cifar-fs'?",
        ),
    ],
)
def test_a_missing_or_unknown_part_is_one_line(parts, message):
    with pytest.raises(SpecError) as error:
        build("hdb4", parts, size=16, channels=1)
    assert str(error.value) == message
    with pytest.raises(ValidationError, match=r"recipe 'hdb4'") as error:
        union_study([{"name": "a", "domains": ["u"]}], {"u": {"recipe": "hdb4", "parts": parts}})
    assert error.value.errors()[0]["msg"] == f"Value error, {message}"


@pytest.mark.parametrize(
    ("data", "parts", "message"),
    [
        ({"u": {}}, {}, "give load, or recipe with parts"),
        ({"u": {"load": "digits", "recipe": "hdb1", "parts": MIO}}, {}, "give load, or recipe with parts, not both"),
        ({"u": {"recipe": "hdb1"}}, {}, "a recipe goes with parts, and without held_out"),
        (
            {"u": {"recipe": "hdb1", "parts": MIO}, "omniglot": {"load": "digits"}},
            {},
            "data.u takes omniglot from 'glyphs:scripts=greek,styles=sans,classes=8,per_class=12', data.omniglot from 'digits'; give one "
            "name one place",
        ),
        (
            {"u": {"recipe": "hdb1", "parts": MIO}, "omniglot": {"load": MIO["omniglot"]}},
            {"train": [{"name": "a", "domains": ["u", "omniglot"]}]},
            "train 'a' holds 'omniglot' twice, by a recipe and by another name; give each set once",
        ),
        (
            {"u": {"recipe": "hdb1", "parts": MIO}},
            {"evaluation": {**SMALL["evaluation"], "data": ["u"]}},
            "evaluation names data 'u', a recipe of several sets; only [[train]] takes one: name its parts",
        ),
        (
            {"u": {"recipe": "hdb1", "parts": MIO}},
            {"train": [{"name": "a", "domains": ["u"], "whole": True, "classes": 3}]},
            "training set 'a' is whole, so it takes no classes or images; leave them out",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(data, parts, message):
    with pytest.raises(ValidationError) as error:
        union_study(**{"train": [{"name": "a", "domains": ["u"]}], "data": data, **parts})
    assert error.value.errors()[0]["msg"] == f"Value error, {message}"


def test_a_study_file_holds_a_recipe_in_one_line(tmp_path, small_toml):
    parts = ", ".join(f'{k} = "{v}"' for k, v in MIO.items())
    text = small_toml.replace("[data]\n", f'[data]\nunion = {{ recipe = "mio", parts = {{ {parts} }} }}\n')
    text += '[[train]]\nname = "mio"\ndomains = ["union"]\nwhole = true\n'
    path = tmp_path / "s.toml"
    path.write_text(text)
    study = read_study(path)
    assert study.domains_of(study.train[0]) == ("mini-imagenet", "omniglot")
    assert study.sources()["omniglot"].load == MIO["omniglot"]
    path.write_text(text.replace(f', omniglot = "{MIO["omniglot"]}"', ""))
    with pytest.raises(SpecError) as error:
        read_study(path)
    assert str(error.value) == (
        f"{path}, line 11: data.union: recipe 'mio' lacks a place for omniglot; parts must name one for each of: mini-imagenet, omniglot"
    )


def test_counts_that_differ_are_said():
    assert compared("hdb1", {"mini-imagenet": 64, "omniglot": 1100}) == ""
    assert compared("hdb5", {"flower": 71, "aircraft": 70}) == "aircraft 70 (published 34)"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    data = {
        "hdb1": {"recipe": "hdb1", "parts": MIO},
        "hdb4": {"recipe": "micod", "parts": MICOD},
        "again": {"recipe": "hdb19", "parts": MICOD},
    }
    train = [
        {"name": "mio", "domains": ["hdb1"], "whole": True},
        {"name": "micod", "domains": ["hdb4"], "whole": True},
        {"name": "hdb19", "domains": ["again"], "classes": 12},
        {"name": "latin", "domains": ["latin"]},
    ]
    learner = [{"kind": "pretrain", "name": "PT", "seeds": [0], "images": 120, "batch": 30}]
    controls = {"equal": ["architecture"]}
    plan = plan_study(union_study(train, data, learner=learner, controls=controls))
    store = Store(tmp_path_factory.mktemp("runs"))
    before = audit_study(plan, store)
    check_feasible(plan)
    for run in plan.runs:
        store.begin(run)
        execute(run, store, Path("."), device="cpu", report=lambda done, total: None)
    return plan, store, before


def test_a_study_trains_on_recipes_with_the_classes_that_the_data_have(finished):
    plan, store, before = finished
    by_name = {s.name: s for s in plan.sets}
    assert by_name["micod"].domains == ("mini-imagenet", "cifar-fs", "omniglot", "delaunay")
    assert by_name["mio"].recipes == ("hdb1",)
    body = plan.scores["micod", "PT", 0].body["data"]
    assert body["convention"] == "source-then-classes"
    assert all("classes" not in part for part in body["parts"])
    rows = {r.control: r for r in audit_study(plan, store)}
    assert rows["classes"].detail == (
        "14 (1 arm, for example mio); 26 (1 arm, for example micod); 12 (1 arm, for example hdb19); 9 (1 arm, for example latin)"
    )
    assert rows["images per class"].detail == "12 (2 arms, for example mio); 10 (2 arms, for example hdb19)"
    row = rows["published unions"]
    assert (row.status, row.violation) == ("differs", False)
    assert row.detail == (
        "mio: mini-imagenet 6 (published 64), omniglot 8 (published 1100); "
        "micod: mini-imagenet 6 (published 64), cifar-fs 6 (published 64), omniglot 8 (published 1100), delaunay 6 (published 34); "
        "hdb19: mini-imagenet 3 (published 64), cifar-fs 3 (published 64), delaunay 3 (published 34), omniglot 3 (published 1100); "
        "hdb19 = hdb4: the same union under two numbers"
    )
    early = {r.control: r for r in before}
    assert early["classes"].status == "unknown"
    assert early["published unions"].detail.startswith("mio: classes not known until it has run; ")


def test_domains_and_covariates_come_from_the_data(finished):
    plan, store, _ = finished
    analysis = analyse(plan, store)
    robust = analysis.findings[0].robustness
    assert robust.unknown == ()
    assert json.loads(json.dumps(analysis.findings[0].as_dict()))["robustness"]["sentence"] == robust.sentence
    readings = Readings(plan, store)
    m = readings.membership(plan.sets)
    assert readings.domains == ("mini-imagenet", "omniglot", "cifar-fs", "delaunay", "latin")
    np.testing.assert_allclose(m[0], [6 / 14, 8 / 14, 0, 0, 0])
    np.testing.assert_allclose(readings.covariates(plan.sets, "random")["images"], [14 * 12, 26 * 12, 120, 90])
