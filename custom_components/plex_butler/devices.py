"""Devices of a server and its tasks."""

from collections.abc import Iterable, Mapping

from yarl import URL

from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er

from .const import DOMAIN
from .plex import ButlerTask, ServerIdentity


def server_identifier(identity: ServerIdentity) -> tuple[str, str]:
    """Return the identifier of the server's device."""
    return (DOMAIN, identity.machine_identifier)


def task_identifier(identity: ServerIdentity, name: str) -> tuple[str, str]:
    """Return the identifier of a task's device."""
    return (DOMAIN, f"{identity.machine_identifier}_{name}")


def listed_identifiers(
    identity: ServerIdentity, tasks: Iterable[str]
) -> set[tuple[str, str]]:
    """Return the identifiers of the devices of a server and its tasks."""
    return {
        server_identifier(identity),
        *(task_identifier(identity, name) for name in tasks),
    }


@callback
def async_register_server(
    hass: HomeAssistant,
    entry: ConfigEntry,
    identity: ServerIdentity,
    name: str,
    url: URL,
) -> str:
    """Register the server's device, the parent of its tasks' devices; return its id."""
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        entry_type=dr.DeviceEntryType.SERVICE,
        identifiers={server_identifier(identity)},
        manufacturer="Plex",
        model="Plex Media Server",
        name=name or entry.title,
        sw_version=identity.version,
        configuration_url=str(url / "web"),
    )
    return device.id


@callback
def async_task_sensor_id(
    hass: HomeAssistant, identity: ServerIdentity, name: str
) -> str | None:
    """Return the entity id of a task's status sensor; None if there is none."""
    return er.async_get(hass).async_get_entity_id(
        SENSOR_DOMAIN, DOMAIN, f"{task_identifier(identity, name)[1]}_status"
    )


@callback
def async_update_version(hass: HomeAssistant, device_id: str, version: str) -> None:
    """Update the version that the server's device shows."""
    dr.async_get(hass).async_update_device(device_id, sw_version=version)


@callback
def async_update_name(hass: HomeAssistant, device_id: str, name: str) -> None:
    """Update the name of the server's device, which a user's own name hides."""
    dr.async_get(hass).async_update_device(device_id, name=name)


@callback
def async_update_tasks(
    hass: HomeAssistant,
    server_id: str,
    identity: ServerIdentity,
    tasks: Mapping[str, ButlerTask],
) -> None:
    """Rename the devices of tasks, and remove those of tasks no longer listed."""
    if not tasks:  # Every server has tasks: this one is not ready yet.
        return
    listed = {task_identifier(identity, name): task for name, task in tasks.items()}
    registry = dr.async_get(hass)
    for device in dr.async_entries_for_parent_device(registry, server_id):
        (identifier,) = device.identifiers
        if identifier in listed:
            registry.async_update_child_device(device.id, name=listed[identifier].title)
        else:
            registry.async_remove_device(device.id)
