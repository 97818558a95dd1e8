"""Random faults of servers, and random requests of users."""

import asyncio
from collections import Counter, deque
from collections.abc import Coroutine
from random import Random
from typing import Any

from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
)

from custom_components.plex_butler.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from tests.benchmarks.scale import Fleet
from tests.simulator import default_tasks

# What happens on average, for each server and second.
RATE = 0.25
DISTURBED = 0.3
"""The part of that which are faults and changes, and not requests of users."""
LONGEST = 18.0
"""The most seconds that a fault lasts: a few are longer than a timeout."""
KEPT = 12
"""How many of the last things that happened to a server are told if it is wrong."""

TASKS = list(default_tasks())
FAULTS = ("SLOW", "DROP", "UNAUTHORIZED", "MAINTENANCE", "SERVER_ERROR", "TRUNCATED")
DISTURBANCES = (
    "drop the network",
    "drop the network",
    *(f"answer with {fault}" for fault in FAULTS),
    "close the websocket",
    "keep the websocket silent",
    "list fewer tasks",
    "rename",
    "start a task",
    "start all tasks",
    "change the window",
)
REQUESTS = (
    *("press", "press", "press"),
    *("turn", "select", "move the window", "read", "wait for a task", "update"),
    "reload",
)


class Chaos:
    """Disturbs servers, and uses them meanwhile, in an order that a seed determines."""

    def __init__(
        self,
        hass: HomeAssistant,
        fleet: Fleet,
        entries: list[MockConfigEntry],
        seed: int,
    ) -> None:
        """Initialize; nothing happens yet."""
        self.happened: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        """The requests that failed, by the reason."""
        self.latest: list[deque[str]] = [deque(maxlen=KEPT) for _ in entries]
        """What happened last to each server, and when (time of the event loop)."""
        self._hass = hass
        self._fleet = fleet
        self._entries = entries
        self._random = Random(seed)  # noqa: S311 - it is to be repeatable
        self._disturbed: set[int] = set()
        self._commands = asyncio.Lock()

    async def play(self, seconds: float) -> None:
        """Let things happen for some time, and wait until the last one has ended.

        An error that users are not to see ends it.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        longest = min(LONGEST, seconds)
        async with asyncio.TaskGroup() as group:
            while loop.time() < end:
                group.create_task(self._next(longest))
                rate = RATE * len(self._entries)
                await asyncio.sleep(self._random.expovariate(rate))
        await self.heal()

    async def heal(self) -> None:
        """Let all servers be as they were, and idle."""
        for number in range(len(self._entries)):
            await self._command(number, "heal")

    async def close_windows(self) -> None:
        """Let no maintenance window be open: its calendar has other timers then."""
        middle = (dt_util.now().hour + 6.5) % 24
        for number in range(len(self._entries)):
            await self._command(number, "change the window", middle / 24)

    async def _command(self, number: int, *command: Any) -> None:
        async with self._commands:
            await asyncio.to_thread(self._fleet.command, number, *command)

    def _next(self, longest: float) -> Coroutine[Any, Any, None]:
        """Choose what happens next. All is chosen here, in an order of its own."""
        number = self._random.randrange(len(self._entries))
        hold = self._random.uniform(0, longest)
        dice = self._random.random()
        if self._random.random() > DISTURBED:
            kind = self._random.choice(REQUESTS)
            self._note(number, kind)
            return self._ask(self._entries[number], kind, dice)
        kind = self._random.choice(DISTURBANCES)
        return self._disturb(number, kind, hold, dice)

    def _note(self, number: int, kind: str, how_long: str = "") -> None:
        self.happened[kind] += 1
        self.latest[number].append(f"{self._hass.loop.time():.0f}: {kind}{how_long}")

    async def _disturb(self, number: int, kind: str, hold: float, dice: float) -> None:
        """Disturb a server that is not disturbed already, and let it be well again."""
        if number in self._disturbed:
            return
        self._disturbed.add(number)
        self._note(number, kind, f" for {hold:.1f} s")
        await self._command(number, kind, dice)
        await asyncio.sleep(hold)
        await self._command(number, "heal")
        self._disturbed.discard(number)

    async def _ask(self, entry: MockConfigEntry, kind: str, dice: float) -> None:
        """Do what a user may do; it may be refused, but with a text for the user."""
        try:
            if kind == "reload":
                await self._hass.config_entries.async_reload(entry.entry_id)
            elif entry.state is ConfigEntryState.LOADED:
                await self._call(entry, kind, dice)
        except HomeAssistantError as err:
            self.refused[err.translation_key or str(err)] += 1

    async def _call(self, entry: MockConfigEntry, kind: str, dice: float) -> None:
        hour = int(dice * 23)
        server: dict[str, Any] = {"config_entry_id": entry.entry_id}
        match kind:
            case "press":
                await self._act(entry, "button", "press", dice)
            case "turn":
                await self._act(entry, "switch", "toggle", dice)
            case "select":
                option = {"option": f"{hour:02}:00"}
                ends = ("window_start", "window_end")
                await self._act(entry, "select", "select_option", dice, ends, option)
            case "move the window":
                hours = {"start": hour, "end": hour + 1}
                await self._own("set_maintenance_window", server | hours)
            case "read":
                await self._own("get_butler_tasks", server, response=True)
            case "wait for a task":
                wait = {"wait_for_completion": True, "timeout": 5}
                await self._act(entry, "sensor", "start_task", dice, ("_status",), wait)
            case "update":
                await self._act(entry, "sensor", "update_entity", dice)

    async def _own(
        self, action: str, data: dict[str, Any], *, response: bool = False
    ) -> None:
        await self._hass.services.async_call(
            DOMAIN, action, data, blocking=True, return_response=response
        )

    async def _act(
        self,
        entry: MockConfigEntry,
        platform: str,
        action: str,
        dice: float,
        ends: tuple[str, ...] = ("",),
        data: dict[str, Any] | None = None,
    ) -> None:
        """Call an action on one of the entities of a platform."""
        registry = er.async_get(self._hass)
        entity_ids = sorted(
            entity.entity_id
            for entity in er.async_entries_for_config_entry(registry, entry.entry_id)
            if entity.domain == platform and entity.unique_id.endswith(ends)
        )
        if not entity_ids:  # The server was never reached.
            return
        domain = {"start_task": DOMAIN, "update_entity": "homeassistant"}
        target = {"entity_id": entity_ids[int(dice * len(entity_ids))]}
        await self._hass.services.async_call(
            domain.get(action, platform), action, target | (data or {}), blocking=True
        )
