"""When the maintenance window is, in the time of the server's clocks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from .butler_settings import WindowSetting
from .models import Setting

# Clocks are set forward and back at quarters of an hour, in any time zone of today.
_STEP = timedelta(minutes=15)
# Far enough to see a window that a clock change leaves out for a day.
_STEPS = 3 * 24 * 4


@dataclass(frozen=True, kw_only=True, slots=True)
class MaintenanceWindow:
    """The hours of the day that maintenance may take, as the server's clocks show them.

    It is open while the clock shows one of its hours: in a night that has an hour twice
    it is so much longer, and one that has only the hour that is skipped does not open.
    """

    start: int
    """The first hour, 0 to 23."""
    end: int
    """The hour it ends before; less than `start` if it crosses midnight."""
    zone: tzinfo

    def is_open(self, moment: datetime) -> bool:
        """Return whether a moment is in the window."""
        hour = moment.astimezone(self.zone).hour
        return (hour - self.start) % 24 < (self.end - self.start) % 24

    def next_start(self, now: datetime) -> datetime | None:
        """Return when the window opens next; None if that is not within days."""
        return next((at for at in self._changes(now) if self.is_open(at)), None)

    def next_change(self, now: datetime) -> datetime | None:
        """Return when it opens or closes next; None if that is not within days."""
        return next(self._changes(now), None)

    def _changes(self, now: datetime) -> Iterator[datetime]:
        """Yield when the window opens and closes after a moment, in UTC."""
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
    """Return the window that the server's settings tell of; None if they tell of none.

    What Plex makes of one that ends at the hour it starts is not known: that may be
    all day as well as never.
    """
    hours = [settings[key].value for key in WindowSetting if key in settings]
    match hours:
        case [int(start), int(end)] if start != end and {start, end} <= {*range(24)}:
            return MaintenanceWindow(start=start, end=end, zone=zone)
    return None
