"""The moments at which a fault may meet us; each tells what comes of it."""

from collections.abc import Awaitable, Callable
from typing import Any

from custom_components.plex_butler.const import DOMAIN
from custom_components.plex_butler.plex.account import POLL_INTERVAL
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from tests.common import (
    BACKUP,
    BACKUP_ENABLED,
    PREFS,
    WEBSOCKET,
    choose,
    press,
    settle,
    start_and_wait,
    start_flow,
    states,
    turn,
)

from .house import FINE, INTERVALS, TIMEOUT, House, shown

TASK = "/butler/BackupDatabase"
LOST = STATE_UNAVAILABLE
KEPT = ("", "kept once, then ", "kept twice, then ")


async def dialog(house: House) -> str:
    """Add the server while all requests have the fault."""
    form = await choose(house.hass, await start_flow(house.hass), "manual")
    await house.begin()
    result = await house.see(house.fill_in(form))
    outcome = shown(result)
    await house.end()
    while shown(result) != FINE:
        result = await house.fill_in(result)
    await settle(house.hass)
    return outcome


async def setup(house: House) -> str:
    """Load the entry while the request of the tasks has the fault."""
    await house.begin("/butler")
    await house.see(house.hass.config_entries.async_reload(house.entry.entry_id))
    match house.entry.state:
        case ConfigEntryState.LOADED:
            return FINE
        case ConfigEntryState.SETUP_RETRY:
            assert "{" not in house.entry.reason
            return f"retried: {house.entry.error_reason_translation_key}"
    outcome = f"given up: {house.entry.error_reason_translation_key}"
    await house.end()
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    return outcome


async def poll(house: House) -> str:
    """Poll three times while the request of the tasks has the fault."""
    await house.begin("/butler")
    if not (outcome := await unavailable_after(house, house.butler, BACKUP)):
        return FINE
    key = getattr(house.butler.last_exception, "translation_key", "not listed")
    return outcome.replace(LOST, f"{LOST}: {key}") + ", sign in again" * len(
        house.reauth
    )


async def press_start(house: House) -> str:
    """Press Start; this request has the fault."""
    await house.begin(TASK, "POST")
    return await house.see(press(house.hass, "backup_database_start")) or FINE


async def action(house: House) -> str:
    """Call `get_butler_tasks` while all requests have the fault."""
    await house.begin()
    answer = await house.see(
        house.hass.services.async_call(
            DOMAIN,
            "get_butler_tasks",
            {"config_entry_id": house.entry.entry_id},
            blocking=True,
            return_response=True,
        )
    )
    return answer if isinstance(answer, str) else f"{len(answer['tasks'])} tasks"


async def wait(house: House) -> str:
    """Start a task and wait for its end; all requests after the start have the fault."""
    task = start_and_wait(house.hass, BACKUP, timeout={"hours": 3})
    await settle(house.hass)
    await house.begin()
    await house.pass_time(6)
    if not task.done():
        await house.recover()
        return "waits: " + str((await task)[BACKUP]["result"])

    async def result() -> Any:
        return await task

    return str(await house.see(result()))


async def read_settings(house: House) -> str:
    """Read the settings three times; these requests have the fault."""
    await house.begin(PREFS, "GET")
    settings = house.entry.runtime_data.settings
    return await unavailable_after(house, settings, BACKUP_ENABLED) or FINE


async def unavailable_after(
    house: House, coordinator: DataUpdateCoordinator[Any], entity_id: str
) -> str:
    """Return after how many of three reads an entity is unavailable; "" if it is not."""
    pause = ""
    interval = seconds_between(coordinator)
    for kept in range(3):
        await house.pass_time(interval + 1)
        if states(house.hass, entity_id) == [LOST]:
            return f"{KEPT[kept]}{LOST}{pause}"
        interval = seconds_between(coordinator)
        pause = f", polled after {interval:.0f} s" * (interval != 60)
    return ""


