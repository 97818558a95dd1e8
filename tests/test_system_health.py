"""What the system's health says of each server."""

from typing import Any

from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    get_system_health_info,
)

from custom_components.plex_butler.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from .common import OTHER_MACHINE, Tick, settle, typed
from .simulator import PlexSimulator


async def health(hass: HomeAssistant) -> dict[str, Any]:
    await async_setup_component(hass, "system_health", {})
    await settle(hass)
    return await get_system_health_info(hass, DOMAIN)


async def test_without_a_stream(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    assert await health(hass) == {
        "Media Server: Reachable": True,
        "Media Server: Version": plex.version,
        "Media Server: Live updates": False,
    }


async def test_with_a_stream(hass: HomeAssistant, live: MockConfigEntry) -> None:
    assert (await health(hass))["Media Server: Live updates"] is True


async def test_a_server_that_is_away(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    await plex.stop()
    await tick(60)
    assert (await health(hass))["Media Server: Reachable"] is False


async def test_a_server_that_was_never_reached(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    """It stands beside those that were."""
    async with PlexSimulator(machine_identifier=OTHER_MACHINE) as other:
        data = typed(other)
    second = MockConfigEntry(
        domain=DOMAIN, title="Cellar", unique_id=OTHER_MACHINE, data=data
    )
    second.add_to_hass(hass)
    await hass.config_entries.async_setup(second.entry_id)
    info = await health(hass)
    assert info["Cellar: Reachable"] is False
    assert info["Media Server: Reachable"] is True
