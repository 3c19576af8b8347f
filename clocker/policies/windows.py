"""Times of the week: ``08:00-20:00 Mon-Fri keep 20``."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from clocker.errors import BadInput
from clocker.model import EVERY_DAY, Headroom, Keep, Window

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = "|".join(_DAYS)
_WINDOW = re.compile(
    r"(?:(?P<begin>\d\d:\d\d)-(?P<end>\d\d:\d\d)\s+)?"
    rf"(?:(?P<days>(?:{_DAY})(?:-(?:{_DAY}))?(?:,(?:{_DAY})(?:-(?:{_DAY}))?)*)\s+)?"
    r"keep\s+(?P<amount>\d{1,6})(?P<percent>\s*%)?",
    re.IGNORECASE,
)
_DAY_MIN = 1440


def window(text: str) -> Window:
    """BadInput says how one is written."""
    found = _WINDOW.fullmatch(text.strip())
    begin = _minutes(found["begin"]) if found and found["begin"] else 0
    end = _minutes(found["end"]) if found and found["end"] else _DAY_MIN
    if not found or begin is None or begin == _DAY_MIN or end is None:
        raise BadInput(
            "must be hours, days and what to keep",
            remedy='such as "08:00-20:00 Mon-Fri keep 20", "Sat,Sun keep 5" or "keep 10%"',
        )
    amount = int(found["amount"])
    if found["percent"] and amount >= 100:
        raise BadInput("must keep less than 100%")
    keep = Keep(share=amount / 100) if found["percent"] else Keep(amount)
    return Window(keep, _days(found["days"]), begin, end)


def keep_at(spec: Headroom, now: float) -> Keep:
    """What is to be kept at that moment (epoch seconds)."""
    local = datetime.fromtimestamp(now, ZoneInfo(spec.timezone))
    day, minute = local.weekday(), local.hour * 60 + local.minute
    found = (window.keep for window in spec.windows if _covers(window, day, minute))
    return next(found, spec.keep)


def _covers(window: Window, day: int, minute: int) -> bool:
    if window.begin_min < window.end_min:
        return day in window.days and window.begin_min <= minute < window.end_min
    late = day in window.days and minute >= window.begin_min
    early = (day - 1) % 7 in window.days and minute < window.end_min
    return late or early


def _minutes(text: str) -> int | None:
    hours, minutes = map(int, text.split(":"))
    whole = hours * 60 + minutes
    return whole if minutes < 60 and whole <= _DAY_MIN else None


def _days(text: str | None) -> tuple[int, ...]:
    if text is None:
        return EVERY_DAY
    found: set[int] = set()
    for part in text.lower().split(","):
        first, _, last = part.partition("-")
        begin, end = _DAYS.index(first), _DAYS.index(last or first)
        found |= {day % 7 for day in range(begin, end + 1 if begin <= end else end + 8)}
    return tuple(sorted(found))
