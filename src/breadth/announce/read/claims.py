"""What a paper claims: its contributions, its results, and what it says against itself."""

from breadth.announce.read.contributions import contributions
from breadth.announce.read.limitations import limitations
from breadth.announce.read.results import results

__all__ = ["contributions", "limitations", "results"]
