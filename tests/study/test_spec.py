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
            ", line 31: learner.1: 'mamal' given; expected one of: pretrain, maml; did you mean 'maml'?",
        ),
        ("images = 600", "images = -5", ", line 29: learner.0.images: -5 given; input should be greater than 0"),
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
        ("levels = [1, 3]", "levels = [4]", ", line 19: design: level 4 asks for more domains than the 3 named"),
    ],
)
def test_each_mistake_is_named(tmp_path, small_toml, old, new, expected):
    text = small_toml.replace("condition =", f"{new}\ncondition =", 1) if old == "outcome" else small_toml.replace(old, new, 1)
    assert text != small_toml
    assert error_of(tmp_path, text) == expected


def test_broken_toml_names_its_line(tmp_path):
    assert error_of(tmp_path, "name = \n").startswith(": not valid TOML: Invalid value (at line 1")


def test_a_missing_file(tmp_path):
    with pytest.raises(SpecError, match=r"no such study file; give the path of a TOML file, for example studies/quickstart.toml"):
        read_study(tmp_path / "none.toml")


def test_a_probe_must_not_be_trained_on_an_arm(tmp_path, small_toml):
    bad = small_toml.replace('name = "random"\n', 'name = "random"\nweights = "trained"\ndata = ["latin"]\n')
    assert error_of(tmp_path, bad).endswith(
        "probe 'random' would be trained on 'latin', which is a training domain or evaluation set; train a probe on data outside all "
        "arms and the evaluation"
    )
