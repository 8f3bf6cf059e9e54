"""Dates, weekdays and times as people write them, read only to be compared: ``7/28``, ``July 28, 2023``, ``11:45 AM``, ``noon``."""

from __future__ import annotations

import calendar
import datetime
import re
from dataclasses import dataclass

__all__ = ["DATE", "DAY_ALONE", "TIME", "WEEKDAY", "Day", "clock", "day", "day_alone", "minutes", "weekday"]

_MONTHS = tuple(m.lower() for m in calendar.month_abbr)
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_ONES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_TEENS = ("tenth", "eleventh", "twelfth", *(f"{n}teenth" for n in ("thir", "four", "fif", "six", "seven", "eigh", "nine")))
_SPELLED = {
    word: n
    for n, word in enumerate((*_ONES, *_TEENS, "twentieth", *(f"twenty-{o}" for o in _ONES), "thirtieth", "thirty-first"), 1)
}
_WORDS = "|".join(sorted((w.replace("-", "[- ]") for w in _SPELLED), key=len, reverse=True))
_DAY = rf"(?:\d{{1,2}}(?:st|nd|rd|th)?|{_WORDS})"
DATE = re.compile(
    rf"(?<![\w/.-])(?:\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}/\d{{1,2}}(?:/\d{{4}}|/\d{{2}})?|\d{{1,2}}\.\d{{1,2}}\.(?:\d{{4}})?"
    rf"|{_MONTH}\s+{_DAY}(?:,?\s+\d{{4}})?|{_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+\d{{4}})?)(?![\w/])",
    re.IGNORECASE,
)
# "the 29th", which the month is to be guessed of; "the 29th floor" and "the 29th conference" are none.
DAY_ALONE = re.compile(
    r"(?<![\w/.-])(?:(?<=\bthe )|(?<=day )|(?<=day, )|(?<=\b(?:mon|tue|wed|thu|fri|sat) )|(?<=\bon ))"
    r"(?:\d{1,2}(?:st|nd|rd|th)|twenty[- ]\w{4,7}(?<=[dth])|thirtieth)"
    r"(?=\s*(?:$|[.,;:!?)–—@-]|\d|(?:at|from|in|between|until|to|and|or|starting|this|next|room|noon|\w{3,6}day|mon|tue|wed|thu|fri|sat)\b))",
    re.IGNORECASE | re.MULTILINE,
)
_HALF = r"(?:[AP]\.M\.|[AP]M\b)"
_HOUR = r"\d{1,2}"
TIME = re.compile(
    rf"(?<![\w:.])(?:(?:12(?::00)?\s)?(?:noon|midday|midnight)|{_HOUR}[:h]\d{{2}}(?:\s?{_HALF})?|{_HOUR}\.\d{{2}}\s?{_HALF}|{_HOUR}\s?{_HALF}"
    rf"|{_HOUR}\s?o['’]clock(?:\s?{_HALF})?|{_HOUR}(?=\s?(?:[-–—]|to)\s?{_HOUR}(?::\d{{2}})?\s?{_HALF})"
    rf"|(?<=\bat ){_HOUR}(?=\s*(?:$|[,;!?)\n]|\.(?!\d)|(?:on|to|until)\b|in (?:the (?:morn|after|even)|room|hall))))(?![\w:])",
    re.IGNORECASE | re.MULTILINE,
)
WEEKDAY = re.compile(r"\b(?:(?:Mon|Tues?|Wednes|Thurs?|Fri|Satur|Sun)day|Mon|Tues?|Wed|Thurs?|Thu|Fri|Sat)\b\.?", re.IGNORECASE)


@dataclass(frozen=True)
class Day:
    """What a written date can mean. readings: (month, day), two where 7/8 may be July or August; year: None where none is written."""

    readings: tuple[tuple[int, int], ...]
    year: int | None

    def may_be(self, other: Day) -> bool:
        """Return whether both can mean one day; month 0 and no year are open."""
        near = any(d == e and (m == n or not m or not n) for m, d in self.readings for n, e in other.readings)
        return near and (self.year is None or other.year is None or self.year == other.year)

    def dates(self, year: int) -> tuple[datetime.date, ...]:
        """Return the dates of that year, without those that no calendar has."""
        return tuple(datetime.date(year, m, d) for m, d in self.readings if d <= calendar.monthrange(year, m)[1])


def day(text: str) -> Day | None:
    """Return what a date means, or None where it cannot be read."""
    if not DATE.fullmatch(text):
        return None
    numbers = [int(n) for n in re.findall(r"\d+", _in_digits(text))]
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


def day_alone(text: str) -> Day:
    """Return what "29th" means: that day of any month."""
    return Day(((0, int(re.findall(r"\d+", _in_digits(text))[0])),), None)


def _in_digits(text: str) -> str:
    """The text with its spelled ordinals as digits, those of two words first."""
    return re.sub(rf"\b(?:{_WORDS})\b", lambda m: str(_SPELLED[m[0].lower().replace(" ", "-")]), text, flags=re.IGNORECASE)


def weekday(text: str) -> int | None:
    """Return the weekday, Monday 0, or None."""
    if not WEEKDAY.fullmatch(text):
        return None
    return [d[:2].lower() for d in calendar.day_name].index(text[:2].lower())


def minutes(text: str) -> int | None:
    """Return minutes since midnight, or None where the time cannot be read; midnight is the end of the day."""
    named = re.fullmatch(r"(?:12(?::00)?\s)?(noon|midday|midnight)", text, re.IGNORECASE)
    if named:
        return 24 * 60 if named[1].lower() == "midnight" else 12 * 60
    found = re.fullmatch(r"(\d{1,2})(?:[:.h](\d{2}))?\s?(?:o['’]clock)?\s?([AP])?\.?M?\.?", text, re.IGNORECASE)
    if not found:
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").upper()
    if hour > (12 if half else 24) or minute > 59:
        return None
    if half:
        hour = hour % 12 + (12 if half == "P" else 0)
    return 60 * hour + minute


def clock(text: str) -> frozenset[int]:
    """Return every minute of the day that a time can mean: 3:15 without AM or PM is in the night or in the afternoon; none if unread."""
    at = minutes(text)
    if at is None:
        return frozenset()
    open_half = not re.search(r"[ap]\.?m|noon|midday|midnight", text, re.IGNORECASE) and not text.startswith("0") and at < 13 * 60
    return frozenset({at % (24 * 60), (at + 12 * 60) % (24 * 60)} if open_half else {at % (24 * 60)})
