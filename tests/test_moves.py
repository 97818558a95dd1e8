"""Which addresses of a lost server are used, and which the user is asked about."""

import asyncio
from collections.abc import Awaitable, Callable
from ssl import SSLContext
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.moves import Verdict, async_follow, judge
from homeassistant.config_entries import (
    ConfigEntries,
    ConfigEntryDisabler,
    ConfigEntryState,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from .common import DIRECT_HASH, RENEWED_HASH, direct_url, restart, settle
from .simulator import Fault, PlexSimulator

SAME = f"https://192-168-1-9.{DIRECT_HASH}.plex.direct:32400"
OTHER = f"https://192-168-1-9.{RENEWED_HASH}.plex.direct:32400"
OWN = "https://plex.example.com"
PLAIN = "http://192.168.1.9:32400"
LISTED = (OTHER, OWN, PLAIN)
SECURE = {
    "url": f"https://192-168-1-5.{DIRECT_HASH}.plex.direct:32400",
    "verify_ssl": True,
    "direct_hash": DIRECT_HASH,
}
NAMED = {"url": "https://old.example.com", "verify_ssl": True}
UNVERIFIED = {
    "url": "https://192.168.1.5:32400",
    "verify_ssl": False,
    "fingerprint": "00" * 32,
}
HTTP = {"url": "http://192.168.1.5:32400", "verify_ssl": True}
ALL = (SECURE, NAMED, UNVERIFIED, HTTP)


def judged(
    expected: Verdict,
    url: str,
    listed: tuple[str, ...] | None,
    *entries: dict[str, Any],
) -> list[Any]:
    return [(entry, url, listed, expected) for entry in entries]


@pytest.mark.parametrize(
    ("data", "url", "listed", "expected"),
    [
        # https on the same plex.direct hash as before
        *judged(Verdict.USE, SAME, None, SECURE),
        *judged(Verdict.USE, SAME, (), SECURE),
        *judged(Verdict.USE, SAME.upper().replace("HTTPS", "https"), None, SECURE),
        # an https address that plex.tv lists
        *judged(Verdict.USE, OTHER, LISTED, *ALL),
        *judged(Verdict.USE, OWN, LISTED, *ALL),
        # plex.tv was asked, and does not list it
        *judged(Verdict.IGNORE, OTHER, (), *ALL),
        *judged(Verdict.IGNORE, PLAIN, (OTHER,), *ALL),
        *judged(Verdict.IGNORE, SAME, LISTED, NAMED, UNVERIFIED, HTTP),
        # anything else
        *judged(Verdict.ASK, OTHER, None, *ALL),
        *judged(Verdict.ASK, SAME, None, NAMED, UNVERIFIED, HTTP),
        *judged(Verdict.ASK, OWN, None, *ALL),
        *judged(Verdict.ASK, PLAIN, None, *ALL),
        *judged(Verdict.ASK, PLAIN, LISTED, *ALL),
        *judged(Verdict.ASK, SAME.replace("https", "http"), None, SECURE),
        # another certificate at its own address
        (UNVERIFIED, UNVERIFIED["url"], None, Verdict.ASK),
        (UNVERIFIED, UNVERIFIED["url"], (OTHER,), Verdict.ASK),
    ],
)
def test_table(
    data: dict[str, Any], url: str, listed: tuple[str, ...] | None, expected: Verdict
) -> None:
    assert judge(data, url, listed) is expected


async def test_server_that_is_back_at_its_address(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    issue_registry: ir.IssueRegistry,
) -> None:
    """It did not answer when that was checked, and does when its address was found."""
    entry.mock_state(hass, ConfigEntryState.SETUP_RETRY)
    plex.inject(Fault.HTML, "/identity", times=1)
    assert not await async_follow(hass, entry, [plex.url])
    assert [request.raw_path for request in plex.requests] == ["/identity"] * 2
    assert not issue_registry.issues


@pytest.mark.usefixtures("trusted")
async def test_server_that_is_back_at_its_certified_address(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    direct_tls: SSLContext,
) -> None:
    """It has not moved, so nothing is to be changed, and nothing that waits is to fail."""
    await restart(plex, direct_tls)
    url = direct_url(plex)
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "url": url, "direct_hash": DIRECT_HASH}
    )
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    loaded = entry.runtime_data
    plex.inject(Fault.HTML, "/identity", times=1)
    assert not await async_follow(hass, entry, [url])
    await settle(hass)
    assert entry.runtime_data is loaded


async def disable(manager: ConfigEntries, entry_id: str) -> None:
    await manager.async_set_disabled_by(entry_id, ConfigEntryDisabler.USER)


@pytest.mark.parametrize("leave", [ConfigEntries.async_remove, disable])
async def test_server_that_is_not_used_any_more(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    issue_registry: ir.IssueRegistry,
    leave: Callable[[ConfigEntries, str], Awaitable[object]],
) -> None:
    """It is removed or disabled while the address is looked at that it may be at."""
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "url": "http://127.0.0.1:1"}
    )
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    plex.inject(Fault.SLOW, "/identity")
    follow = asyncio.create_task(async_follow(hass, entry, [plex.url]))
    await settle(hass)
    await leave(hass.config_entries, entry.entry_id)
    plex.clear_faults()
    assert not await follow
    assert not issue_registry.issues


async def test_server_that_is_disabled(
    hass: HomeAssistant, entry: MockConfigEntry, plex: PlexSimulator
) -> None:
    """Nothing is asked of it, whatever announces it."""
    await disable(hass.config_entries, entry.entry_id)
    assert not await async_follow(hass, entry, [plex.url])
    assert not plex.requests
