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


def _text(value: object, limit: int) -> str:
    return value[:limit] if isinstance(value, str) else ""


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
            return raw[:MAX_TEXT] if isinstance(raw, str) else None
    return None


def _options(raw: object) -> tuple[tuple[str, str], ...]:
    """Parse `key:label|key:label`. Labels may contain a colon, and may be missing."""
    if not isinstance(raw, str) or not raw:
        return ()
    pairs = [option.partition(":") for option in raw.split("|")[:MAX_OPTIONS]]
    return tuple(
        (key[:MAX_NAME], (label if colon else key)[:MAX_TITLE])
        for key, colon, label in pairs
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerIdentity:
    """Identity of the server at an address (`GET /identity`)."""

    machine_identifier: str
    version: str

    @classmethod
    def from_json(cls, raw: object) -> Self:
        """Parse the `MediaContainer` of `GET /identity`."""
        container = _object(raw)
        if not (identifier := _text(container.get("machineIdentifier"), MAX_NAME)):
            raise ValueError("no machineIdentifier")
        return cls(
            machine_identifier=identifier,
            version=_text(container.get("version"), MAX_NAME),
        )


@dataclass(frozen=True, slots=True)  # not kw_only: that makes reading a list slower
class ButlerTask:
    """One maintenance task of the server (`GET /butler`).

    The list does not contain whether a task is running, or when it last ran. A field
    that is missing or invalid is None.
    """

    name: str
    title: str
    description: str
    interval: int | None
    """Days between two runs: 1 daily, 7 weekly."""
    schedule_randomized: bool | None
    """Whether the server runs it at a random moment of the maintenance window."""
    enabled: bool | None

    @classmethod
    def from_json(cls, raw: object) -> Self:
        """Parse one `ButlerTask` element."""
        task = _object(raw)
        name = task.get("name")
        if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
            raise ValueError("no usable name")
        return cls(
            name,
            _text(task.get("title"), MAX_TITLE) or name,
            _text(task.get("description"), MAX_TEXT),
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
            uuid=_text(activity.get("uuid"), MAX_NAME),
            type=_text(activity.get("type"), MAX_NAME),
            title=_text(activity.get("title"), MAX_TITLE),
            subtitle=_text(activity.get("subtitle"), MAX_TITLE),
            progress=_percent(activity.get("progress")),
        )


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
        setting_id = setting.get("id")
        if not isinstance(setting_id, str) or not 0 < len(setting_id) <= MAX_NAME:
            raise ValueError("no usable id")
        kind = _kind(setting.get("type"))
        return cls(
            id=setting_id,
            kind=kind,
            value=_value(setting.get("value"), kind),
            options=_options(setting.get("enumValues")),
        )
