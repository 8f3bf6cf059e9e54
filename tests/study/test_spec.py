"""A study file's mistakes are named: file, line or key, what was given, what is allowed, the nearest match."""

import pytest

from breadth.errors import SpecError
from breadth.study.toml import read_study


def error_of(tmp_path, text):
    path = tmp_path / "s.toml"
    path.write_text(text)
    with pytest.raises(SpecError) as error:
        read_study(path)
    message = str(error.value)
    assert "\n" not in message
    return message.removeprefix(str(path))


def test_a_good_file_is_read_and_its_data_root_is_absolute(tmp_path, small_toml):
    (tmp_path / "s.toml").write_text(small_toml)
    study = read_study(tmp_path / "s.toml")
    assert study.name == "small"
    assert study.data_root == str(tmp_path)
    assert [x.kind for x in study.learner] == ["pretrain", "maml"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("tasks = 8", "taks = 8", ", line 35: learner.1.taks: unknown key; did you mean 'tasks'?"),
        (
            'kind = "maml"',
            'kind = "mamal"',
            ", line 31: learner.1: 'mamal' given; expected one of: pretrain, maml, anil, language; did you mean 'maml'?",
        ),
        ("images = 600", "images = -5", ", line 29: learner.0.images: -5 given; expected more than 0"),
        (
            "outcome",
            'outcome = "acuracy"',
            ", line 5: hypothesis.outcome: 'acuracy' given; expected one of: accuracy, loss; did you mean 'accuracy'?",
        ),
        (
            'probe = "random"',
            'probe = "randon"',
            ", line 6: hypothesis.probe is 'randon', expected one of: random; did you mean 'random'?",
        ),
        (
            'condition = "logistic/support"',
            'condition = "logistic/suport"',
            ", line 5: hypothesis.condition is 'logistic/suport', expected one of: logistic/support, logistic/transductive, "
            "centroid/support, centroid/transductive; did you mean 'logistic/support'?",
        ),
        (
            'data = ["digits", "cyrillic"]',
            'data = ["digit"]',
            ", line 49: evaluation names data 'digit', which no [data.*] table defines; did you mean 'digits'?",
        ),
        ('title = "A study for tests"\n', "", ": title: missing; add it"),
        ("images = 600", "images = 600\nlr = inf", ", line 30: learner.0.lr: inf given; expected a finite number"),
        ("tasks = 8", "tasks = 8\ninner_lr = nan", ", line 36: learner.1.inner_lr: nan given; expected a finite number"),
        (
            "levels = [1, 3]",
            'levels = [1, 3]\nreplicates = "x"',
            ", line 22: design.replicates: 'x' given; expected a list or a whole number",
        ),
        (
            "levels = [1, 3]",
            "levels = [1, 3]\nreplicates = [2, 0]",
            ", line 22: design.replicates.1: 0 given; expected more than 0 (and 1 more)",
        ),
        (
            "levels = [1, 3]",
            'levels = [1, 3]\n"a\\nb" = 1',
            ", line 19: design.a\\nb: unknown key; allowed: domains, levels, replicates",
        ),
        (
            "tasks = 8",
            f"tasks = {'9' * 400}",
            f", line 35: learner.1.tasks: {'9' * 77}... given; expected a whole number of at most 64 bits",
        ),
        ("images = 600", 'images = "many"', ", line 29: learner.0.images: 'many' given; expected a whole number"),
        ("images = 600", "images = 0.5", ", line 29: learner.0.images: 0.5 given; expected a whole number"),
        ("images = 600", "images = []", ", line 29: learner.0.images: [] given; expected a whole number"),
        ("images = 600", 'images = 600\nlr = "x"', ", line 30: learner.0.lr: 'x' given; expected a number"),
        ("images = 600", "images = 600\nlr = []", ", line 30: learner.0.lr: [] given; expected a number"),
        ("images = 600", "images = 600\nlr = 0", ", line 30: learner.0.lr: 0 given; expected more than 0"),
        ("seeds = [0, 1]", "seeds = 1", ", line 28: learner.0.seeds: 1 given; expected a list"),
        ("seeds = [0, 1]", "seeds = []", ", line 28: learner.0.seeds: [] given; expected a list of at least 1"),
        ('kind = "maml"\n', "", ", line 31: learner.1.kind: missing; add it"),
        (
            "levels = [1, 3]",
            "levels = [1, 3]\n[baselines]\npixels = 3",
            ", line 23: baselines.pixels: 3 given; expected true or false",
        ),
        (
            "levels = [1, 3]",
            'levels = [1, 3]\n[baselines]\npixels = "perhaps"',
            ", line 23: baselines.pixels: 'perhaps' given; expected true or false",
        ),
        ('title = "A study for tests"', "title = 3", ", line 1: title: 3 given; expected a text in quotes"),
        ('name = "small"', 'name = "s m"', ", line 2: name: 's m' given; expected a text that matches ^[A-Za-z0-9][A-Za-z0-9_-]*$"),
        ('latin = {load = "glyphs', 'latin = 3\nrest = {load = "glyphs', ", line 11: data.latin: 3 given; expected a table"),
        (
            'data = ["digits", "cyrillic"]',
            'data = "digits"',
            ", line 50: evaluation.data: 'digits' given; expected a list or 'own'",
        ),
        ('data = ["digits", "cyrillic"]', "data = 3", ", line 50: evaluation.data: 3 given; expected a list or 'own'"),
        ("levels = [1, 3]", "levels = [4]", ", line 19: design: level 4 asks for more domains than the 3 named"),
    ],
)
def test_each_mistake_is_named(tmp_path, small_toml, old, new, expected):
    text = small_toml.replace("condition =", f"{new}\ncondition =", 1) if old == "outcome" else small_toml.replace(old, new, 1)
    assert text != small_toml
    assert error_of(tmp_path, text) == expected


