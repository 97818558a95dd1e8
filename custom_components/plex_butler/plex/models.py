"""Data of a Plex Media Server, as immutable objects.

`from_json` takes an element of an answer and raises ValueError when it cannot be used.
Texts are cut to a length that can be displayed.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any, Self

MAX_NAME = 128
MAX_TITLE = 255
MAX_TEXT = 1024
MAX_DAYS = 36525
MAX_OPTIONS = 64

type SettingValue = bool | int | float | str

# Control characters and halves of surrogate pairs.
_REPLACEMENTS = dict.fromkeys((*range(32), *range(127, 160), *range(0xD800, 0xE000)))
_REPLACEMENTS |= dict.fromkeys(map(ord, "\t\n\r"), " ")
_FLAGS = {1: True, 0: False, "1": True, "0": False}


class StartResult(StrEnum):
    """Result of a request to start a task."""

    STARTED = "started"
    ALREADY_RUNNING = "already_running"


class StopResult(StrEnum):
    """Result of a request to stop a task."""

    STOPPED = "stopped"
    NOT_RUNNING = "not_running"


class SettingKind(StrEnum):
    """Type of a setting's value."""

    BOOL = "bool"
    INT = "int"
    DOUBLE = "double"
    TEXT = "text"
    UNKNOWN = ""
    """Unknown to this client; the value is None."""


def _object(raw: object) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise ValueError("not an object")  # noqa: TRY004 -- one error for a bad element
    return raw


def clean_text(value: object, limit: int) -> str:
    """Return a text without control characters, cut to a length; "" for others."""
    if not isinstance(value, str):
        return ""
    text = value[:limit]
    return text if text.isprintable() else text.translate(_REPLACEMENTS).strip()


def usable_id(value: object) -> str | None:
    """Return a text that identifies something; None if it cannot be used for that."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME:
        return None
    # The replacement character stands for bytes that were not UTF-8.
    return value if value.isprintable() and "\ufffd" not in value else None


def _flag(value: object) -> bool | None:
    return _FLAGS.get(value) if isinstance(value, (int, str)) else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except ValueError, OverflowError:
        return None
    return number if isfinite(number) else None


def _days(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and 0 <= number <= MAX_DAYS else None


def _percent(value: object) -> float | None:
    number = _number(value)
    return min(number, 100.0) if number is not None and number >= 0 else None


def _kind(value: object) -> SettingKind:
    try:
        return SettingKind(str(value))
    except ValueError:
        return SettingKind.UNKNOWN


def _value(raw: object, kind: SettingKind) -> SettingValue | None:
    match kind:
        case SettingKind.BOOL:
            return _flag(raw)
        case SettingKind.INT:
            number = _number(raw)
            return int(number) if number is not None else None
        case SettingKind.DOUBLE:
            return _number(raw)
        case SettingKind.TEXT:
            return clean_text(raw, MAX_TEXT) if isinstance(raw, str) else None
    return None


def _options(raw: object) -> tuple[tuple[str, str], ...]:
    """Parse `key:label|key:label`. Labels may contain a colon, and may be missing.

    Options without a key and repeated ones are left out.
    """
    options: dict[str, str] = {}
    for option in raw.split("|")[:MAX_OPTIONS] if isinstance(raw, str) else ():
        key, colon, label = option.partition(":")
        if key := clean_text(key, MAX_NAME):
            options.setdefault(key, clean_text(label if colon else key, MAX_TITLE))
    return tuple(options.items())


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerIdentity:
    """Identity of the server at an address (`GET /identity`)."""

    machine_identifier: str
    version: str

    @classmethod
    def from_json(cls, raw: object) -> Self:
        """Parse the `MediaContainer` of `GET /identity`."""
        container = _object(raw)
        if not (identifier := clean_text(container.get("machineIdentifier"), MAX_NAME)):
            raise ValueError("no machineIdentifier")
        return cls(
            machine_identifier=identifier,
            version=clean_text(container.get("version"), MAX_NAME),
        )


@dataclass(frozen=True, slots=True)  # not kw_only: that makes reading a list slower
class ButlerTask:
    """One maintenance task of the server (`GET /butler`).

    The list does not contain whether a task is running, or when it last ran. A field
    that is missing or invalid is None.
    """

    name: str
    title: str | None
    description: str | None
    interval: int | None
    """Days between two runs: 1 daily, 7 weekly."""
    schedule_randomized: bool | None
    """Whether the server runs it at a random moment of the maintenance window."""
    enabled: bool | None

    @classmethod
    def from_json(cls, raw: object) -> Self:
        """Parse one `ButlerTask` element."""
        task = _object(raw)
        if (name := usable_id(task.get("name"))) is None:
            raise ValueError("no usable name")
        return cls(
            name,
            clean_text(task.get("title"), MAX_TITLE) or None,
            clean_text(task.get("description"), MAX_TEXT) or None,
            _days(task.get("interval")),
            _flag(task.get("scheduleRandomized")),
            _flag(task.get("enabled")),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Activity:
    """A current activity of the server (`GET /activities`)."""

    uuid: str
    type: str
    title: str
    subtitle: str
    progress: float | None
    """Per cent; None when the server does not know."""

    @classmethod
    def from_json(cls, raw: object) -> Self:
        """Parse one `Activity` element."""
        activity = _object(raw)
        return cls(
            uuid=clean_text(activity.get("uuid"), MAX_NAME),
            type=clean_text(activity.get("type"), MAX_NAME),
            title=clean_text(activity.get("title"), MAX_TITLE),
            subtitle=clean_text(activity.get("subtitle"), MAX_TITLE),
            progress=_percent(activity.get("progress")),
        )


class WindowSetting(StrEnum):
    """Start and end of the maintenance window: hours of the server's local time."""

    START = "ButlerStartHour"
    END = "ButlerEndHour"


HOURS = range(24)
_HOUR_KEYS = {str(hour) for hour in HOURS}


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One setting of a server (`GET /:/prefs`)."""

    id: str
    kind: SettingKind
    value: SettingValue | None
    """Its value, of the type of its kind; None if that is invalid."""
    options: tuple[tuple[str, str], ...]
    """The allowed values, as text, each with its label; empty if any value is."""

    @classmethod
    def from_json(cls, raw: object) -> Self:
        """Parse one `Setting` element."""
        setting = _object(raw)
        if (setting_id := usable_id(setting.get("id"))) is None:
            raise ValueError("no usable id")
        kind = _kind(setting.get("type"))
        value = _value(setting.get("value"), kind)
        options = _options(setting.get("enumValues"))
        if setting_id in WindowSetting:
            value = value if value in HOURS else None
            options = tuple(option for option in options if option[0] in _HOUR_KEYS)
        return cls(id=setting_id, kind=kind, value=value, options=options)
