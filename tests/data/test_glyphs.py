"""Glyphs: what the fonts hold, purity of each drawing, no blank and no doubled class."""

import unicodedata

import numpy as np
import pytest

from breadth.data.alphabets import SCRIPTS, STYLES, SYMBOLS, Glyph, alphabet, drawing
from breadth.data.glyphs import glyphs
from breadth.data.overlap import overlap
from breadth.errors import DataError


def test_there_are_hundreds_of_classes_in_every_dial_position_promised():
    sans = alphabet("sans")
    assert len(sans) > 2000
    assert {glyph.script for glyph in sans} == set(SCRIPTS)
    for script in SCRIPTS:
        assert sum(glyph.script == script for glyph in sans) >= 10, script


@pytest.mark.parametrize("style", STYLES)
def test_every_style_draws_latin_and_nothing_missing(style):
    found = alphabet(style)
    assert {chr(g.code) for g in found} >= set("BDGRbdg")
    box = drawing(style, 0xE123, 40)  # a private code point that no font maps: the .notdef drawing
    for glyph in found[::7]:
        mask = drawing(glyph.style, glyph.code, 40)
        assert mask is not None
        assert box is None or mask.tobytes() != box.tobytes(), glyph.name


def test_no_two_drawings_of_all_styles_are_the_same():
    seen = {}
    for style in STYLES:
        for glyph in alphabet(style):
            mask = drawing(style, glyph.code, 40)
            key = (mask.size, mask.tobytes())
            assert key not in seen, (glyph.name, seen[key].name)
            seen[key] = glyph
    assert len(seen) > 9000


def test_look_alikes_stay_with_the_first_script():
    codes = {g.code for g in alphabet("sans")}
    assert ord("A") in codes
    assert not {ord("\N{GREEK CAPITAL LETTER ALPHA}"), ord("\N{CYRILLIC CAPITAL LETTER A}")} & codes
    assert {ord("\N{GREEK SMALL LETTER OMEGA}"), ord("\N{CYRILLIC CAPITAL LETTER YA}")} <= codes


def test_symbols_come_in_one_style():
    for style in STYLES:
        scripts = {glyph.script for glyph in alphabet(style)}
        assert bool(scripts & SYMBOLS) == (style == "sans")


def test_names_and_groups():
    assert Glyph(0x3B1, "greek", "sans").name == "greek/sans/alpha U+03B1"
    assert Glyph(0x41, "latin", "serif").name == "latin/serif/capital a U+0041"
    assert Glyph(0x5D0, "hebrew", "sans").name == "hebrew/sans/alef U+05D0"
    assert Glyph(0x3B1, "greek", "serif").group == Glyph(0x3B1, "greek", "sans").group == "U+03B1"
    made = glyphs(styles=["sans", "serif"], classes=300, per_class=2)
    assert len(set(made.class_names)) == 300
    assert made.groups[::2] == tuple(name.rsplit(" ", 1)[1] for name in made.class_names)
    for name in made.class_names:
        assert unicodedata.name(chr(int(name.rsplit("+", 1)[1], 16)))


def test_an_item_is_a_pure_function_of_seed_class_and_number():
    few = glyphs(scripts=["greek"], classes=None, per_class=2)
    more = glyphs(scripts=["greek", "latin"], styles=["serif", "sans"], classes=None, per_class=3)
    for c, name in list(enumerate(few.class_names))[::9]:
        rows = more.rows_of(more.class_names.index(name))
        np.testing.assert_array_equal(few.inputs[few.rows_of(c)], more.inputs[rows[:2]])
    again = glyphs(scripts=["greek"], classes=None, per_class=2)
    assert again.digest == few.digest
    assert glyphs(scripts=["greek"], classes=None, per_class=2, seed=1).digest != few.digest


def test_the_subset_of_classes_depends_on_the_seed_only():
    names = [glyphs(classes=30, per_class=1, seed=s).class_names for s in (0, 0, 1)]
    assert names[0] == names[1] != names[2]


def test_drawings_are_bright_on_black_never_blank_never_cut_and_all_different():
    made = glyphs(classes=250, per_class=4, styles=["sans", "cm", "stix-italic", "serif-bold"], scripts=list(SCRIPTS))
    images = made.inputs[..., 0]
    assert images.shape == (1000, 28, 28)
    assert (images.max(axis=(1, 2)) >= 100).all()
    assert (images.mean(axis=(1, 2)) < 110).all()
    assert len({image.tobytes() for image in images}) == 1000
    levels = np.unique(images)
    assert len(levels) > 100  # antialiased
    edge = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
    assert (edge.max(axis=1) < 60).mean() > 0.98


def test_classes_can_be_told_apart_but_not_trivially():
    made = glyphs(classes=200, per_class=10)
    x = made.inputs.reshape(200, 10, -1) / 255.0
    centroids = x[:, :5].mean(axis=1)
    query = x[:, 5:].reshape(1000, -1)
    nearest = ((query**2).sum(1)[:, None] - 2 * query @ centroids.T + (centroids**2).sum(1)[None]).argmin(axis=1)
    accuracy = (nearest == np.repeat(np.arange(200), 5)).mean()
    assert 0.2 < accuracy < 0.95


@pytest.mark.parametrize("size", [16, 28, 64])
def test_sizes(size):
    made = glyphs(scripts=["hebrew"], classes=5, per_class=2, size=size)
    assert made.inputs.shape == (10, size, size, 1)
    ink = (made.inputs > 100).any(axis=(0, 3))
    assert ink.any(axis=0).sum() > size * 0.4


def test_disjoint_scripts_share_no_drawing():
    found = overlap(
        glyphs(scripts=["latin"], classes=60, per_class=5), glyphs(scripts=["georgian", "hebrew"], classes=60, per_class=5)
    )
    assert (found.exact, found.names) == (0, ())


@pytest.mark.parametrize(
    "options, message",
    [
        (
            {"scripts": ["greak"]},
            f"unknown glyph script 'greak'; expected one of: {', '.join(sorted(SCRIPTS))}; did you mean 'greek'?",
        ),
        ({"styles": ["sands"]}, f"unknown glyph style 'sands'; expected one of: {', '.join(sorted(STYLES))}; did you mean 'sans'?"),
        ({"styles": ["sans", "sans"]}, "glyph style 'sans' is given twice; expected each style once"),
        ({"scripts": []}, f"glyphs without a script were asked for; expected at least one of: {', '.join(sorted(SCRIPTS))}"),
        ({"classes": 0}, "glyphs with classes=0 were asked for; expected at least 1"),
        ({"per_class": 0}, "glyphs with per_class=0 were asked for; expected at least 1"),
        ({"size": 4}, "glyphs with size=4 were asked for; expected at least 8"),
        (
            {"scripts": ["arrows"], "styles": ["serif"]},
            "no glyph of scripts arrows exists in styles serif; symbols come in style sans only",
        ),
        ({"scripts": ["hebrew"], "styles": ["cm"]}, "no glyph of scripts hebrew exists in styles cm"),
    ],
)
def test_errors(options, message):
    with pytest.raises(DataError) as error:
        glyphs(**options)
    assert str(error.value) == message


def test_too_many_classes():
    n = len([g for g in alphabet("cm") if g.script == "latin"])
    with pytest.raises(DataError) as error:
        glyphs(scripts=["latin"], styles=["cm"], classes=999)
    assert str(error.value) == f"999 classes of glyphs were asked for; these scripts and styles have {n}: add some or ask for fewer"
