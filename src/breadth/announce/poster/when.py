"""Dates, weekdays and times as people write them, read only to be compared: ``7/28``, ``July 28, 2023``, ``11:45 AM``."""

from __future__ import annotations

import calendar
import datetime
import re
from dataclasses import dataclass

__all__ = ["DATE", "TIME", "WEEKDAY", "Day", "day", "minutes", "weekday"]

_MONTHS = tuple(m.lower() for m in calendar.month_abbr)
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
DATE = re.compile(
    rf"(?<![\w/.-])(?:\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}/\d{{1,2}}(?:/\d{{4}}|/\d{{2}})?|\d{{1,2}}\.\d{{1,2}}\.(?:\d{{4}})?"
    rf"|{_MONTH}\s+{_DAY}(?:,?\s+\d{{4}})?|{_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+\d{{4}})?)(?![\w/])",
    re.IGNORECASE,
)
_HALF = r"(?:[AP]\.M\.|[AP]M\b)"
TIME = re.compile(
    rf"(?<![\w:.])(?:\d{{1,2}}:\d{{2}}(?:\s?{_HALF})?|\d{{1,2}}\s?{_HALF}|\d{{1,2}}(?=\s?(?:[-–—]|to)\s?\d{{1,2}}(?::\d{{2}})?\s?{_HALF}))(?![\w:])",
    re.IGNORECASE,
)
WEEKDAY = re.compile(r"\b(?:(?:Mon|Tues?|Wednes|Thurs?|Fri|Satur|Sun)day|Mon|Tues?|Wed|Thurs?|Thu|Fri|Sat)\b\.?", re.IGNORECASE)


@dataclass(frozen=True)
class Day:
    """What a written date can mean. readings: (month, day), two where 7/8 may be July or August; year: None where none is written."""

    readings: tuple[tuple[int, int], ...]
    year: int | None

    def dates(self, year: int) -> tuple[datetime.date, ...]:
        """Return the dates of that year, without those that no calendar has."""
        return tuple(datetime.date(year, m, d) for m, d in self.readings if d <= calendar.monthrange(year, m)[1])


def day(text: str) -> Day | None:
    """Return what a date means, or None where it cannot be read."""
    if not DATE.fullmatch(text):
        return None
    numbers = [int(n) for n in re.findall(r"\d+", text)]
    named = re.search(_MONTH, text, re.IGNORECASE)
    year = next((n for n in numbers if n > 999), None)
    if re.fullmatch(r"\d{4}-.*", text):
        pairs = {(numbers[1], numbers[2])}
    elif named:
        pairs = {(_MONTHS.index(named[0][:3].lower()), numbers[0])}
    else:
        year = 2000 + numbers[2] if len(numbers) == 3 and numbers[2] < 100 else year
        pairs = {(numbers[1], numbers[0])} if "." in text else {(numbers[0], numbers[1]), (numbers[1], numbers[0])}
    readings = tuple(sorted((m, d) for m, d in pairs if 1 <= m <= 12 and 1 <= d <= calendar.monthrange(2024, m)[1]))
    return Day(readings, year) if readings else None


def weekday(text: str) -> int | None:
    """Return the weekday, Monday 0, or None."""
    if not WEEKDAY.fullmatch(text):
        return None
    return [d[:2].lower() for d in calendar.day_name].index(text[:2].lower())


def minutes(text: str) -> int | None:
    """Return minutes since midnight, or None where the time cannot be read."""
    found = re.fullmatch(r"(\d{1,2})(?::(\d{2}))?\s?([AP])?\.?M?\.?", text, re.IGNORECASE)
    if not found:
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").upper()
    if hour > (12 if half else 24) or minute > 59:
        return None
    if half:
        hour = hour % 12 + (12 if half == "P" else 0)
    return 60 * hour + minute
