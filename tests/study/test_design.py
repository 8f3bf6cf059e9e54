"""Designs: every domain equally often at each level, classes shared as equally as possible."""

from collections import Counter

import pytest

from breadth.errors import SpecError
from breadth.study.design import balanced_rings, training_sets
from breadth.study.tables import DesignSpec, TrainingSpec

DOMAINS = tuple("abcdefghi")


@pytest.mark.parametrize("level", [1, 2, 4, 8, 9])
@pytest.mark.parametrize("replicates", [1, 2, 3])
def test_every_domain_occurs_equally_often(level, replicates):
    sets = balanced_rings(DOMAINS, level, replicates)
    assert len(sets) == replicates * len(DOMAINS)
    assert all(len(set(s)) == level for s in sets)
    assert set(Counter(d for s in sets for d in s).values()) == {replicates * level}


def test_another_replicate_pairs_other_domains():
    sets = balanced_rings(DOMAINS, 2, 2)
    assert not {frozenset(s) for s in sets[:9]} & {frozenset(s) for s in sets[9:]}


def test_classes_are_shared_as_equally_as_possible(make_study):
    study = make_study(
        design=DesignSpec(domains=("latin", "greek", "arrows"), levels=(1, 3)), training=TrainingSpec(classes=10, images=8)
    )
    sets = {s.name: s for s in training_sets(study)}
    assert [x.classes for x in sets["3x-latin-1"].shares] == [4, 3, 3]
    assert sets["1x-greek-1"].shares[0].classes == 10
    assert {sum(x.classes for x in s.shares) for s in sets.values()} == {10}


def test_more_domains_than_classes_is_one_clear_line(make_study):
    study = make_study(
        design=DesignSpec(domains=("latin", "greek", "arrows"), levels=(3,)), training=TrainingSpec(classes=2, images=8)
    )
    with pytest.raises(SpecError) as error:
        training_sets(study)
    assert str(error.value) == (
        "training set '3x-latin-1': 2 classes cannot be shared among 3 domains; raise training.classes or lower the level"
    )


def test_a_name_used_twice_is_refused(make_study):
    design = {"domains": ["latin", "greek", "arrows"], "levels": [1]}
    with pytest.raises(SpecError) as error:
        training_sets(make_study(design=design, train=[{"name": "1x-latin-1", "domains": ["latin"]}]))
    assert str(error.value) == (
        "training set '1x-latin-1' is defined by [[train]] and by [design]; give the [[train]] table another name"
    )


@pytest.mark.parametrize(
    ("design", "message"),
    [
        ({"domains": ["latin", "latin"], "levels": [1]}, "a domain is named twice"),
        ({"domains": ["latin", "greek"], "levels": [1, 1]}, "a level is named twice; use replicates for more sets of one level"),
    ],
)
def test_duplicates_would_fake_the_number_of_sets(make_study, design, message):
    with pytest.raises(ValueError, match=message):
        make_study(design=design)
