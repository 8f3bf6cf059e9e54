"""``breadth measure`` and ``breadth compare`` as a person meets them: every option, every line of complaint, page, JSON, store."""

import inspect
import io
import json
import re
import sys
from dataclasses import fields

import numpy as np
import pytest
from safetensors.torch import save_file

from breadth.cli import app
from breadth.cli.measure import measure
from breadth.cli.options import progress_bar
from breadth.measure.settings import Settings
from breadth.measure.task2vec import Task2Vec
from measure.small import source, vectors

SMALL = (
    "--probe",
    "conv-stride",
    "--filters",
    "4",
    "--ways",
    "3",
    "--per-class",
    "4",
    "--size",
    "8",
    "--channels",
    "1",
    "--tasks",
    "6",
)
BARE = ("--no-scale", "--no-rivals")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with two sets of images, vectors with and without labels."""
    folder = tmp_path_factory.mktemp("desk")
    for k, name in enumerate(("first", "second")):
        s = source(name, seed=k)
        np.savez(folder / f"{name}.npz", images=s.inputs, labels=s.labels)
    v = vectors("v")
    np.savez(folder / "v.npz", features=v.inputs, labels=v.labels)
    np.save(folder / "bare.npy", v.inputs)
    np.savez(folder / "columns.npz", left=source("l").inputs, right=source("r", seed=1).inputs, kind=source("l").labels)
    return folder


@pytest.fixture
def breadth(desk, monkeypatch, capsys):
    """Runs the command in the folder and returns (exit code, standard output, standard error)."""
    monkeypatch.chdir(desk)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["breadth", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            app.main()
        return ended.value.code, *capsys.readouterr()

    return run


def result_of(done):
    assert done[0] == 0, done[2]
    return json.loads(done[1], parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def refusal(done):
    assert (done[0], done[1]) == (2, "")
    assert done[2].startswith("breadth: ")
    assert done[2].count("\n") == 1
    return done[2].removeprefix("breadth: ").rstrip("\n")


def first_value(breadth, *options):
    return result_of(breadth("measure", "first.npz", *SMALL, *BARE, "--json", *options))["sources"][0]["diversity"]["value"]


@pytest.fixture(scope="module")
def plain(desk, tmp_path_factory):
    """What one plain call says: value of the first source."""
    from breadth.data.formats import load
    from breadth.measure.survey import survey

    settings = Settings("conv-stride", filters=4, tasks=6, ways=3, per_class=4, size=8, channels=1, scale=False, rivals=False)
    return survey([load(desk / "first.npz")], settings).sources[0].diversity.value


@pytest.mark.parametrize(
    ("options", "same"),
    [
        ([], True),
        (["--memory", "4G"], True),
        (["--memory", "2.5gb"], True),
        (["--offline"], True),
        (["--device", "cpu"], True),
        (["--arithmetic", "float32"], True),
        (["--arithmetic", "bf16"], False),
        (["--estimator", "rademacher", "--draws", "2"], False),
        (["--head", "adam"], False),
        (["--ridge", "0.5"], False),
        (["--seed", "1"], False),
        (["--filters", "5"], False),
        (["--ways", "4"], False),
        (["--per-class", "3"], False),
        (["--size", "12"], False),
        (["--channels", "3"], False),
        (["--limit", "60"], False),
        (["--tasks", "7"], False),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else str(given),
)
def test_every_option_reaches_the_measurement(breadth, plain, options, same):
    assert (first_value(breadth, *options) == pytest.approx(plain, rel=1e-5)) == same


def test_defaults_of_command_and_settings_are_the_same():
    given = {name: p.default for name, p in inspect.signature(measure).parameters.items()}
    shared = {f.name: f.default for f in fields(Settings) if f.name in given and f.name != "store"}
    assert len(shared) == 20
    # Text has another number of draws, so that none given stands for that of the kind.
    assert {name: given[name] for name in shared} == {**shared, "tasks": str(shared["tasks"]), "draws": None}


@pytest.mark.filterwarnings("default")
def test_heads_that_are_certain_are_one_line(breadth, tmp_path):
    certain = ("--filters", "32", "--ridge", "1e-7")
    # Found in the store the second time, and said again.
    for _ in range(2):
        code, _, beside = breadth("measure", "first.npz", *SMALL, *BARE, *certain, "--json", "--store", tmp_path / "s")
        assert code == 0
        assert beside == (
            "breadth: warning: the heads of 6 of 6 tasks of 'first' are nearly certain of every label (mean 1 - max p < 1e-03): their "
            "Fisher information is close to zero; use a larger ridge (--ridge) with the ridge head\n"
        )


def test_weights_are_read(breadth, desk, plain):
    from breadth.measure.probe import probe
    from breadth.nets.build import Architecture

    body = probe(Architecture("conv-stride", 4, 1, 8), 7).body
    save_file(body.state_dict(), desk / "seven.safetensors")
    assert first_value(breadth, "--weights", "seven.safetensors") != pytest.approx(plain, rel=1e-3)


def test_columns_are_chosen(breadth):
    left, right = (
        first_value(breadth, "--no-store"),
        result_of(breadth("measure", "columns.npz", *SMALL, *BARE, "--json", "--image-col", "right", "--label-col", "kind")),
    )
    other = result_of(breadth("measure", "columns.npz", *SMALL, *BARE, "--json", "--image-col", "left", "--label-col", "kind"))
    assert other["sources"][0]["diversity"]["value"] == pytest.approx(left)
    assert right["sources"][0]["diversity"]["value"] != pytest.approx(left)


def test_automatic_numbers_of_tasks(breadth):
    s = result_of(breadth("measure", "first.npz", *SMALL, *BARE, "--tasks", "auto", "--precision", "0.05", "--json"))["sources"][0]
    assert s["reached"]
    assert s["tasks"] >= 10
    assert (s["diversity"]["high"] - s["diversity"]["low"]) / 2 <= 0.05


def test_automatic_numbers_of_tasks_say_how_well_the_corrected_value_is_known(breadth):
    auto = ("first.npz", *SMALL, *BARE, "--tasks", "auto", "--precision", "0.05")
    s = result_of(breadth("measure", *auto, "--json"))["sources"][0]
    half = (s["corrected"]["high"] - s["corrected"]["low"]) / 2
    _, said, _ = breadth("measure", *auto)
    assert f"  note         {s['tasks']} tasks for ±0.05 of diversity; corrected is known to ±{half:.4f}\n" in said


def test_what_is_told_in_a_terminal(breadth):
    code, said, beside = breadth("measure", "first.npz", "second.npz", *SMALL, "--no-rivals", "--mixture", "first=0.25,second=0.75")
    assert code == 0
    result = result_of(
        breadth("measure", "first.npz", "second.npz", *SMALL, "--no-rivals", "--mixture", "first=0.25,second=0.75", "--json")
    )
    a, b = result["sources"]
    for s in (a, b):
        d = s["diversity"]
        assert f"{s['name']}\n  diversity    {d['value']:.4f} [{d['low']:.4f}, {d['high']:.4f}], " in said
        place = f"{s['position']['value']:.0%} of the way from floor to ceiling"
        assert f", {place}\n" in said or ", too few tasks to say: try --tasks auto\n" in said
        assert f"  noise floor  {s['floor']['value']:.4f} " in said
        assert f"  corrected    {s['corrected']['value']:.4f} " in said
    c = result["cross"][0]["distance"]
    assert f"first to second\n  distance     {c['value']:.4f} " in said
    mixed = result["mixture"]
    assert mixed["weights"] == {"first": 0.25, "second": 0.75}
    expected = 0.0625 * a["diversity"]["value"] + 0.5625 * b["diversity"]["value"] + 0.375 * c["value"]
    assert mixed["diversity"]["value"] == pytest.approx(expected)
    assert f"mixture of 25% first, 75% second\n  diversity    {expected:.4f} " in said
    more = max(mixed["gains"], key=mixed["gains"].get)
    assert f"  more of      {more} would add most" in said
    assert beside == (
        "95% intervals over tasks drawn from the given data (6 a source); probe conv-stride (random, seed 0); protocol "
        f"{result['protocol']['comparable']}: compare values of one protocol only\n"
    )
    assert "what to do next\n" + "".join(f"  {sentence}\n" for sentence in result["advice"]) in said
    assert all(f"note: {note}\n" in said for note in result["notes"])


def test_the_mixture_is_written_beside_the_page(breadth, desk):
    out = desk / "mixed"
    code, _, _ = breadth("measure", "first.npz", "second.npz", *SMALL, *BARE, "--mixture", "first=0.25,second=0.75", "--out", out)
    assert code == 0
    stored = json.loads((out / "measurement.json").read_text())["mixture"]
    assert stored["weights"] == {"first": 0.25, "second": 0.75}
    assert "25 % first, 75 % second" in re.sub(r"<[^>]+>|\s+", " ", (out / "index.html").read_text()).replace("\u202f", " ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["first.npz", "--precision", "0.1"], ["--precision has no effect here: it belongs to --tasks auto"]),
        (["first.npz", "--draws", "2"],
         ["--draws has no effect here: the exact estimator draws no labels so often; rademacher and monte_carlo do"]),
        (["first.npz", "--estimator", "rademacher", "--draws", "2"], []),
        (["first.npz", "--tasks", "auto", "--precision", "0.1"], []),
        (["first.npz", "--head", "adam", "--ridge", "0.5"], ["--ridge has no effect here: it belongs to --head ridge"]),
        (["v.npz", "--probe", "conv"], ["--probe has no effect here: vectors are seen through an mlp probe"]),
        (["v.npz", "--size", "9"], ["--size has no effect here: the sources hold vectors, not images"]),
        (["bare.npy", "--tasks", "9"], ["--tasks has no effect here: features without labels have no tasks"]),
    ],
    ids=str,
)  # fmt: skip
def test_options_without_effect_are_said(breadth, arguments, said):
    code, _, beside = breadth("measure", *arguments, "--dry-run", "--json")
    assert (code, beside.splitlines()) == (0, [f"breadth: note: {line}" for line in said])


def test_the_best_mixture(breadth):
    best = result_of(breadth("measure", "first.npz", "second.npz", *SMALL, *BARE, "--mixture", "best", "--json"))["mixture"]
    assert sum(best["weights"].values()) == pytest.approx(1)
    for w in np.linspace(0, 1, 6):
        text = f"first={w:.1f},second={1 - w:.1f}"
        other = result_of(breadth("measure", "first.npz", "second.npz", *SMALL, *BARE, "--mixture", text, "--json"))["mixture"]
        assert other["diversity"]["value"] <= best["diversity"]["value"] + 1e-9
    assert all(gain <= 1e-6 for gain in best["gains"].values())


def test_the_page_names_every_source_and_loads_nothing(breadth, desk):
    out = desk / "page"
    code, said, _ = breadth("measure", "first.npz", "second.npz", *SMALL, "--out", out)
    assert code == 0
    assert said.endswith(f"page: {out}/index.html\n")
    page = (out / "index.html").read_text()
    assert re.search(r"\bfirst: 0\.", page)
    assert re.search(r"\bsecond: 0\.", page)
    assert re.findall(r"(?:src|href)=[\"'](?!#|data:)[^\"']*|url\((?!#|[\"']?data:)[^)]*|@import|<script", page) == []
    assert f"breadth measure first.npz second.npz {' '.join(SMALL)} --out {out}" in page
    assert {p.name for p in out.iterdir()} >= {"measurement.json", "scale.png", "scale.svg", "distances.png", "pairs.png"}
    stored = json.loads((out / "measurement.json").read_text())
    again = result_of(breadth("measure", "first.npz", "second.npz", *SMALL, "--json"))
    assert {**stored, "seconds": 0} == {**again, "seconds": 0}
    # The floor of the scale is an exact zero up to rounding, and is shown as such.
    assert 0 < abs(stored["scale"]["floor"]["value"]) < 1e-9
    assert "the floor of the scale (0) to its ceiling" in page
    assert "scale floor 0" in page
    assert "e-1" not in re.sub(r"<(svg|pre).*?</\1>", "", page, flags=re.DOTALL)


def test_json_has_null_where_there_is_no_number(breadth):
    three = [*SMALL, "--tasks", "3"]
    result = result_of(breadth("measure", "v.npz", *three, "--json"))
    assert result["sources"][0]["split_half"] is None
    rivals = result["sources"][0]["rivals"]
    assert rivals
    assert all(r["estimate"]["value"] is None or np.isfinite(r["estimate"]["value"]) for r in rivals)


def test_the_time_is_said_beforehand_and_nothing_is_kept(breadth, tmp_path, monkeypatch):
    reads = []
    from breadth.measure import sources

    real = sources.load
    monkeypatch.setattr(sources, "load", lambda *a, **k: reads.append(a) or real(*a, **k))
    code, said, beside = breadth("measure", "first.npz", *SMALL, "--store", tmp_path / "s", "--dry-run")
    assert (code, beside) == (0, "")
    assert re.fullmatch(r"1 source, 6 tasks each: about \d+ (s|min) on one core\n", said)
    assert len(reads) == 1
    assert not (tmp_path / "s").exists()
    result = result_of(breadth("measure", "first.npz", "second.npz", *SMALL, "--dry-run", "--json"))
    assert set(result) == {"sources", "estimated_seconds"}
    code, said, _ = breadth("measure", "bare.npy", "--dry-run")
    assert said == "features without labels, hence no tasks: the other metrics alone take seconds\n"
    assert result_of(breadth("measure", "bare.npy", "--dry-run", "--json"))["estimated_seconds"] is None


def test_embeddings_are_kept_where_one_says(breadth, tmp_path, monkeypatch):
    calls, real = [], Task2Vec._embedded
    monkeypatch.setattr(Task2Vec, "_embedded", lambda self, task: calls.append(1) or real(self, task))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    needed = 6 + 2 * 5
    for options, computed in (
        (["--no-store"], needed),
        (["--no-store"], needed),
        ([], needed),
        ([], 0),
        (["--store", tmp_path / "named"], needed),
        (["--store", tmp_path / "named"], 0),
        (["--store", tmp_path / "named", "--tasks", "8"], 2),
    ):
        calls.clear()
        first_value(breadth, *options)
        assert len(calls) == computed, options
    assert {p.name for p in tmp_path.iterdir()} == {"cache", "named"}
    assert len(list((tmp_path / "cache" / "breadth" / "embeddings").rglob("*.safetensors"))) == needed


def test_features_without_labels_have_the_other_metrics(breadth):
    code, said, beside = breadth("measure", "bare.npy")
    assert code == 0
    assert said.startswith("bare: 72 items\n  Vendi q=0.5, cosine")
    assert beside == "no labels, hence no tasks and no diversity coefficient; 95% intervals for this number of items\n"
    result = result_of(breadth("measure", "bare.npy", "--json"))
    assert [(s["name"], s["items"]) for s in result["sources"]] == [("bare", 72)]


def test_hostile_names_do_not_steer_page_or_terminal(breadth, desk):
    s = source("x")
    name = "<b>\x1b[31m.npz"
    np.savez(desk / name, images=s.inputs, labels=s.labels)
    out = desk / "hostile"
    code, said, beside = breadth("measure", name, "second.npz", *SMALL, *BARE, "--tasks", "3", "--out", out, "--mixture", "best")
    assert code == 0
    assert "<b>\x1b" not in (out / "index.html").read_text()
    assert "<b>\\x1b[31m\n  diversity" in said
    code, compared, _ = breadth("compare", out)
    assert compared.startswith("<b>\\x1b[31m against second\n")
    assert "\x1b" not in said + beside + compared


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["first.npz", "--memory", "lots"], "--memory is 'lots'; expected a size such as 800M or 2G"),
        (["first.npz", "--memory", "0"], "--memory is '0'; expected a size such as 800M or 2G"),
        (["first.npz", "--memory", "-1G"], "--memory is '-1G'; expected a size such as 800M or 2G"),
        (["first.npz", "--memory", "infG"], "--memory is 'infG'; expected a size such as 800M or 2G"),
        (["first.npz", "--memory", ""], "--memory is ''; expected a size such as 800M or 2G"),
        (["first.npz", "--tasks", "many"], "--tasks is 'many'; expected a whole number of 3 or more, or auto"),
        (["first.npz", "--tasks", "-4"], "--tasks is '-4'; expected a whole number of 3 or more, or auto"),
        (["first.npz", "--tasks", "4.5"], "--tasks is '4.5'; expected a whole number of 3 or more, or auto"),
        (["first.npz", "--tasks", "2"], "2 tasks were asked for; expected 3 or more, or 'auto'"),
        (["first.npz", "--tasks", "auto", "--precision", "0"],
         "a precision of 0 was asked for; expected a positive half-width, e.g. 0.01"),
        (["first.npz", "second.npz", "--mixture", "frist=1"],
         "--mixture is 'frist=1'; expected best, or NAME=WEIGHT,... with each name once, of: first, second"),
        (["first.npz", "second.npz", "--mixture", "first=0.5,first=0.5"],
         "--mixture is 'first=0.5,first=0.5'; expected best, or NAME=WEIGHT,... with each name once, of: first, second"),
        (["first.npz", "second.npz", "--mixture", "first=half"],
         "--mixture is 'first=half'; expected best, or NAME=WEIGHT,... with each name once, of: first, second"),
        (["first.npz", "second.npz", "--mixture", "first=0.5,second=0.6"],
         "--mixture is 'first=0.5,second=0.6'; expected weights of at least 0 that sum to 1"),
        (["first.npz", "second.npz", "--mixture", "first=-1,second=2"],
         "--mixture is 'first=-1,second=2'; expected weights of at least 0 that sum to 1"),
        (["first.npz", "second.npz", "--mixture", "first=nan"],
         "--mixture is 'first=nan'; expected weights of at least 0 that sum to 1"),
        (["first.npz", "--mixture", "best"],
         "--mixture is 'best' for the source 'first' alone; expected two or more sources: add one, or leave it out"),
        (["bare.npy"],
         "--no-rivals was given for 'bare', which has no labels and so no coefficient; expected the other metrics at least: leave it "
         "out, or name the labels with --label-col"),
        (["columns.npz", "--image-col", "middle"],
         "columns.npz has no array 'middle'; it holds kind, left, right; expected 'middle' and 'labels'"),
        (["columns.npz", "--image-col", "left", "--label-col", "knid"],
         "columns.npz has no array 'knid'; it holds kind, left, right; expected 'left' and 'knid'; did you mean 'kind'?"),
        (["v.npz", "bare.npy"],
         "'bare' has no classes and 'v' has; expected sources of one kind: measure features without labels apart"),
        (["bare.npy", "--mixture", "best"],
         "'bare' has no labels, hence no tasks; expected labelled sources with --out or --mixture: leave these out, or name the labels "
         "with --label-col"),
        (["first.npz", "v.npz"],
         "'first' holds inputs of shape [8, 8, 1], 'v' of shape [5]; expected inputs of one kind: measure images and vectors apart"),
        (["first.npz", "./first.npz"], "two sources are named 'first'; expected different names: give each source once, or rename a folder"),
        (["first.npz", "--weights", "none.safetensors"],
         "none.safetensors: no such weights file; give a .safetensors file or a PyTorch state dict"),
        (["first.npz", "--weights", "damaged.safetensors"],
         "damaged.safetensors: not readable as plain weights (Error while deserializing header: header too small); save a state dict of "
         "tensors, best as .safetensors"),
        (["first.npz", "--channels", "2"],
         "images of 8 px with 2 channels were asked for; expected 1 to 65535 px and 1 or 3 channels"),
        (["first.npz", "--size", "100000000"],
         "images of 100000000 px with 1 channels were asked for; expected 1 to 65535 px and 1 or 3 channels"),
        (["first.npz", "--split", "train"], "split='train' does not apply to the file first.npz; leave it out"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)  # fmt: skip
def test_what_cannot_be_measured_is_one_line(breadth, desk, arguments, message):
    (desk / "damaged.safetensors").write_bytes(b"\x00")
    # The last of an option counts.
    assert refusal(breadth("measure", *SMALL, *BARE, *arguments)) == message


def test_a_place_that_cannot_hold_the_page_is_known_before_anything_is_measured(breadth, desk, monkeypatch):
    monkeypatch.setattr(Task2Vec, "__call__", lambda self, task: pytest.fail("measured"))
    (desk / "taken").write_text("")
    said = refusal(breadth("measure", "first.npz", *SMALL, *BARE, "--out", "taken"))
    assert said == "taken: a file stands where a folder is needed; give another folder, or move the file away"


@pytest.fixture
def measured(breadth, tmp_path):
    places = {
        "a": ["first.npz", "second.npz"],
        "b": ["second.npz", "--seed", "1", "--limit", "90"],
        "c": ["first.npz", "--ways", "4"],
    }
    for name, arguments in places.items():
        (tmp_path / f"{name}.json").write_text(breadth("measure", *SMALL, *BARE, "--json", *arguments)[1])
    return tmp_path


def test_measurements_are_compared(breadth, measured):
    code, said, beside = breadth("compare", measured / "a.json")
    a, b = json.loads((measured / "a.json").read_text())["sources"]
    assert (code, beside) == (0, "")
    lines = said.splitlines()
    assert lines[0] == "first against second"
    assert f"{abs(a['diversity']['value'] - b['diversity']['value']):.4f} [" in lines[1]
    assert lines[2].startswith("  corrected    ")
    # The probe of another seed is another probe.
    result = result_of(breadth("compare", measured / "a.json", measured / "b.json", "--override", "--json"))
    names = [(c["a"], c["b"]) for c in result["comparisons"]]
    twice = [f"second ({measured / name}.json)" for name in "ab"]
    assert names == [("first", twice[1]), (twice[0], twice[1])]


def test_other_protocols_are_refused_or_warned_of(breadth, measured):
    said = refusal(breadth("compare", measured / "a.json", measured / "c.json"))
    assert said == (
        f"'first ({measured}/a.json)' and 'first ({measured}/c.json)' were measured under protocols that differ in ways (3 and 4); "
        "expected one protocol: measure both in the same way, or compare them all the same with --override (override=True)"
    )
    code, _, beside = breadth("compare", measured / "a.json", measured / "c.json", "--override")
    assert code == 0
    assert beside.splitlines() == [
        f"breadth: warning: '{a}' and 'first ({measured}/c.json)' were measured under protocols that differ in ways (3 and 4); what "
        "differs between them may come from that alone"
        for a in (f"first ({measured}/a.json)", "second")
    ] + ["2 pairs, 95% intervals for one pair each: some exclude 0 by chance"]


def test_files_that_cannot_be_compared_are_one_line(breadth, measured):
    (measured / "text.json").write_text("nothing")
    wanted = "give a file that breadth measure --out or --json > FILE has written"
    assert refusal(breadth("compare", "none.json")) == f"none.json: no such measurement; {wanted}"
    said = refusal(breadth("compare", measured / "a.json", measured / "text.json"))
    assert said == f"{measured}/text.json: no measurement of this version (JSONDecodeError); {wanted}"
    whole = json.loads((measured / "c.json").read_text())
    whole["sources"][0]["diversity"]["n"] = float("inf")
    (measured / "infinite.json").write_text(json.dumps(whole))
    said = refusal(breadth("compare", measured / "a.json", measured / "infinite.json"))
    assert said == f"{measured}/infinite.json: no measurement of this version (OverflowError); {wanted}"
    said = refusal(breadth("compare", measured / "c.json"))
    assert said == f"{measured}/c.json holds the source 'first' alone; expected two or more sources, or a second measurement"


def test_brackets_in_a_name_are_no_markup_of_the_bar(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("COLUMNS", "200")
    with progress_bar("measure", quiet=False) as show:
        show(0.5, 10.0, "birds[/x]")
    assert "birds[/x]" in sys.stderr.getvalue()
