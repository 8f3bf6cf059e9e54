"""The example of a good ad, its facts and its draft, for tests of the poster ad."""

import datetime

from breadth.announce.poster import PosterFacts, poster

TODAY = datetime.date(2023, 7, 1)
EXAMPLE = """\
Visit LeanDojo's poster and talk to us about LLMs for theorem proving!
7/28 Friday, 11:45 AM – 12:15 PM, room 301,
@ the ICML Knowledge and Logical Reasoning in the Era of Data-driven Learning workshop.
"""
GIVEN = {
    "name": "LeanDojo",
    "title": "LeanDojo: Theorem Proving with Retrieval-Augmented Language Models",
    "authors": ["Kaiyu Yang", "Aidan M. Swope", "Alex Gu"],
    "topic": "LLMs for theorem proving",
    "date": "7/28",
    "weekday": "Friday",
    "start": "11:45 AM",
    "end": "12:15 PM",
    "zone": "",
    "room": "301",
    "event": "the ICML Knowledge and Logical Reasoning in the Era of Data-driven Learning workshop",
    "paper_url": "https://arxiv.org/abs/2306.15626",
    "code_url": "https://github.com/lean-dojo/LeanDojo",
    "hashtags": ["ICML2023"],
    "handles": {"Kaiyu Yang": "@KaiyuYang4"},
}


def facts(**changes):
    return PosterFacts.model_validate({k: v for k, v in {**GIVEN, **changes}.items() if v is not None})


def made(draft="", today=TODAY, **changed):
    return poster(facts(**changed), draft, today=today)


def told(result, id):
    return [p.message for p in result.problems if p.id == id]
