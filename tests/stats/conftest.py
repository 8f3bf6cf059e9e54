"""Lets the tests import ``oracle`` from the tests folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
