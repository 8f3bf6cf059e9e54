"""Posting a thread's folder to Bluesky or Mastodon: shown by default, sent only on demand, never twice."""

from breadth.announce.send.plan import Facet, Outgoing, Sending, Target, described, plan_sending
from breadth.announce.send.send import Sent, send

__all__ = ["Facet", "Outgoing", "Sending", "Sent", "Target", "described", "plan_sending", "send"]
