"""The x-axis: data -> diversity coefficient. Must not see a trained learner (only a frozen probe that is handed in).

The room can be called: ``breadth.measure("digits")`` is ``breadth measure digits`` in Python.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from breadth.measure.measurement import Measurement
    from breadth.measure.settings import Settings
    from breadth.measure.text.measurement import TextMeasurement


class _Room(ModuleType):
    def __call__(self, *sources: Any, settings: Settings | None = None, **options: Any) -> Measurement | TextMeasurement:
        """Measure each source, the distances between them, the scale and the other metrics.

        sources: whatever ``breadth.data.formats.load`` takes: a folder, a file, a name such as "digits", a data set in memory.
        options: fields of ``breadth.measure.settings.Settings`` by name, e.g. ``tasks=50, probe="conv"``; settings: all of them at once.

            >>> breadth.measure("digits", probe="conv-stride", tasks=12)

        Text, by the ending of its file ("corpus.txt"), is seen through the default probe of text, see ``breadth.measure.text.default``; options
        are then fields of ``breadth.measure.text.survey.TextSettings``. For tables, other tokenisers and probes call ``measure_text`` there.

        Raises DataError or MeasureError where a source or an option cannot be used.
        """
        from breadth.data.text.places import is_text

        if settings is None and sources and all(isinstance(s, str | Path) and is_text(str(s)) for s in sources):
            from breadth.measure.text.survey import measure_places

            return measure_places([str(s) for s in sources], options)
        from breadth.measure.settings import with_options  # loads torch
        from breadth.measure.survey import survey

        return survey(sources, with_options(settings, options))


sys.modules[__name__].__class__ = _Room
