"""Buttons of Butler for Plex."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .commands import ButlerCommands
from .coordinator import PlexButlerConfigEntry
from .entity import ButlerEntity, ButlerTaskEntity, async_add_listed_entities

PARALLEL_UPDATES = 1


@dataclass(frozen=True, kw_only=True)
class ButlerButtonDescription[*TaskT](ButtonEntityDescription):
    """Describe a button of a server, or of a task: then with its name as argument."""

    press_fn: Callable[[ButlerCommands, *TaskT, Context | None], Awaitable[object]]


SERVER_BUTTONS = (
    ButlerButtonDescription(
        key="start_all_tasks",
        translation_key="start_all_tasks",
        press_fn=lambda commands, _: commands.start_all_tasks(),
    ),
    ButlerButtonDescription(
        key="stop_all_tasks",
        translation_key="stop_all_tasks",
        entity_category=EntityCategory.CONFIG,
        press_fn=ButlerCommands.stop_all_tasks,
    ),
)

TASK_BUTTONS = (
    ButlerButtonDescription(
        key="start",
        translation_key="start",
        press_fn=ButlerCommands.start_task,
    ),
    ButlerButtonDescription(
        key="stop",
        translation_key="stop",
        # Without a category, "press button" aimed at the device would start and stop.
        entity_category=EntityCategory.CONFIG,
        press_fn=ButlerCommands.stop_task,
    ),
)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the buttons of a server and its tasks."""
    butler = entry.runtime_data.butler

    def create() -> Iterator[ButlerTaskButton]:
        for task in butler.data.tasks.values():
            for description in TASK_BUTTONS:
                yield ButlerTaskButton(butler, description, task)

    async_add_entities(
        ButlerButton(butler, description) for description in SERVER_BUTTONS
    )
    await async_add_listed_entities(
        entry, butler, async_add_entities, TASK_BUTTONS, create
    )


class ButlerButton(ButlerEntity, ButtonEntity):
    """A button of a server."""

    entity_description: ButlerButtonDescription[()]

    @override
    async def async_press(self) -> None:
        """Press the button."""
        await self.entity_description.press_fn(self.coordinator.commands, self._context)


class ButlerTaskButton(ButlerTaskEntity, ButtonEntity):
    """A button of a task."""

    entity_description: ButlerButtonDescription[str]

    @override
    async def async_press(self) -> None:
        """Press the button."""
        await self.entity_description.press_fn(
            self.coordinator.commands, self.task_name, self._context
        )
