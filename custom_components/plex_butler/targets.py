"""Entities that triggers, conditions and actions of Butler for Plex are about."""

from collections.abc import Iterable
from dataclasses import dataclass

from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_ENTITY_ID, ENTITY_MATCH_ALL
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
    UnknownUser,
)
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.target import (
    TargetSelection,
    async_extract_referenced_entity_ids,
)

from .const import DOMAIN, LOGGER
from .coordinator import (
    ButlerCoordinator,
    PlexButlerConfigEntry,
    PlexButlerRuntimeData,
)
from .sensor import STATUS


@dataclass(frozen=True, kw_only=True)
class TargetedTask:
    """A task that an action is for."""

    entity_id: str
    """The id of its status sensor."""
    name: str
    entry: PlexButlerConfigEntry

    @property
    def butler(self) -> ButlerCoordinator:
        """The coordinator; raises HomeAssistantError while the server is not loaded."""
        entry = self.entry
        if entry.state is ConfigEntryState.LOADED:
            return entry.runtime_data.butler
        reason = entry.error_reason_translation_placeholders
        raise HomeAssistantError(
            translation_domain=entry.error_reason_translation_domain or DOMAIN,
            translation_key=entry.error_reason_translation_key or "cannot_connect",
            translation_placeholders=reason
            or {"server": entry.title, "error": entry.state.value},
        )


def filter_entities(
    hass: HomeAssistant, entity_ids: set[str], translation_key: str
) -> set[str]:
    """Return those of some entities that are of this integration and of one kind.

    An area, a label or a server's device has other entities of the same domain, too.
    """
    registry = er.async_get(hass)
    return {
        entity_id
        for entity_id in entity_ids
        if (entity := registry.async_get(entity_id))
        and entity.platform == DOMAIN
        and entity.translation_key == translation_key
    }


def find_server(hass: HomeAssistant, entity_id: str) -> PlexButlerRuntimeData | None:
    """Return the server that an entity belongs to; None while it is not loaded."""
    entity = er.async_get(hass).async_get(entity_id)
    entries: list[PlexButlerConfigEntry] = hass.config_entries.async_loaded_entries(
        DOMAIN
    )
    return next(
        (
            entry.runtime_data
            for entry in entries
            if entity and entry.entry_id == entity.config_entry_id
        ),
        None,
    )


def find_task(hass: HomeAssistant, entity_id: str) -> TargetedTask | None:
    """Return the task of a status sensor; None if it is none, or is disabled."""
    entity = er.async_get(hass).async_get(entity_id)
    if (
        entity is None
        or entity.disabled
        or entity.platform != DOMAIN
        or entity.translation_key != STATUS.translation_key
    ):
        return None
    entry: PlexButlerConfigEntry = hass.config_entries.async_get_known_entry(
        entity.config_entry_id or ""
    )
    name = entity.unique_id.removeprefix(f"{entry.unique_id}_")
    return TargetedTask(
        entity_id=entity_id, name=name.removesuffix(f"_{STATUS.key}"), entry=entry
    )


async def async_find_targeted_tasks(call: ServiceCall) -> list[TargetedTask]:
    """Return the tasks that an action is for, whether they are available or not.

    Home Assistant's own entity actions leave out what is unavailable without an error.
    Other entities of an area, a device or a label are left out here, too. Raises
    ServiceValidationError if another entity was targeted by its own id, or there is no
    task, and Unauthorized if the user may not control one of the entities.
    """
    hass, target = call.hass, dict(call.data)
    target_all = target.get(ATTR_ENTITY_ID) == ENTITY_MATCH_ALL
    if target_all:
        target[ATTR_ENTITY_ID] = [*er.async_get(hass).entities]
    selected = async_extract_referenced_entity_ids(hass, TargetSelection(target))
    selected.log_missing(set(), LOGGER)
    entity_ids = selected.referenced | selected.indirectly_referenced
    forbidden = await _async_find_forbidden(call, entity_ids)
    if target_all:
        entity_ids -= forbidden
    elif forbidden:
        raise Unauthorized(
            context=call.context, entity_id=min(forbidden), permission=POLICY_CONTROL
        )
    tasks = []
    for entity_id in sorted(entity_ids):
        if task := find_task(hass, entity_id):
            tasks.append(task)
        elif entity_id in selected.referenced and not target_all:
            raise not_a_task(entity_id)
    if not tasks:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="no_task"
        )
    return tasks


async def _async_find_forbidden(
    call: ServiceCall, entity_ids: Iterable[str]
) -> set[str]:
    """Return the entities that the user who called an action may not control."""
    if call.context.user_id is None:
        return set()
    user = await call.hass.auth.async_get_user(call.context.user_id)
    if user is None:
        raise UnknownUser(context=call.context)
    may_control = user.permissions.check_entity
    return {
        entity_id
        for entity_id in entity_ids
        if not may_control(entity_id, POLICY_CONTROL)
    }


def not_a_task(entity_id: str) -> ServiceValidationError:
    """Return the error for an entity that is not the status sensor of a task."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="not_a_task",
        translation_placeholders={"entity_id": entity_id},
    )
