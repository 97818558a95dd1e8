"""The maintenance window, also on days on which clocks change."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custom_components.plex_butler.plex import (
    MaintenanceWindow,
    Setting,
    maintenance_window,
)

AMSTERDAM = "Europe/Amsterdam"
ST_JOHNS = "America/St_Johns"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def window(start: int, end: int, zone: str = "UTC") -> MaintenanceWindow:
    return MaintenanceWindow(start=start, end=end, zone=ZoneInfo(zone))


# In UTC: when it opens and closes, from a moment on.
DAYS = [
    ("UTC", 2, 5, "11-24 00:00", ["11-24 02:00", "11-24 05:00", "11-25 02:00"]),
    ("UTC", 2, 5, "11-24 02:00", ["11-24 05:00", "11-25 02:00"]),
    ("UTC", 22, 1, "11-24 23:30", ["11-25 01:00", "11-25 22:00"]),
    ("UTC", 23, 0, "12-31 12:00", ["12-31 23:00", "2027-01-01 00:00"]),
    ("UTC", 0, 23, "11-24 12:00", ["11-24 23:00", "11-25 00:00"]),
    (AMSTERDAM, 2, 5, "06-15 12:00", ["06-16 00:00", "06-16 03:00"]),
    (ST_JOHNS, 2, 5, "01-15 12:00", ["01-16 05:30", "01-16 08:30"]),
    # The night without the hour from 2 to 3, at 1:00 UTC
    (AMSTERDAM, 2, 5, "03-28 12:00", ["03-29 01:00", "03-29 03:00", "03-30 00:00"]),
    (AMSTERDAM, 3, 5, "03-28 12:00", ["03-29 01:00", "03-29 03:00", "03-30 01:00"]),
    (AMSTERDAM, 0, 2, "03-28 12:00", ["03-28 23:00", "03-29 01:00", "03-29 22:00"]),
    (AMSTERDAM, 22, 2, "03-28 12:00", ["03-28 21:00", "03-29 01:00"]),
    (AMSTERDAM, 2, 3, "03-28 12:00", ["03-30 00:00", "03-30 01:00"]),
    (AMSTERDAM, 3, 2, "03-28 12:00", ["03-30 00:00", "03-30 01:00"]),
    # The night with the hour from 2 to 3 twice, until 1:00 UTC and after it
    (AMSTERDAM, 2, 5, "10-24 12:00", ["10-25 00:00", "10-25 04:00", "10-26 01:00"]),
    (AMSTERDAM, 2, 3, "10-24 12:00", ["10-25 00:00", "10-25 02:00", "10-26 01:00"]),
    (AMSTERDAM, 3, 5, "10-24 12:00", ["10-25 02:00", "10-25 04:00"]),
    (AMSTERDAM, 0, 2, "10-24 12:00", ["10-24 22:00", "10-25 00:00", "10-25 23:00"]),
    (AMSTERDAM, 22, 3, "10-24 21:00", ["10-25 02:00", "10-25 21:00"]),
    # The same, with the hours at half past
    (ST_JOHNS, 2, 5, "03-07 12:00", ["03-08 05:30", "03-08 07:30", "03-09 04:30"]),
    (ST_JOHNS, 2, 3, "03-07 12:00", ["03-09 04:30", "03-09 05:30"]),
    (ST_JOHNS, 1, 2, "10-31 12:00", ["11-01 03:30", "11-01 05:30", "11-02 04:30"]),
    (ST_JOHNS, 2, 5, "10-31 12:00", ["11-01 05:30", "11-01 08:30"]),
]


@pytest.mark.parametrize(("zone", "start", "end", "now", "changes"), DAYS)
def test_changes(zone: str, start: int, end: int, now: str, changes: list[str]) -> None:
    one = window(start, end, zone)
    moment = utc(f"2026-{now}")
    was_open = one.is_open(moment)
    for text in changes:
        change = utc(text if text.startswith("2027") else f"2026-{text}")
        assert one.next_change(moment) == change
        assert one.is_open(change - timedelta(microseconds=1)) is was_open
        was_open = not was_open
        assert one.is_open(change) is was_open
        moment = change


@pytest.mark.parametrize(
    ("zone", "start", "end", "now", "next_start"),
    [
        ("UTC", 2, 5, "2026-11-24 01:59:59.999999", "2026-11-24 02:00"),
        ("UTC", 2, 5, "2026-11-24 02:00", "2026-11-25 02:00"),
        ("UTC", 2, 5, "2026-11-24 04:07:11", "2026-11-25 02:00"),
        ("UTC", 22, 1, "2026-11-24 00:30", "2026-11-24 22:00"),
        (AMSTERDAM, 2, 3, "2026-03-28 01:30", "2026-03-30 00:00"),
        (AMSTERDAM, 2, 3, "2026-10-25 00:30", "2026-10-26 01:00"),
        (ST_JOHNS, 2, 3, "2026-03-07 05:45", "2026-03-09 04:30"),
    ],
)
def test_next_start(zone: str, start: int, end: int, now: str, next_start: str) -> None:
    assert window(start, end, zone).next_start(utc(now)) == utc(next_start)


def test_window_of_no_hour_never_changes() -> None:
    one = window(5, 5)
    assert one.next_change(utc("2026-11-24 00:00")) is None
    assert one.next_start(utc("2026-11-24 00:00")) is None


@pytest.mark.parametrize("zone", [AMSTERDAM, ST_JOHNS, "UTC", "Australia/Lord_Howe"])
@pytest.mark.parametrize(
    "day", ["2026-03-07", "2026-03-28", "2026-04-04", "2026-10-24"]
)
def test_no_change_is_early_or_late(zone: str, day: str) -> None:
    """Looked at every minute, it is never other than the last change said."""
    one = window(2, 3, zone)
    moment = utc(day)
    expected, change = one.is_open(moment), one.next_change(moment)
    for _ in range(2 * 24 * 60):
        changes = moment == change
        expected = expected is not changes
        change = [change, one.next_change(moment)][changes]
        assert one.is_open(moment) is expected
        moment += timedelta(minutes=1)


def hour(setting_id: str, value: Any, kind: str = "int") -> Setting:
    return Setting.from_json({"id": setting_id, "type": kind, "value": value})


@pytest.mark.parametrize(
    ("start", "end", "known"),
    [
        (2, 5, True),
        (0, 23, True),
        (23, 0, True),
        (5, 5, False),
        (-1, 5, False),
        (2, 24, False),
        (None, 5, False),
        (2, "five", False),
    ],
)
def test_settings_without_a_window(start: Any, end: Any, *, known: bool) -> None:
    settings = {
        one.id: one
        for one in (hour("ButlerStartHour", start), hour("ButlerEndHour", end))
    }
    assert (maintenance_window(settings, UTC) is not None) is known
    for setting_id in settings:
        rest = {key: one for key, one in settings.items() if key != setting_id}
        assert maintenance_window(rest, UTC) is None
