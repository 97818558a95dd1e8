"""Writes that are refused, and those that cannot be read back."""

from dataclasses import replace

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from .common import (
    BACKUP,
    BACKUP_ENABLED,
    END,
    PREFS,
    START,
    THUMBS,
    Hung,
    Tick,
    move_window,
    select_option,
    set_hour,
    settle,
    states,
    turn,
)
from .simulator import (
    Fault,
    PlexSimulator,
)
from .test_errors import News, every_refusal

quick = pytest.mark.usefixtures("no_pause", "loaded")


@every_refusal
@quick
async def test_bad_news(hass: HomeAssistant, plex: PlexSimulator, news: News) -> None:
    """The state is what it was, and the user is told why."""
    plex.inject(news.fault, PREFS, "PUT")
    plex.inject(news.fault, "/butler")
    with pytest.raises(HomeAssistantError) as raised:
        await turn(hass, BACKUP_ENABLED, on=False)
    assert raised.value.translation_domain == DOMAIN
    assert raised.value.translation_key == news.key
    assert news.text in str(raised.value)
    assert states(hass, BACKUP_ENABLED) == ["on"]
    assert plex.tasks["BackupDatabase"].enabled


@quick
async def test_write_while_the_server_is_in_maintenance(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    """503 on all there is; the settings are as they were, then and later."""
    plex.inject(Fault.MAINTENANCE)
    with pytest.raises(HomeAssistantError, match="busy with its own maintenance"):
        await set_hour(hass, START, 4)
    assert states(hass, START, BACKUP_ENABLED) == ["2", "on"]

    plex.clear_faults()
    await tick(60)
    assert states(hass, START) == ["2"]
    await set_hour(hass, START, 4)
    assert states(hass, START) == ["4"]


@pytest.mark.parametrize("status", [400, 403])
@quick
async def test_setting_the_server_no_longer_has(
    hass: HomeAssistant, plex: PlexSimulator, status: int
) -> None:
    plex.settings.refusal = status
    del plex.settings["ButlerTaskBackupDatabase"]
    with pytest.raises(HomeAssistantError, match="ButlerTaskBackupDatabase") as raised:
        await turn(hass, BACKUP_ENABLED, on=False)
    assert raised.value.translation_key == "setting_refused"
    await settle(hass)
    assert hass.states.get(BACKUP_ENABLED) is None


@quick
async def test_value_the_server_no_longer_takes(
    hass: HomeAssistant, plex: PlexSimulator
) -> None:
    thumbs = plex.settings["GenerateChapterThumbBehavior"]
    plex.settings[thumbs.id] = replace(thumbs, enum_values="never|scheduled")
    with pytest.raises(HomeAssistantError) as raised:
        await select_option(hass, THUMBS, "asap")
    assert raised.value.translation_key == "setting_refused"
    assert states(hass, THUMBS) == ["scheduled"]
    await settle(hass)
    assert hass.states.get(THUMBS).attributes["options"] == ["never", "scheduled"]


@quick
async def test_value_the_server_takes_and_forgets(
    hass: HomeAssistant, plex: PlexSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plex.settings, "change", lambda _: None)
    with pytest.raises(HomeAssistantError) as raised:
        await set_hour(hass, START, 4)
    assert raised.value.translation_key == "setting_refused"
    assert states(hass, START) == ["2"]


@quick
async def test_time_out(
    hass: HomeAssistant, plex: PlexSimulator, hung: Hung, freezer: FrozenDateTimeFactory
) -> None:
    plex.inject(Fault.SLOW, PREFS, "PUT")
    with pytest.raises(HomeAssistantError, match="no answer in time") as raised:
        await hung(set_hour(hass, START, 4), "PUT", PREFS)
    assert raised.value.translation_key == "cannot_connect"
    assert states(hass, START) == ["2"]
    plex.clear_faults()
    await settle(hass)


# Taken, but not read back


@quick
async def test_taken_but_slow_to_be_read_back(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    """The server has said that it took it."""
    plex.inject(Fault.MAINTENANCE, PREFS, "GET")
    await set_hour(hass, START, 4)
    assert states(hass, START) == ["4"]

    plex.clear_faults()
    plex.change_settings(ButlerStartHour="6")
    await settle(hass)
    await tick(11)
    assert states(hass, START) == ["6"]


@quick
async def test_taken_but_not_to_be_read_back(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    plex.inject(Fault.SERVER_ERROR, PREFS, "GET")
    await set_hour(hass, START, 4)
    assert states(hass, START, BACKUP) == [STATE_UNAVAILABLE, "idle"]

    plex.clear_faults()
    await tick(11)
    assert states(hass, START, BACKUP) == ["4", "idle"]


@quick
async def test_write_while_nothing_is_known(
    hass: HomeAssistant, plex: PlexSimulator, loaded: MockConfigEntry, tick: Tick
) -> None:
    """An action needs to know nothing."""
    plex.inject(Fault.SERVER_ERROR, PREFS, "GET")
    await set_hour(hass, START, 4)
    assert states(hass, START) == [STATE_UNAVAILABLE]
    await move_window(hass, loaded, start=3, end=6)
    assert plex.settings.number("ButlerStartHour") == 3

    plex.clear_faults()
    await move_window(hass, loaded, start=4, end=6)
    assert states(hass, START, END) == ["4", "6"]
