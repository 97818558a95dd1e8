"""Sees what Home Assistant shows, logs and keeps, and finds secrets in it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import voluptuous as vol

from homeassistant.components.recorder import get_instance
from homeassistant.const import MATCH_ALL
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError

from .plex.common import shown
from .simulator import RecordedRequest


class Witness:
    """What was seen, by the place it was seen at."""

    def __init__(self, hass: HomeAssistant) -> None:
        """See all events from now on."""
        self.seen: defaultdict[str, list[str]] = defaultdict(list)
        hass.bus.async_listen(MATCH_ALL, self._see_event)

    def see(self, place: str, *things: object) -> None:
        """See things at a place."""
        self.seen[place] += map(str, things)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """See the error that something leads to, if it does."""
        try:
            yield
        except (HomeAssistantError, vol.Invalid) as err:
            self.see("exceptions", shown(err))

    def places(self, secrets: Iterable[str]) -> set[str]:
        """Return where secrets were seen."""
        return {
            place
            for place, texts in self.seen.items()
            if any(secret in text for secret in secrets for text in texts)
        }

    @callback
    def _see_event(self, event: Event) -> None:
        self.see("events", event.as_dict())


def rows_of(hass: HomeAssistant) -> list[str]:
    """Return all rows of the database, as SQL."""
    connection = get_instance(hass).engine.raw_connection()
    return [*connection.driver_connection.iterdump()]


def headers(requests: Iterable[RecordedRequest], secrets: set[str]) -> set[str]:
    """Return the names of the headers with a secret, if only headers have any."""
    for request in requests:
        assert not [one for one in secrets if one in request.raw_path + request.query]
        assert request.headers.get("Content-Length", "0") == "0"
    return {
        name
        for request in requests
        for name, value in request.headers.items()
        if any(secret in value for secret in secrets)
    }
