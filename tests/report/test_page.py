"""The page stands alone, escapes what it is given, and says no more than the verdict."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import get_args

import pytest
from analyses import NAN, make_analysis

from breadth.report import page
from breadth.report.checklist import checklist
from breadth.report.figure import draw, svg
from breadth.report.words import VERDICT_SENTENCES, verdict_sentence, winner_sentence
from breadth.stats.interval import Estimate
from breadth.study.finding import AuditRow, Fit, Verdict

STRONG = re.compile(
    r"\b(shows?|proves?|proven|improves?|causes?|because of|leads to|demonstrates?|boosts?|explains?)\b", re.IGNORECASE
)
VOID = {"meta", "br", "img", "link", "hr", "input"}


class Reader(HTMLParser):
    """Checks that tags are closed in order; keeps tags, attributes, ids and words."""

    def __init__(self):
        super().__init__()
        self.open, self.attributes, self.ids, self.words, self.tags = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.ids += [v for k, v in attrs if k == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open[-1:] == [tag], f"</{tag}> closes <{self.open[-1:]}>"
        self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def read(text):
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return reader


def loads(text):
    """Addresses that a browser would fetch: src, href, url(), @import, leaving out fragments of the page itself."""
    found = re.findall(r"""(?:src|href|srcset|action|data)\s*=\s*["']([^"']*)""", text) + re.findall(r"url\(([^)]*)\)", text)
    return [f for f in found + re.findall(r"@import[^;]*", text) if not f.startswith("#")]


@pytest.mark.parametrize("n", [1, 8, 60])
def test_the_page_is_whole_and_loads_nothing(tmp_path, n):
    path = page.write(make_analysis(n), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["index.html"]
    assert path == tmp_path / "index.html"
    text = path.read_text(encoding="utf-8")
    reader = read(text)
    assert loads(text) == []
    assert "http" not in text
    assert "script" not in reader.tags
    assert len(reader.ids) == len(set(reader.ids))
    used = set(re.findall(r"url\(#([^)]*)\)", text)) | set(re.findall(r'href="#([^"]*)"', text))
    assert used
    assert used <= set(reader.ids)
    assert not re.search(r"\bnan\b", " ".join(reader.words))


def test_the_check_for_loads_finds_one():
    assert loads('<img src="http://a/b.png"><style>@import "x"; a { background: url(http://c) }</style><use href="#here"/>') == [
        "http://a/b.png",
        "http://c",
        '@import "x"',
    ]


def test_the_same_analysis_gives_the_same_bytes(tmp_path):
    assert page.write(make_analysis(), tmp_path / "a").read_bytes() == page.write(make_analysis(), tmp_path / "b").read_bytes()


def test_words_of_the_study_are_escaped(tmp_path):
    evil = "<script>alert('x')</script>"
    a = make_analysis(8, title=evil, name=evil)
    a = replace(
        a,
        question=evil,
        reasons=(evil,),
        caveats=(evil,),
        audit=(AuditRow(evil, "unknown", evil),),
        protocol={"command": evil, "x": evil},
        series=tuple(replace(s, probe=evil, notes=(evil,)) for s in a.series),
        baselines=(replace(a.baselines[0], name=evil),),
        findings=(replace(a.findings[0], statement=evil, caveats=(evil,), run_ids=(evil,)),),
    )
    text = page.write(a, tmp_path).read_text(encoding="utf-8")
    assert "<script" not in text
    assert "script" not in read(text).tags
    assert text.count("&lt;script&gt;") > 10


@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_the_badge_says_no_more_than_the_verdict(verdict, tmp_path):
    a = make_analysis(8, verdict=verdict)
    text = page.write(a, tmp_path).read_text(encoding="utf-8")
    sentence = re.search(r'<p id="verdict-sentence">(.*?)</p>', text, flags=re.DOTALL)[1]
    assert sentence == VERDICT_SENTENCES[verdict] == verdict_sentence(a)
    assert not STRONG.search(sentence)
    assert f'<span class="chip {verdict}">{verdict}</span>' in text
    if verdict in ("inconclusive", "confounded"):
        assert "claimed" in sentence
        assert "better" not in sentence


def test_the_word_check_fails_on_a_strong_word():
    assert STRONG.search("This shows that diversity improves accuracy.")


def test_a_confounded_badge_names_the_violated_controls_and_the_audit_marks_them(tmp_path):
    a = make_analysis(8, verdict="confounded")
    a = replace(a, audit=(*a.audit, AuditRow("images seen", "differs", "9,000 to 90,000", violation=True)))
    text = page.write(a, tmp_path).read_text(encoding="utf-8")
    assert verdict_sentence(a).endswith("Violated: images seen.")
    assert re.search(r'<tr class="bad"><td>images seen</td><td class="status s-violated">differs \(violation\)</td>', text)
    assert '<tr class="bad"><td>Is it only the amount of data?</td><td class="status s-violated">violated</td>' in text
    assert '<tr class="bad"><td>architecture' not in text


def test_the_caption_says_which_finite_data_the_intervals_are_for(analysis):
    said = page.scope(analysis)
    assert "each of the 8 training sets" in said
    assert "(dtd10_textures, gtsrb_signs)" in said
    assert said in " ".join(read(page.render(analysis, svg(draw(analysis)))).words)
    assert "suite. Corr" in page.scope(replace(analysis, protocol={}))
    own = page.scope(replace(analysis, protocol={"evaluation": {"data": "own"}}))
    assert "Each training set is scored on its own held-out classes." in own
    assert "one fixed" not in own


def test_protocol_and_command_are_shown_only_where_they_exist(analysis):
    text = " ".join(read(page.render(analysis, svg(draw(analysis)))).words)
    assert "breadth run studies/example.toml" in text
    assert "How to reproduce" in text
    assert json.dumps(analysis.protocol, indent=2, sort_keys=True) in text
    bare = replace(analysis, protocol={})
    assert "How to reproduce" not in page.render(bare, svg(draw(bare)))


def test_points_that_cannot_be_drawn_are_counted(analysis):
    main = analysis.series[0]
    holed = replace(main, points=(replace(main.points[0], y=NAN, x_low=NAN), replace(main.points[1], x_low=NAN), *main.points[2:]))
    a = replace(analysis, series=(holed,))
    text = page.render(a, svg(draw(a)))
    assert "1 point could not be drawn" in text
    assert "A point without a bar has no estimable interval." in text


def test_the_caption_says_what_vertical_bars_are_over_series_by_series(analysis):
    plain = page.render(analysis, svg(draw(analysis)))
    assert "Vertical bars" not in plain
    assert "episodes" not in page.scope(analysis)
    seeds, single = "over 2 seeds, spread pooled over training sets", "over the 300 episodes of the suite, one seed"
    told = replace(analysis, series=tuple(replace(s, bars=seeds if s.learner == "PT" else single) for s in analysis.series))
    text = page.render(told, svg(draw(told)))
    assert f"Vertical bars of PT accuracy and loss: {seeds}. Vertical bars of MAML accuracy and loss: {single}." in text
    alike = replace(analysis, series=tuple(replace(s, bars=seeds) for s in analysis.series))
    assert f"Vertical bars of PT accuracy and loss; MAML accuracy and loss: {seeds}." in page.render(alike, svg(draw(alike)))
    part = replace(analysis, series=(replace(analysis.series[0], bars=seeds), *analysis.series[1:]))
    assert f"Vertical bars of PT accuracy: {seeds}. Lines" in page.render(part, svg(draw(part)))


def test_training_sets_are_a_table_that_folds(analysis):
    text = page.render(analysis, svg(draw(analysis)))
    folded = text[text.index("<h2>Training sets</h2>") : text.index("<h2>Protocol</h2>")]
    assert "<details><summary>9 measurements" in folded
    assert folded.count("<tr>") == 1 + len(analysis.measures)
    assert "disjoint items, 20 a class" in folded
    none = replace(analysis, measures=())
    assert "<h2>Training sets</h2>" not in page.render(none, svg(draw(none)))


def test_themed_needs_a_figure():
    with pytest.raises(ValueError, match=r"^figure_svg has no viewBox, expected SVG text of breadth\.report\.figure\.svg$"):
        page.themed("<svg><g/></svg>", "f", "x")


@pytest.mark.parametrize(
    ("winners", "expected"),
    [
        ((), "PT and MAML were not compared in this study."),
        (("PT", "PT"), "PT scored higher in each of the 2 evaluation conditions."),
        (("PT", "MAML"), "No winner is claimed: the 2 evaluation conditions do not all decide for the same method."),
        (("PT", "undecided"), "No winner is claimed: the 2 evaluation conditions do not all decide for the same method."),
        (("MAML",), "No winner is claimed: the methods were compared under one evaluation condition only."),
        (("equivalent", "equivalent"),
         "PT and MAML are equivalent in each of the 2 evaluation conditions, to within 0.01: the published threshold, a constant of the "
         "software."),
    ],
)  # fmt: skip
def test_a_winner_is_named_only_where_all_conditions_agree(analysis, winners, expected):
    assert winner_sentence(tuple(replace(analysis.comparisons[0], winner=w) for w in winners)) == expected


def test_several_learners_are_told_pair_by_pair_and_described_ones_left_out(analysis):
    c = analysis.comparisons[0]
    pt, anil = replace(c, winner="PT"), replace(c, second="ANIL", winner="undecided")
    described = replace(c, first="ANIL", described=True, winner="described")
    assert winner_sentence((pt, pt, anil, anil, described)) == (
        "PT against MAML: PT scored higher in each of the 2 evaluation conditions. "
        "PT against ANIL: No winner is claimed: the 2 evaluation conditions do not all decide for the same method."
    )
    assert winner_sentence((described,)) == "PT and MAML were not compared in this study."


def statuses(a):
    return {q.question.split("only ")[-1]: q.status for q in checklist(a)}


def test_the_checklist_is_read_off_the_analysis():
    a = make_analysis(8, probes=2)
    assert [q.status for q in checklist(a)] == [
        "controlled",
        "controlled",
        "adjusted",
        "adjusted",
        "controlled",
        "controlled",
        "not addressed",  # no finding of it holds a robustness value
        "controlled",
        "controlled",
    ]
    bare = replace(
        a, audit=(), series=tuple(replace(s, estimates={"Pearson r": Estimate(0.1, 0, 0.2, 0.95, 8, "t")}) for s in a.series[::2])
    )
    assert [q.status for q in checklist(bare)] == ["not addressed"] * 8 + ["depends"]
    one = replace(bare, series=bare.series[:1])
    assert checklist(one)[-1].status == "not addressed"
    assert {q.status for q in checklist(replace(bare, series=()))} == {"not addressed"}


def test_class_names_in_common_are_said_without_deciding(analysis):
    by = {q.question: q for q in checklist(analysis)}
    answer = by["Did evaluation items leak into the training data?"]
    assert answer.status == "controlled"
    assert answer.detail == "overlap: equal (0 exact, 0 near); class names in common with the suite: differs (2 of 8 training sets)"
    assert by["Is it only the number of classes?"].detail == "classes: equal (40)"


def test_an_unknown_or_differing_control_is_not_called_controlled(analysis):
    for status in ("unknown", "differs"):
        a = replace(
            analysis,
            audit=(
                AuditRow("overlap", status, "?"),
                AuditRow("images per class", "equal", "18"),
                AuditRow("images seen", status, "?"),
            ),
        )
        by = {q.question: q for q in checklist(a)}
        assert by["Did evaluation items leak into the training data?"].status == "not addressed"
        assert by["Is it only the amount of data?"].status == "not addressed"


def test_an_adjustment_that_could_not_be_estimated_does_not_count(analysis):
    gone = {"adjusted slope per SD": Estimate(NAN, NAN, NAN, 0.95, 8, "adjusted for alignment and complexity; domains as blocks")}
    a = replace(
        analysis,
        protocol={"covariates": ["alignment"]},
        series=tuple(replace(s, estimates=gone, fit=Fit((), (), (), ())) for s in analysis.series),
    )
    assert [q.status for q in checklist(a)][2:4] == ["not addressed"] * 2
    assert checklist(a)[5].status == "not addressed"


def test_leave_one_domain_out_and_disagreeing_probes_are_said():
    a = make_analysis(8, probes=2)
    flip, slope, less, back = (Estimate(v, NAN, NAN, 0.95, 8, "t") for v in (-0.4, 0.02, 0.01, -0.01))

    def ask(last):
        series = []
        for s in a.series:
            r = flip if s.probe.startswith("random") else s.estimates["Pearson r"]
            known = {"Pearson r": r, "slope per SD": slope, "slope per SD without a": less, "slope per SD without b": last}
            series.append(replace(s, estimates=known))
        return {q.question: q for q in checklist(replace(a, series=tuple(series)))}

    by = ask(slope)
    assert by["Does one domain carry the result?"].status == "controlled"
    assert (
        by["Does one domain carry the result?"].detail
        == "slope per SD without any one of 2 domains: 0.010 to 0.020; with all: 0.020"
    )
    assert ask(back)["Does one domain carry the result?"].status == "depends"
    assert by["Does it depend on the probe network?"].status == "depends"
    assert by["Does it depend on the probe network?"].detail.startswith(
        "2 probes do not point the same way (trained-resnet18: r = "
    )
    assert "2 metrics point the same way" in by["Does it depend on the metric?"].detail


def test_correlations_that_cannot_be_estimated_agree_about_nothing():
    probe, metric = checklist(make_analysis(1, probes=2))[-2:]
    assert (probe.status, metric.status) == ("not addressed", "not addressed")
    assert metric.detail == "cannot be told (accuracy: r = not estimable, loss: r = not estimable)"


def test_the_audit_shows_all_three_states(analysis):
    text = page.render(analysis, svg(draw(analysis)))
    for status in ("equal", "differs", "unknown"):
        assert f'<td class="status s-{status}">{status}</td>' in text
    assert "No control was audited." in page.render(replace(analysis, audit=()), svg(draw(analysis)))
