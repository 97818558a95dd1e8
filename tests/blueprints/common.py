"""What the tests of blueprints share."""

from pathlib import Path
from typing import Any

from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.const import STATE_ON
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.setup import async_setup_component

from ..common import OF_TASK, settle, states
from ..simulator import PlexSimulator

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "blueprints/automation"
BLUEPRINTS = sorted(FOLDER.glob("*/*.yaml"))

AUTOMATION = "automation.tested"
BACKUP = f"sensor.{OF_TASK}backup_database"
DEEP = f"sensor.{OF_TASK}deep_media_analysis"
OPTIMIZE = f"sensor.{OF_TASK}optimize_database"
OTHER_NAME = "Cellar"
OF_OTHER = "sensor.cellar_{}" if OF_TASK else "sensor.{}_2"
OTHER_DEEP = OF_OTHER.format("deep_media_analysis")
OTHER_OPTIMIZE = OF_OTHER.format("optimize_database")
MAINTENANCE = "binary_sensor.media_server_maintenance"

MINUTE = 60
HOUR = 60 * MINUTE


async def use_blueprint(hass: HomeAssistant, name: str, **inputs: Any) -> None:
    """Set up an automation from a blueprint of the repository."""
    blueprint = {"path": f"plex_butler/{name}.yaml", "input": inputs}
    config = {"alias": "tested", "use_blueprint": blueprint}
    assert await async_setup_component(hass, "automation", {"automation": config})
    await settle(hass)
    assert states(hass, AUTOMATION) == [STATE_ON]


async def restart_home_assistant(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Forget all that is not stored, and start again."""
    automation = {"entity_id": AUTOMATION}
    await hass.services.async_call("automation", "turn_off", automation, blocking=True)
    await hass.config_entries.async_reload(entry.entry_id)
    hass.set_state(CoreState.not_running)
    await hass.services.async_call("automation", "turn_on", automation, blocking=True)
    await hass.async_start()
    await settle(hass)


def stop_at_once(plex: PlexSimulator) -> None:
    """Let a task end as soon as it is asked to stop."""
    plex.stop_delay = 0
