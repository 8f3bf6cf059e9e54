"""Options of ``breadth measure`` that were given and change nothing in this call: each is said, none is passed over in silence."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence

from breadth.data.images import LabeledSet
from breadth.errors import MeasureError
from breadth.measure.settings import Settings
from breadth.measure.task2vec import DRAWING

__all__ = ["idle_options", "tell_idle"]

# What only tasks need, of which features without labels have none.
OF_TASKS = (
    "arithmetic", "draws", "estimator", "filters", "head", "no_store", "per_class", "precision", "probe", "probe_seed", "ridge",
    "scale", "store", "tasks", "ways", "weights",
)  # fmt: skip
OF_IMAGES = ("channels", "size")
OF_TEXT = ("by", "encoder", "interleave", "length", "sequences", "text_col", "text_probe", "tokenizer")


def idle_options(given: Collection[str], settings: Settings, sets: Sequence[LabeledSet], *, bare: bool) -> dict[str, str]:
    """Return option -> why it has no effect, for those of ``given`` (by parameter name) that have none.

    bare: the sets are features without labels. Raises MeasureError for ``--no-rivals`` of these, which leaves nothing to measure.
    """
    if bare and not settings.rivals:
        raise MeasureError(
            f"--no-rivals was given for '{sets[0].name}', which has no labels and so no coefficient; expected the other metrics at "
            "least: leave it out, or name the labels with --label-col"
        )
    why = dict.fromkeys(OF_TEXT, "it belongs to text; --text says that the sources are text")
    if not sets[0].is_images:
        why |= dict.fromkeys(OF_IMAGES, "the sources hold vectors, not images")
    if bare:
        why |= dict.fromkeys(OF_TASKS, "features without labels have no tasks")
    else:
        why |= _of_the_rest(settings, sets[0].is_images)
    return {name: why[name] for name in why if name in given}


def _of_the_rest(settings: Settings, images: bool) -> Mapping[str, str]:
    why = {}
    if not images:
        why["probe"] = "vectors are seen through an mlp probe"
    elif settings.probe in ("resnet12", "resnet18", "resnet34"):
        why["filters"] = f"{settings.probe} has its own width"
    if settings.tasks != "auto":
        why["precision"] = "it belongs to --tasks auto"
    if settings.estimator not in DRAWING:
        why["draws"] = f"the {settings.estimator} estimator draws no labels so often; rademacher and monte_carlo do"
    if settings.head == "adam":
        why["ridge"] = "it belongs to --head ridge"
    if settings.estimator == "awslabs":
        why |= dict.fromkeys(("head", "ridge"), "the awslabs estimator has a head of its own")
    if settings.weights is not None:
        why["probe_seed"] = "the weights are given"
    return why


def tell_idle(found: Mapping[str, str]) -> None:
    """Say each on a line of its own, beside the results."""
    for name, why in found.items():
        print(f"breadth: note: --{name.replace('_', '-')} has no effect here: {why}", file=sys.stderr)
