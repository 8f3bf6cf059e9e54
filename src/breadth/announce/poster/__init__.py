"""A poster slot as an ad in three lengths, and what could be better about the author's draft; facts stay as they are given."""

from breadth.announce.poster.facts import PosterFacts, read_poster_facts
from breadth.announce.poster.feedback import Feedback
from breadth.announce.poster.poster import Poster, poster
from breadth.announce.poster.write import Ads

__all__ = ["Ads", "Feedback", "Poster", "PosterFacts", "poster", "read_poster_facts"]
