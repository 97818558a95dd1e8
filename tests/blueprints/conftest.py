"""Fixtures of the tests of blueprints."""

from collections.abc import AsyncIterator

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.components import persistent_notification
from homeassistant.components.blueprint import models
from homeassistant.core import HomeAssistant, callback
from homeassistant.setup import async_setup_component

from ..common import OTHER_MACHINE, make_entry, settle
from ..simulator import PlexSimulator
from .common import FOLDER, OTHER_NAME


@pytest.fixture(autouse=True)
async def blueprints(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """Let Home Assistant find the blueprints; end the automations with the test."""
    monkeypatch.setattr(
        models.DomainBlueprints, "blueprint_folder", property(lambda _: FOLDER)
    )
    yield
    for automation in hass.states.async_entity_ids("automation"):
        await hass.services.async_call(
            "automation", "turn_off", {"entity_id": automation}, blocking=True
        )


@pytest.fixture
async def other_server(
    hass: HomeAssistant, live: MockConfigEntry
) -> AsyncIterator[PlexSimulator]:
    """Set up a second server."""
    async with PlexSimulator(
        name=OTHER_NAME, machine_identifier=OTHER_MACHINE
    ) as simulator:
        entry = make_entry(simulator)
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await settle(hass)
        yield simulator


@pytest.fixture
async def messages(hass: HomeAssistant) -> list[str]:
    """The titles and the lines of the notifications."""
    told: list[str] = []

    @callback
    def listen(
        _change: persistent_notification.UpdateType,
        notifications: dict[str, persistent_notification.Notification],
    ) -> None:
        for one in notifications.values():
            told.extend([one["title"], *one["message"].splitlines()])

    await async_setup_component(hass, "persistent_notification", {})
    persistent_notification.async_register_callback(hass, listen)
    return told
