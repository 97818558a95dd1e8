"""The maintenance window, in the server's local time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from .butler_settings import WindowSetting
from .models import Setting

# In every time zone of today, clocks change at a quarter of an hour.
_STEP = timedelta(minutes=15)
# Three days: a clock change can skip the window of one day.
_STEPS = 3 * 24 * 4


@dataclass(frozen=True, kw_only=True, slots=True)
class MaintenanceWindow:
    """The hours of the day in which the server runs maintenance.

    The window is open while the server's clock shows one of its hours. When clocks go
    back, a window in the repeated hour is open twice; when they go forward, a window in
    the skipped hour does not open.
    """

    start: int
    """The first hour, 0 to 23."""
    end: int
    """The hour at which it ends; less than `start` if it crosses midnight."""
    zone: tzinfo

    def is_open(self, moment: datetime) -> bool:
        """Return whether a moment is inside the window."""
        hour = moment.astimezone(self.zone).hour
        return (hour - self.start) % 24 < (self.end - self.start) % 24

    def next_start(self, now: datetime) -> datetime | None:
        """Return when the window opens next; None if not within three days."""
        return next((at for at in self._changes(now) if self.is_open(at)), None)

    def next_change(self, now: datetime) -> datetime | None:
        """Return when the window opens or closes next; None if not within three days."""
        return next(self._changes(now), None)

    def _changes(self, now: datetime) -> Iterator[datetime]:
        """Yield the moments after now at which the window opens or closes, in UTC."""
        was_open = self.is_open(now)
        moment = now.astimezone(UTC)
        moment -= timedelta(
            minutes=moment.minute % 15,
            seconds=moment.second,
            microseconds=moment.microsecond,
        )
        for _ in range(_STEPS):
            moment += _STEP
            if self.is_open(moment) is not was_open:
                was_open = not was_open
                yield moment


def maintenance_window(
    settings: Mapping[str, Setting], zone: tzinfo
) -> MaintenanceWindow | None:
    """Return the window from the server's settings; None if it cannot be known.

    It is unknown whether Plex treats a window that ends at the hour it starts as the
    whole day or as no window.
    """
    hours = [settings[key].value for key in WindowSetting if key in settings]
    match hours:
        case [int(start), int(end)] if start != end and {start, end} <= {*range(24)}:
            return MaintenanceWindow(start=start, end=end, zone=zone)
    return None
