"""``python -m breadth`` is the command ``breadth``."""

from breadth.cli.app import main

main()
