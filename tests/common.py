"""Ids and helpers that many tests of the Home Assistant side share."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
import hashlib
from ssl import CERT_NONE, PROTOCOL_TLS_CLIENT, SSLContext
from typing import Any
from unittest.mock import ANY

from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
)

from custom_components.plex_butler.const import (
    CONF_CLIENT_IDENTIFIER,
    DOMAIN,
)
from custom_components.plex_butler.plex.account import POLL_INTERVAL
from homeassistant.config_entries import SOURCE_USER
from homeassistant.const import (
    CONF_TOKEN,
    CONF_URL,
    CONF_VERIFY_SSL,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er

from .simulator import PlexSimulator, PlexTvSimulator, RecordedRequest, direct_name

# What the ids of a task's entities begin with: the server's name, but for 2026.9.
OF_TASK = "media_server_" if "PARENT_DEVICE" in er.EntityNamePart.__members__ else ""

BACKUP = f"sensor.{OF_TASK}backup_database"
OPTIMIZE = f"sensor.{OF_TASK}optimize_database"
BACKUP_ENABLED = f"switch.{OF_TASK}backup_database_run_automatically"
OPTIMIZE_ENABLED = f"switch.{OF_TASK}optimize_database_run_automatically"
THUMBS = f"select.{OF_TASK}generate_chapter_thumbnails_run_automatically"
VOICE = f"select.{OF_TASK}generate_voice_activity_run_automatically"
MAINTENANCE = "binary_sensor.media_server_maintenance"
RUNNING_TASKS = "sensor.media_server_running_tasks"
PROGRESS = "sensor.media_server_progress"
START = "select.media_server_maintenance_window_from"
END = "select.media_server_maintenance_window_until"
WINDOW = "binary_sensor.media_server_maintenance_window"
NEXT_START = "sensor.media_server_next_maintenance_window"

WEBSOCKET = "/:/websockets/notifications"
PREFS = "/:/prefs"
PIN_PATH = "/api/v2/pins/111222333"

OTHER_MACHINE = "f" * 40
CLIENT = "client-identifier-of-the-entry"
DIRECT_HASH = "0123456789abcdef0123456789abcdef"
RENEWED_HASH = "fedcba9876543210fedcba9876543210"

type Tick = Callable[[float], Awaitable[None]]
type Hung = Callable[[Awaitable[Any]], Awaitable[Any]]


# The server


def reads(plex: PlexSimulator) -> list[RecordedRequest]:
    """Return the requests except identity checks, the websocket and the settings."""
    return [r for r in plex.requests if not r.raw_path.startswith(("/:/", "/identity"))]


def make_entry(plex: PlexSimulator) -> MockConfigEntry:
    """Return the config entry of a server, not yet added."""
    return MockConfigEntry(
        domain=DOMAIN,
        title=plex.name,
        unique_id=plex.machine_identifier,
        minor_version=3,
        data=stored(plex, **{CONF_CLIENT_IDENTIFIER: CLIENT}),
    )


def disable(plex: PlexSimulator, name: str) -> None:
    """Disable a task on the server."""
    plex.tasks[name] = replace(plex.tasks[name], enabled=False)


def asked(plex: PlexSimulator) -> list[tuple[str, str]]:
    """Return what was asked of the settings, without the reads."""
    return [
        (request.method, request.query)
        for request in plex.requests
        if request.raw_path == PREFS
    ]


async def restart(plex: PlexSimulator, tls: SSLContext | None) -> None:
    """Let a server speak TLS, or no longer."""
    # In debug mode, the loop would tell Home Assistant of each client that is refused.
    asyncio.get_running_loop().set_debug(enabled=False)
    await plex.stop()
    plex.ssl_context = tls
    await plex.start()


async def move(plex: PlexSimulator) -> None:
    """Let a server answer at another port."""
    await plex.stop()
    plex.port = 0
    await plex.start()


def direct_url(plex: PlexSimulator, direct_hash: str = DIRECT_HASH) -> str:
    """Return the URL of a server that its certificate is valid for."""
    return f"https://{direct_name('127.0.0.1', direct_hash)}:{plex.port}"


async def fingerprint(plex: PlexSimulator) -> str:
    """Return the SHA-256 of the certificate of a server."""
    context = SSLContext(PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", plex.port, ssl=context)
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return hashlib.sha256(certificate).hexdigest()


def parent(**changes: Any) -> dict[str, Any]:
    """Return the activity of a run of the Butler."""
    return {
        "uuid": "parent",
        "type": "butler",
        "cancellable": False,
        "userID": 1,
        "title": "Butler tasks",
        "subtitle": "",
        "progress": -1,
        **changes,
    }


# Home Assistant


async def settle(hass: HomeAssistant) -> None:
    """Wait until nothing more happens before time passes, or a test does something."""
    await hass.loop.idle()


async def until(hass: HomeAssistant, entity_id: str, state: str) -> None:
    """See that a state comes of what is under way."""
    await settle(hass)
    assert states(hass, entity_id) == [state]


def states(hass: HomeAssistant, *entity_ids: str) -> list[str]:
    """Return the states of entities."""
    return [hass.states.get(entity_id).state for entity_id in entity_ids]


async def press(hass: HomeAssistant, button: str, of: str = OF_TASK) -> None:
    """Press a button of a task, or of the server."""
    await hass.services.async_call(
        "button", "press", {"entity_id": f"button.{of}{button}"}, blocking=True
    )


async def turn(hass: HomeAssistant, entity_id: str, *, on: bool) -> None:
    """Turn a switch on or off."""
    action = "turn_on" if on else "turn_off"
    await hass.services.async_call(
        "switch", action, {"entity_id": entity_id}, blocking=True
    )


async def select_option(hass: HomeAssistant, entity_id: str, option: str) -> None:
    """Choose an option of a select."""
    await hass.services.async_call(
        "select",
        "select_option",
        {"entity_id": entity_id, "option": option},
        blocking=True,
    )


async def set_hour(hass: HomeAssistant, entity_id: str, hour: int) -> None:
    """Choose an hour of the day."""
    await select_option(hass, entity_id, f"{hour:02}:00")


async def move_window(
    hass: HomeAssistant, entry: MockConfigEntry, **hours: Any
) -> None:
    """Move the maintenance window by the action."""
    await hass.services.async_call(
        DOMAIN,
        "set_maintenance_window",
        {"config_entry_id": entry.entry_id, **hours},
        blocking=True,
    )


def start_and_wait(
    hass: HomeAssistant, *entity_ids: str, **data: Any
) -> asyncio.Task[Any]:
    """Start tasks and wait for them, in a task of its own."""
    return asyncio.create_task(
        hass.services.async_call(
            DOMAIN,
            "start_task",
            {"entity_id": list(entity_ids), "wait_for_completion": True, **data},
            blocking=True,
            return_response=True,
        )
    )


# Dialogs


async def start_flow(hass: HomeAssistant) -> Any:
    """Open the dialog."""
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    assert result["type"] is FlowResultType.MENU
    assert result["step_id"] == "user"
    return result


async def choose(hass: HomeAssistant, result: Any, option: str) -> Any:
    """Choose from a menu."""
    assert option in result["menu_options"]
    return await submit(hass, result, next_step_id=option)


async def submit(hass: HomeAssistant, result: Any, **user_input: Any) -> Any:
    """Fill in a form."""
    result = await hass.config_entries.flow.async_configure(
        result["flow_id"], user_input
    )
    await hass.async_block_till_done()
    return result


async def go_on(hass: HomeAssistant, result: Any) -> Any:
    """See what a dialog shows now that went on by itself."""
    result = await hass.config_entries.flow.async_configure(result["flow_id"])
    await hass.async_block_till_done()
    return result


def typed(plex: PlexSimulator, **changes: Any) -> dict[str, Any]:
    """Return what a user types for a server."""
    return {
        CONF_URL: plex.url,
        CONF_TOKEN: plex.token,
        CONF_VERIFY_SSL: True,
        **changes,
    }


def stored(plex: PlexSimulator, **changes: Any) -> dict[str, Any]:
    """Return what is stored of a server, with any client identifier."""
    return typed(plex, **{CONF_CLIENT_IDENTIFIER: ANY, **changes})


def suggested(result: Any) -> dict[str, Any]:
    """Return what is in the fields of a form already."""
    return {
        str(key): key.description["suggested_value"]
        for key in result["data_schema"].schema
        if key.description
    }


def options(result: Any) -> dict[str, str]:
    """Return the servers a form offers, with their labels."""
    (selector,) = result["data_schema"].schema.values()
    return {option["value"]: option["label"] for option in selector.config["options"]}


class PlexTv:
    """plex.tv, and somebody who signs in there."""

    def __init__(
        self, hass: HomeAssistant, simulator: PlexTvSimulator, tick: Tick
    ) -> None:
        self.simulator = simulator
        self._hass = hass
        self._tick = tick

    async def confirm(self, result: Any) -> Any:
        """Enter the code that a dialog shows; return what that shows next."""
        assert result["type"] is FlowResultType.SHOW_PROGRESS
        self.simulator.confirm(result["description_placeholders"]["code"])
        await self._tick(POLL_INTERVAL)
        return await go_on(self._hass, result)

    async def choose(self, result: Any) -> Any:
        """Enter the code, and choose the only server of the account."""
        result = await self.confirm(result)
        assert result["step_id"] == "servers"
        return await submit(self._hass, result)

    async def sign_in(self, result: Any, *, new: bool = False) -> Any:
        """Enter the code, and accept that the server answers at http only."""
        result = await (self.choose if new else self.confirm)(result)
        assert result["step_id"] == "unencrypted"
        return await choose(self._hass, result, "send_unencrypted")
