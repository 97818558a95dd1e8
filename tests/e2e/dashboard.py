"""A dashboard with every task of a server, its state, its buttons and its setting."""

from collections import defaultdict
from typing import Any

from .api import Api

URL_PATH = "plex-butler"
# By their translation keys: what there is of each task.
OF_A_TASK = ("task", "start", "stop", "enabled", "schedule")
# A section is 12 wide, and this many stand side by side where there is room.
SECTIONS = 3

type Card = dict[str, Any]


async def show_dashboard(api: Api, entry: dict[str, Any]) -> int:
    """Make the frontend open with the dashboard; return how many tasks it has."""
    devices = await _entities_by_device(api, entry["entry_id"])
    tasks = {id_: ids for id_, ids in devices.items() if "status" in ids}
    (server,) = (ids for ids in devices.values() if "maintenance" in ids)
    names = {
        device["id"]: device["name_by_user"] or device["name"]
        for device in await api.command("config/device_registry/list")
    }
    dashboards = await api.command("lovelace/dashboards/list")
    if URL_PATH not in [dashboard["url_path"] for dashboard in dashboards]:
        await api.command(
            "lovelace/dashboards/create",
            url_path=URL_PATH,
            title="Butler for Plex",
            icon="mdi:account-tie",
        )
        await api.command(
            "frontend/set_system_data",
            key="core",
            value={"default_panel": URL_PATH},
        )
    view = {
        "title": entry["title"],
        "type": "sections",
        "max_columns": SECTIONS,
        "sections": [
            _server_section(entry["title"], server),
            _window_section(server),
            _task_section([(names[id_], ids) for id_, ids in tasks.items()]),
            _setting_section([(names[id_], ids) for id_, ids in tasks.items()]),
        ],
    }
    await api.command(
        "lovelace/config/save", url_path=URL_PATH, config={"views": [view]}
    )
    return len(tasks)


async def _entities_by_device(api: Api, entry_id: str) -> dict[str, dict[str, str]]:
    """Return the ids of an entry's entities, by device and by what they are.

    What an entity is stands at the end of its unique id.
    """
    devices: dict[str, dict[str, str]] = defaultdict(dict)
    for entity in await api.command("config/entity_registry/list"):
        if entity["config_entry_id"] == entry_id:
            kind = entity["unique_id"].partition("_")[2]
            if entity["translation_key"] in OF_A_TASK:
                kind = kind.rpartition("_")[2]
            devices[entity["device_id"]][kind] = entity["entity_id"]
    return devices


def _server_section(title: str, ids: dict[str, str]) -> Card:
    return _section(
        title,
        "mdi:server",
        [
            _tile(ids["maintenance"], "Maintenance", 6),
            _tile(ids["running_tasks"], "Running tasks", 6),
            _tile(ids["progress"], "Progress", 6),
            _tile(ids["task_activity"], "Task activity", 6),
            _press(ids["start_all_tasks"], "green")
            | _tile(ids["start_all_tasks"], "Start all tasks", 6),
            _press(ids["stop_all_tasks"], "red")
            | _tile(ids["stop_all_tasks"], "Stop all tasks", 6),
        ],
    )


def _task_section(tasks: list[tuple[str, dict[str, str]]]) -> Card:
    cards = []
    for name, ids in tasks:
        cards += [
            _tile(ids["status"], name, 8) | _visible(ids["status"], "state_not"),
            _tile(ids["status"], name, 8)
            | _visible(ids["status"], "state")
            | {"color": "amber"},
            _press(ids["start"], "green") | _icon(ids["start"]),
            _press(ids["stop"], "red") | _icon(ids["stop"]),
        ]
    return _section("Tasks", "mdi:broom", cards)


def _window_section(ids: dict[str, str]) -> Card:
    """Return what the server has of these: it need not list its hours."""
    named = {
        "maintenance_window": ("Open now", 6),
        "next_window_start": ("Opens next", 6),
        "window_start": ("From", 12),
        "window_end": ("Until", 12),
    }
    cards = [
        _tile(ids[kind], name, width) | _feature(ids[kind])
        for kind, (name, width) in named.items()
        if kind in ids
    ]
    return _section("Maintenance window", "mdi:weather-night", cards)


def _setting_section(tasks: list[tuple[str, dict[str, str]]]) -> Card:
    cards = [
        _tile(ids[kind], name, 12) | _feature(ids[kind])
        for name, ids in tasks
        for kind in ("enabled", "schedule")
        if kind in ids
    ]
    return _section("What Plex runs by itself", "mdi:cog", cards)


def _feature(entity_id: str) -> Card:
    """Return what makes a setting changeable where it stands."""
    types = {
        "number": {"type": "numeric-input", "style": "buttons"},
        "select": {"type": "select-options"},
        "switch": {"type": "toggle"},
    }
    feature = types.get(entity_id.partition(".")[0])
    if feature is None:
        return {}
    return {"features": [feature], "features_position": "inline", "hide_state": True}


def _section(heading: str, icon: str, cards: list[Card]) -> Card:
    return {
        "type": "grid",
        "column_span": SECTIONS,
        "cards": [{"type": "heading", "heading": heading, "icon": icon}, *cards],
    }


def _tile(entity_id: str, name: str, width: int) -> Card:
    return {
        "type": "tile",
        "entity": entity_id,
        "name": name,
        "hide_state": entity_id.startswith("button."),
        "grid_options": {"columns": width},
    }


def _icon(entity_id: str) -> Card:
    return {
        "type": "button",
        "entity": entity_id,
        "show_name": False,
        "grid_options": {"columns": 2, "rows": 1},
    }


def _visible(entity_id: str, condition: str) -> Card:
    """Return what shows a card while a task runs, or while it does not."""
    shown = {"condition": "state", "entity": entity_id, condition: "running"}
    return {"visibility": [shown]}


def _press(entity_id: str, color: str) -> Card:
    """Return what makes a card press a button."""
    press = {
        "action": "perform-action",
        "perform_action": "button.press",
        "target": {"entity_id": entity_id},
    }
    return {
        "color": color,
        "icon_tap_action": press,
        "tap_action": press,
    }
