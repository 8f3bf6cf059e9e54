"""Abbreviations are written out at their first use, in the paper's own words."""

from dataclasses import replace

from announce.sources import SOURCE, TITLE
from breadth.announce.source import Sentence
from breadth.announce.write.abbreviations import introduced, written_out
from breadth.announce.write.planned import Planned


def source_with(*texts):
    count = len(SOURCE.sentences)
    more = tuple(Sentence(count + n, 2, text, "1 Introduction", "body", "p. 2") for n, text in enumerate(texts, 1))
    return replace(SOURCE, sentences=SOURCE.sentences + more)


INTRODUCING = (
    "We use step-by-step (SBS) prompts, fine-tuned large language models (LLMs), and Big Old Letters (BOL) of many kinds (Etc)."
)


def said(*texts, room=273, title=TITLE):
    posts = [Planned("result", t, ()) for t in texts]
    return [p.text for p in written_out(posts, source_with(INTRODUCING), title, len, room)]


def test_introduced():
    found = introduced(source_with(INTRODUCING))
    assert {k: v[0] for k, v in found.items() if k in ("SBS", "LLM", "BOL", "Etc")} == {
        "SBS": "step-by-step",
        "LLM": "large language models",
        "BOL": "Big Old Letters",
    }
    assert found["SBS"][1].text == INTRODUCING


def test_only_the_first_use_is_written_out_and_its_sentence_is_evidence():
    assert said("SBS prompts help.", "The SBS prompts help.") == ["Step-by-step (SBS) prompts help.", "The SBS prompts help."]
    posts = written_out([Planned("result", "All SBS prompts help.", ())], source_with(INTRODUCING), TITLE, len, 273)
    assert [(p.text, [q.text for q in p.evidence]) for p in posts] == [("All step-by-step (SBS) prompts help.", [INTRODUCING])]


def test_what_everyone_knows_what_the_post_says_itself_and_what_has_no_room_stays():
    assert said("LLMs help.") == ["LLMs help."]
    for text in ("Big Old Letters (BOL) help.", "With step-by-step help, SBS helps."):
        assert said(text) == [text]
    assert said("Big Old Letters (BOL) help.", "BOL help.")[1] == "BOL help."
    assert said("SBS prompts help.", room=20) == ["SBS prompts help."]
    assert said("SBS prompts help.", title="SBS for All") == ["SBS prompts help."]
    assert said("SBS-like prompts help.") == ["SBS-like prompts help."]
