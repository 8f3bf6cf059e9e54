"""The x-axis: data -> diversity coefficient. Must not see a trained learner (only a frozen probe that is handed in).

The room can be called: ``breadth.measure("digits")`` is ``breadth measure digits`` in Python.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from breadth.measure.measurement import Measurement
    from breadth.measure.settings import Settings


class _Room(ModuleType):
    def __call__(self, *sources: Any, settings: Settings | None = None, **options: Any) -> Measurement:
        """Measure each source, the distances between them, the scale and the other metrics.

        sources: whatever ``breadth.data.formats.load`` takes: a folder, a file, a name such as "digits", a data set in memory.
        options: fields of ``breadth.measure.settings.Settings`` by name, e.g. ``tasks=50, probe="conv"``; settings: all of them at once.

            >>> breadth.measure("digits", probe="conv-stride", tasks=12)

        Raises DataError or MeasureError where a source or an option cannot be used.
        """
        from breadth.measure.settings import with_options  # loads torch
        from breadth.measure.survey import survey

        return survey(sources, with_options(settings, options))


sys.modules[__name__].__class__ = _Room
