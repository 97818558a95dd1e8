"""Buttons that start and stop tasks."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import ButlerCoordinator, PlexButlerConfigEntry
from .entity import ButlerEntity, ButlerTaskEntity, async_add_task_entities
from .plex import ButlerTask

PARALLEL_UPDATES = 1


@dataclass(frozen=True, kw_only=True)
class ButlerButtonDescription(ButtonEntityDescription):
    """Describes a button of a server."""

    press_fn: Callable[[ButlerCoordinator], Awaitable[object]]


@dataclass(frozen=True, kw_only=True)
class ButlerTaskButtonDescription(ButtonEntityDescription):
    """Describes a button of a task."""

    press_fn: Callable[[ButlerCoordinator, str], Awaitable[object]]


SERVER_BUTTONS = (
    ButlerButtonDescription(
        key="start_all_tasks",
        translation_key="start_all_tasks",
        press_fn=lambda coordinator: coordinator.start_all_tasks(),
    ),
    ButlerButtonDescription(
        key="stop_all_tasks",
        translation_key="stop_all_tasks",
        press_fn=lambda coordinator: coordinator.stop_all_tasks(),
    ),
)

TASK_BUTTONS = (
    ButlerTaskButtonDescription(
        key="start",
        translation_key="start",
        press_fn=lambda coordinator, name: coordinator.start_task(name),
    ),
    ButlerTaskButtonDescription(
        key="stop",
        translation_key="stop",
        press_fn=lambda coordinator, name: coordinator.stop_task(name),
    ),
)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the buttons of a server."""
    coordinator = entry.runtime_data
    async_add_entities(
        ButlerButton(coordinator, description) for description in SERVER_BUTTONS
    )
    async_add_task_entities(
        entry,
        async_add_entities,
        lambda task: (
            ButlerTaskButton(coordinator, description, task)
            for description in TASK_BUTTONS
        ),
    )


class ButlerButton(ButlerEntity, ButtonEntity):
    """A button of a server."""

    entity_description: ButlerButtonDescription

    def __init__(
        self, coordinator: ButlerCoordinator, description: ButlerButtonDescription
    ) -> None:
        """Initialize the button."""
        super().__init__(coordinator, description.key)
        self.entity_description = description

    @override
    async def async_press(self) -> None:
        """Ask the server for it."""
        await self.entity_description.press_fn(self.coordinator)


class ButlerTaskButton(ButlerTaskEntity, ButtonEntity):
    """A button of a task."""

    entity_description: ButlerTaskButtonDescription

    def __init__(
        self,
        coordinator: ButlerCoordinator,
        description: ButlerTaskButtonDescription,
        task: ButlerTask,
    ) -> None:
        """Initialize the button."""
        super().__init__(coordinator, description.key, task)
        self.entity_description = description

    @override
    async def async_press(self) -> None:
        """Ask the server for it."""
        await self.entity_description.press_fn(self.coordinator, self.task_name)
