"""Going through config flows as a user does."""

import asyncio
from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.plex_butler.const import DOMAIN
from homeassistant.config_entries import SOURCE_USER
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from .simulator import PlexSimulator, PlexTvSimulator

FIRST_PIN = 111222333
PIN_PATH = f"/api/v2/pins/{FIRST_PIN}"


async def start(hass: HomeAssistant) -> Any:
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
    """Return what a user types for a server, which is what is stored, too."""
    return {
        CONF_URL: plex.url,
        CONF_TOKEN: plex.token,
        CONF_VERIFY_SSL: True,
        **changes,
    }


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


def pass_time(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float
) -> None:
    """Let time go by, and what waits for it go on."""
    freezer.tick(timedelta(seconds=seconds))
    async_fire_time_changed(hass)


class PlexTv:
    """plex.tv, and the time that goes by while somebody signs in there."""

    def __init__(self, hass: HomeAssistant, simulator: PlexTvSimulator) -> None:
        self.simulator = simulator
        self._hass = hass
        self._sleeping: asyncio.Queue[tuple[float, asyncio.Event]] = asyncio.Queue()

    async def sleep(self, seconds: float) -> None:
        """Sleep until a test lets the time go by; what asyncio.sleep is replaced by."""
        awake = asyncio.Event()
        self._sleeping.put_nowait((seconds, awake))
        await awake.wait()

    async def poll(self) -> float:
        """See that plex.tv is asked for the token; return after how many seconds."""
        seconds, awake = await self._sleeping.get()
        self.simulator.requests.clear()
        awake.set()
        number = FIRST_PIN + len(self.simulator.codes) - 1
        await self.simulator.wait_for_request("GET", f"/api/v2/pins/{number}")
        return seconds

    @property
    def waiting(self) -> list[asyncio.Task[Any]]:
        """What waits for codes to be entered."""
        return [t for t in asyncio.all_tasks() if t.get_name().endswith("sign-in")]

    async def ended(self) -> None:
        """Wait for the end of the sign-in, and for the dialog to take note."""
        await asyncio.wait(self.waiting)
        await self._hass.async_block_till_done()

    async def confirm(self, result: Any) -> Any:
        """Enter the code that a dialog shows; return what that shows next."""
        assert result["type"] is FlowResultType.SHOW_PROGRESS
        self.simulator.confirm(result["description_placeholders"]["code"])
        await self.poll()
        await self.ended()
        return await go_on(self._hass, result)
