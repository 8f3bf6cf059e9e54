"""How figures look, and how their bytes stay the same: colours, sizes, fixed file metadata."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

__all__ = [
    "HEAT",
    "HEAT_AGAINST",
    "INK",
    "MUTED",
    "PAPER",
    "VERDICT_COLOURS",
    "WIDTH",
    "colour_of",
    "encode",
    "marker_of",
    "styled",
    "tint",
]

WIDTH = 7.2  # inches: the full text width of a two-column paper, so that sizes below are sizes in print
INK, MUTED, PAPER = "#1b1f24", "#5b6470", "#fffffe"
# Okabe and Ito's palette, safe for colour-blind readers; PT and MAML keep theirs in every study.
COLOURS = {"PT": "#0072b2", "MAML": "#d55e00"}
MARKERS = {"PT": "o", "MAML": "D"}
_MORE_COLOURS = ("#009e73", "#cc79a7", "#8a6d00", "#56b4e9")
_MORE_MARKERS = ("s", "^", "v", "P")
VERDICT_COLOURS = {"supported": "#117733", "refuted": "#882255", "inconclusive": "#5b6470", "confounded": "#a34700"}

# Heat maps: one hue for more, another for the other direction; ink and paper change places as the colour of words at 0.7 of the full hue.
HEAT, HEAT_AGAINST = "#004c78", "#8f3e00"

_RC: dict[str, Any] = {
    "font.family": "sans-serif",
    # Verdana has the letter widths of DejaVu Sans: an SVG read where DejaVu is missing keeps its layout.
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Geneva", "sans-serif"],
    "font.size": 9, "axes.labelsize": 9, "axes.titlesize": 9.5, "xtick.labelsize": 9, "ytick.labelsize": 9, "legend.fontsize": 9,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": MUTED, "xtick.color": MUTED, "ytick.color": MUTED,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "axes.linewidth": 0.8, "axes.unicode_minus": True, "text.parse_math": False,
    "axes.facecolor": "none", "figure.facecolor": PAPER, "savefig.facecolor": PAPER,
    "svg.fonttype": "none", "svg.hashsalt": "breadth", "pdf.fonttype": 42, "path.simplify": False,
}  # fmt: skip


@contextmanager
def styled() -> Iterator[None]:
    """Apply the house style to what is drawn or saved inside, and nothing outside (a user's matplotlibrc is set aside too)."""
    drawing = {k: v for k, v in mpl.rcParamsDefault.items() if not k.startswith(("backend", "interactive", "keymap", "toolbar"))}
    with warnings.catch_warnings(), mpl.rc_context(drawing | _RC):  # type: ignore[arg-type]
        # A name in a script that the font lacks stays text in SVG, where the reader's fonts show it, and is boxes in PNG.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def colour_of(learner: str, learners: Sequence[str]) -> str:
    """Return the colour of a learner: fixed for PT and MAML (in either case), by order of appearance for others."""
    others = [name for name in learners if name.upper() not in COLOURS]
    return COLOURS.get(learner.upper()) or _MORE_COLOURS[others.index(learner) % len(_MORE_COLOURS)]


def marker_of(learner: str, learners: Sequence[str]) -> str:
    """Return the marker of a learner, so that the series differ without colour too."""
    others = [name for name in learners if name.upper() not in MARKERS]
    return MARKERS.get(learner.upper()) or _MORE_MARKERS[others.index(learner) % len(_MORE_MARKERS)]


def tint(colour: str, amount: float) -> tuple[float, float, float, float]:
    """Return ``colour`` with opacity ``amount``: over paper, 0 is paper and 1 the full colour, on light and on dark alike."""
    return (*to_rgb(colour), amount)


def encode(figure: Figure, kind: str) -> bytes:
    """Return the file of a figure as bytes that depend on its content only: no dates, no random ids.

    kind: "png" (200 dpi), "svg" or "pdf".
    """
    metadata: dict[str, dict[str, Any]] = {
        "png": {"Software": None},
        "svg": {"Date": None, "Creator": None},
        "pdf": {"CreationDate": None, "Producer": None, "Creator": "breadth"},
    }
    buffer = io.BytesIO()
    with styled():
        figure.savefig(buffer, format=kind, dpi=200, metadata=metadata[kind])
    return buffer.getvalue()