def test_broken_toml_names_its_line(tmp_path):
    assert error_of(tmp_path, "name = \n").startswith(": not valid TOML: Invalid value (at line 1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"a = {'[' * 3000}{']' * 3000}", ": not valid TOML: brackets nested too deeply"),
        ("a = 2020-13-45", ": not valid TOML: Expected newline or end of document after a statement (at line 1, column 9)"),
    ],
)
def test_toml_that_cannot_be_read(tmp_path, text, expected):
    assert error_of(tmp_path, text) == expected


def test_a_data_root_that_no_folder_can_have(tmp_path, small_toml):
    assert error_of(tmp_path, 'data_root = "a\\u0000b"\n' + small_toml) == (
        ": data_root: 'a\\x00b' given; no folder can have this name (embedded null byte)"
    )


def test_a_number_too_long_for_python(tmp_path):
    assert error_of(tmp_path, f"a = {'9' * 5000}").startswith(": not valid TOML: Exceeds the limit (4300 digits) for integer")


def test_a_path_that_no_file_can_have(tmp_path):
    path = tmp_path / ("x" * 300)
    with pytest.raises(SpecError) as error:
        read_study(path)
    assert str(error.value) == f"{path}: cannot be read (File name too long); check the path and its permissions"
    with pytest.raises(SpecError) as error:
        read_study(tmp_path)
    assert str(error.value) == f"{tmp_path}: a folder; give the path of a TOML file, for example studies/quickstart.toml"


def test_a_missing_file(tmp_path):
    with pytest.raises(SpecError, match=r"no such study file; give the path of a TOML file, for example studies/quickstart.toml"):
        read_study(tmp_path / "none.toml")


def test_a_probe_must_not_be_trained_on_an_arm(tmp_path, small_toml):
    bad = small_toml.replace('name = "random"\n', 'name = "random"\nweights = "trained"\ndata = ["latin"]\n')
    assert error_of(tmp_path, bad).endswith(
        "probe 'random' would be trained on 'latin', which is a training domain or evaluation set; train a probe on data outside all "
        "arms and the evaluation"
    )