def seconds_between(coordinator: DataUpdateCoordinator[Any]) -> float:
    """Return the seconds from one read to the next."""
    assert coordinator.update_interval
    return coordinator.update_interval.total_seconds()


async def write_settings(house: House) -> str:
    """Turn a switch; this request has the fault."""
    await house.begin(PREFS, "PUT")
    return await house.see(turn(house.hass, BACKUP_ENABLED, on=False)) or FINE


async def stream(house: House) -> str:
    """Open the websocket, which has the fault, and wait for half a minute."""
    await house.end()
    house.plex.websocket_refusal = None
    await house.begin(WEBSOCKET)
    seen = []
    for seconds in (61, TIMEOUT, TIMEOUT):
        await house.tick(seconds)
        seen.append("live" if house.butler.stream_up else "polled")
    await house.end()
    house.plex.websocket_refusal = None
    for seconds in INTERVALS:
        if house.butler.stream_up:
            return ", then ".join(dict.fromkeys(seen))
        await house.tick(seconds)
    raise AssertionError("it does not recover")


async def reauth(house: House) -> str:
    """Enter a new token while the request of the tasks has the fault."""
    house.entry.async_start_reauth(house.hass)
    await settle(house.hass)
    (flow,) = house.reauth
    menu = await house.hass.config_entries.flow.async_configure(flow["flow_id"])
    form = await choose(house.hass, menu, "token")
    await house.begin("/butler")
    result = await house.see(house.fill_in(form))
    outcome = shown(result)
    await house.end()
    while shown(result) != FINE:
        result = await house.fill_in(result)
    return outcome


async def code(house: House) -> str:
    """Ask plex.tv for a code; this request has the fault."""
    menu = await start_flow(house.hass)
    await house.begin(server=house.plex_tv)
    result = await house.see(choose(house.hass, menu, "plex_tv"))
    outcome = FINE
    if result["type"] is not FlowResultType.SHOW_PROGRESS:
        outcome = shown(result)
        await house.end()
        result = await choose(house.hass, result, "plex_tv")
    assert result["type"] is FlowResultType.SHOW_PROGRESS
    house.hass.config_entries.flow.async_abort(result["flow_id"])
    return outcome


async def sign_in(house: House) -> str:
    """Enter the code while all requests to plex.tv have the fault."""
    flows = house.hass.config_entries.flow
    dialog = await choose(house.hass, await start_flow(house.hass), "plex_tv")
    house.plex_tv.confirm()
    await house.begin(server=house.plex_tv)
    await house.pass_time(POLL_INTERVAL)
    result: Any = await flows.async_configure(dialog["flow_id"])
    outcome = FINE
    if result["type"] is FlowResultType.SHOW_PROGRESS:
        outcome = "waits"
        await house.end()
        await house.pass_time(60)
        result = await flows.async_configure(dialog["flow_id"])
    while result["type"] is FlowResultType.SHOW_PROGRESS_DONE:
        result = await flows.async_configure(dialog["flow_id"])
    flows.async_abort(dialog["flow_id"])
    # The account has none.
    return outcome if result["step_id"] == "no_servers" else shown(result)


async def recovery(house: House) -> str:
    """Lose the server; it is back then, but all requests have the fault."""
    await house.plex.stop()
    await house.tick(61)
    assert states(house.hass, BACKUP) == [STATE_UNAVAILABLE]
    await house.plex.start()
    await house.begin()
    await house.pass_time(61)
    if states(house.hass, BACKUP) == ["idle"]:
        return FINE
    return f"unavailable: {house.butler.last_exception.translation_key}"


MOMENTS: dict[str, Callable[[House], Awaitable[str]]] = {
    "dialog": dialog,
    "setup": setup,
    "poll": poll,
    "press": press_start,
    "action": action,
    "wait": wait,
    "settings read": read_settings,
    "settings write": write_settings,
    "stream": stream,
    "reauth": reauth,
    "plex.tv code": code,
    "plex.tv sign-in": sign_in,
    "recovery": recovery,
}
