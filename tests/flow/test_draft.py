"""What is wrong with an address, a token or a certificate, and what helps."""

from ssl import SSLContext
from typing import Any

from aiohttp import ThreadedResolver
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.flow import draft
from custom_components.plex_butler.plex import Certificate
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from tests.common import (
    DIRECT_HASH,
    choose,
    direct_url,
    fingerprint,
    restart,
    start_flow,
    stored,
    submit,
    suggested,
    typed,
)
from tests.simulator import Authority, Fault, PlexSimulator


@pytest.fixture(scope="session")
def named_tls(authority: Authority) -> SSLContext:
    """What a server speaks TLS with that has a certificate for its own address."""
    return authority.valid_for("127.0.0.1")


@pytest.fixture(scope="session")
def untrusted_tls() -> SSLContext:
    """What looks like Plex's own certificate, but is not."""
    return Authority().direct(DIRECT_HASH)


async def start(hass: HomeAssistant) -> Any:
    """Open the form for address and token."""
    return await choose(hass, await start_flow(hass), "manual")


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("", "invalid_url"),
        ("not an address", "invalid_url"),
        ("http://[", "invalid_url"),
        ("ftp://192.168.1.5", "unsupported_scheme"),
        ("http://owner:secret@192.168.1.5", "credentials_in_url"),
    ],
)
async def test_address_that_is_none(
    hass: HomeAssistant, plex: PlexSimulator, url: str, key: str
) -> None:
    result = await submit(hass, await start(hass), **typed(plex, url=url))
    assert result["errors"] == {CONF_URL: key}
    assert plex.requests == []

    result = await submit(hass, result, **typed(plex))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id == plex.machine_identifier


@pytest.mark.parametrize(
    ("token", "key"),
    [
        ("wrong", "invalid_auth"),
        ("not a\ntoken", "invalid_auth"),
        ("töken", "invalid_auth"),
        ("shared-token-of-the-simulator", "not_owner"),
        ("", "token_required"),
        ("eyJhbGciOiJFZERTQSJ9.eyJhdWQiOiJwbGV4LnR2In0.c2ln", "web_token"),
    ],
)
async def test_token_of_no_owner(
    hass: HomeAssistant, plex: PlexSimulator, token: str, key: str
) -> None:
    result = await submit(hass, await start(hass), **typed(plex, token=token))
    assert result["errors"] == {CONF_TOKEN: key}

    result = await submit(hass, result, **typed(plex))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id == plex.machine_identifier


async def test_a_host_name_without_a_token(
    hass: HomeAssistant, plex: PlexSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some servers need no token of requests to their IP address."""
    resolver: Any = ThreadedResolver()
    resolver.real_close = resolver.close
    monkeypatch.setattr(
        "homeassistant.helpers.aiohttp_client._async_make_resolver", lambda _: resolver
    )
    url = f"http://localhost:{plex.port}"
    result = await submit(hass, await start(hass), url=url, verify_ssl=True)
    assert result["errors"] == {CONF_TOKEN: "token_required_by_name"}

    plex.token = None
    result = await submit(hass, result, url=plex.url, verify_ssl=True)
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.usefixtures("trusted")
async def test_a_name_of_an_address_without_a_token(
    hass: HomeAssistant, plex: PlexSimulator, direct_tls: SSLContext
) -> None:
    await restart(plex, direct_tls)
    url = direct_url(plex)
    result = await submit(hass, await start(hass), url=url, verify_ssl=True)
    assert result["errors"] == {CONF_TOKEN: "token_required"}


async def test_another_error_without_a_token(
    hass: HomeAssistant, plex: PlexSimulator
) -> None:
    plex.inject(Fault.SERVER_ERROR)
    result = await submit(hass, await start(hass), url=plex.url, verify_ssl=True)
    assert result["errors"] == {"base": "server_error"}


async def test_what_was_typed_is_kept_after_an_error(
    hass: HomeAssistant, plex: PlexSimulator
) -> None:
    plex.inject(Fault.SERVER_ERROR)
    was = typed(plex, verify_ssl=False)
    result = await submit(hass, await start(hass), **was)
    assert suggested(result) == was


async def enter(hass: HomeAssistant, plex: PlexSimulator, scheme: str) -> Any:
    """Enter an address by hand."""
    result = await choose(hass, await start_flow(hass), "manual")
    url = f"{scheme}://127.0.0.1:{plex.port}"
    return await submit(hass, result, **typed(plex, url=url))


@pytest.mark.parametrize(
    ("scheme", "step_id"), [("http", "https_required"), ("https", "certificate")]
)
@pytest.mark.usefixtures("trusted")
async def test_plexs_own_certificate(
    hass: HomeAssistant,
    plex: PlexSimulator,
    direct_tls: SSLContext,
    scheme: str,
    step_id: str,
) -> None:
    """Its plex.direct name is known from the certificate, and works."""
    await restart(plex, direct_tls)
    result = await enter(hass, plex, scheme)
    assert result["type"] is FlowResultType.MENU
    assert result["step_id"] == step_id
    assert result["menu_options"] == ["verified", "unverified", "other_address"]
    assert result["description_placeholders"]["address"] == r"127\.0\.0\.1"
    assert result["description_placeholders"]["verified"] == direct_url(plex)
    # Nothing has gone to a server that is not who it should be.
    assert plex.requests == []

    result = await choose(hass, result, "verified")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == stored(plex, url=direct_url(plex), direct_hash=DIRECT_HASH)
    assert result["result"].state is ConfigEntryState.LOADED


@pytest.mark.parametrize(
    ("scheme", "step_id", "first"),
    [
        ("http", "https_required", ["verified", "unverified"]),
        ("https", "certificate", ["unverified"]),
    ],
)
async def test_a_certificate_that_nobody_trusts(
    hass: HomeAssistant,
    plex: PlexSimulator,
    self_signed: SSLContext,
    scheme: str,
    step_id: str,
    first: list[str],
) -> None:
    await restart(plex, self_signed)
    result = await enter(hass, plex, scheme)
    assert result["step_id"] == step_id
    assert result["menu_options"] == [*first, "other_address"]

    result = await choose(hass, result, "unverified")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == stored(
        plex, verify_ssl=False, fingerprint=await fingerprint(plex)
    )
    assert result["result"].state is ConfigEntryState.LOADED


@pytest.mark.usefixtures("trusted")
async def test_a_certificate_of_its_own(
    hass: HomeAssistant, plex: PlexSimulator, named_tls: SSLContext
) -> None:
    await restart(plex, named_tls)
    result = await enter(hass, plex, "http")
    result = await choose(hass, result, "verified")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == stored(plex)


async def test_https_does_not_help_either(
    hass: HomeAssistant, plex: PlexSimulator, self_signed: SSLContext
) -> None:
    await restart(plex, self_signed)
    result = await choose(hass, await enter(hass, plex, "http"), "verified")
    assert result["step_id"] == "certificate"
    result = await choose(hass, result, "unverified")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == stored(
        plex, verify_ssl=False, fingerprint=await fingerprint(plex)
    )


async def test_the_name_of_a_certificate_that_nobody_trusts(
    hass: HomeAssistant, plex: PlexSimulator, untrusted_tls: SSLContext
) -> None:
    """The name is not offered a second time."""
    await restart(plex, untrusted_tls)
    result = await choose(hass, await enter(hass, plex, "https"), "verified")
    assert result["step_id"] == "certificate"
    assert result["menu_options"] == ["unverified", "other_address"]
    result = await choose(hass, result, "unverified")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == stored(
        plex,
        url=direct_url(plex),
        verify_ssl=False,
        fingerprint=await fingerprint(plex),
    )


async def test_another_address(
    hass: HomeAssistant, plex: PlexSimulator, self_signed: SSLContext
) -> None:
    """What was typed is still there."""
    await restart(plex, self_signed)
    result = await enter(hass, plex, "https")
    await restart(plex, None)
    result = await choose(hass, result, "other_address")
    assert result["step_id"] == "manual"
    was = typed(plex, url=f"https://127.0.0.1:{plex.port}")
    assert suggested(result) == was

    result = await submit(hass, result, **typed(plex))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == stored(plex)


async def test_a_wrong_token_over_an_unverified_connection(
    hass: HomeAssistant, plex: PlexSimulator, self_signed: SSLContext
) -> None:
    """The form shows what was chosen meanwhile, too."""
    await restart(plex, self_signed)
    result = await choose(hass, await start_flow(hass), "manual")
    result = await submit(hass, result, **typed(plex, token="wrong"))
    result = await choose(hass, result, "unverified")
    assert result["step_id"] == "manual"
    assert result["errors"] == {CONF_TOKEN: "invalid_auth"}
    assert suggested(result) == typed(plex, token="wrong", verify_ssl=False)

    result = await submit(hass, result, **typed(plex, verify_ssl=False))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_https_where_there_is_none(
    hass: HomeAssistant, plex: PlexSimulator
) -> None:
    result = await enter(hass, plex, "https")
    assert result["step_id"] == "manual"
    assert result["errors"] == {CONF_URL: "ssl_error"}

    result = await submit(hass, result, **typed(plex))
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.usefixtures("trusted")
async def test_reauth(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    direct_tls: SSLContext,
) -> None:
    """A server whose secure connections were set to required in the meantime."""
    result = await choose(hass, await loaded.start_reauth_flow(hass), "token")
    plex.token = "new"
    await restart(plex, direct_tls)
    result = await submit(hass, result, token="new")
    assert result["step_id"] == "https_required"
    result = await choose(hass, result, "verified")
    assert result["reason"] == "reauth_successful"
    assert loaded.data == stored(plex, url=direct_url(plex), direct_hash=DIRECT_HASH)


async def test_a_certificate_other_than_the_accepted_one(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    self_signed: SSLContext,
    direct_tls: SSLContext,
) -> None:
    """The server gets the token only after the user has accepted this one, too."""
    await restart(plex, self_signed)
    data = typed(plex, verify_ssl=False, fingerprint=await fingerprint(plex))
    hass.config_entries.async_update_entry(entry, data=data)
    await restart(plex, direct_tls)
    result = await choose(hass, await entry.start_reauth_flow(hass), "token")
    plex.requests.clear()
    result = await submit(hass, result, token=plex.token)
    assert result["step_id"] == "certificate"
    assert result["menu_options"] == ["verified", "unverified", "other_address"]
    assert plex.requests == []

    result = await choose(hass, result, "unverified")
    assert result["reason"] == "reauth_successful"
    assert entry.data == stored(
        plex, verify_ssl=False, fingerprint=await fingerprint(plex)
    )


@pytest.mark.parametrize(
    "fault", [Fault.UNAUTHORIZED, Fault.FORBIDDEN, Fault.SERVER_ERROR, Fault.HTML]
)
async def test_a_server_whose_name_cannot_be_read(
    hass: HomeAssistant, plex: PlexSimulator, fault: Fault
) -> None:
    """It is named like its host."""
    plex.inject(fault, "/")
    result = await submit(hass, await start(hass), **typed(plex))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "127.0.0.1"


@pytest.mark.parametrize(
    "certificate",
    [
        Certificate(address="127.0.0.1", direct_hash=None, fingerprint="00" * 32),
        None,
    ],
)
async def test_a_certificate_that_changes_while_connecting(
    hass: HomeAssistant,
    plex: PlexSimulator,
    self_signed: SSLContext,
    monkeypatch: pytest.MonkeyPatch,
    certificate: Certificate | None,
) -> None:
    """The token is sent only to the server whose certificate is stored."""
    await restart(plex, self_signed)

    async def read_certificate(_url: object) -> Certificate | None:
        return certificate

    monkeypatch.setattr(draft, "read_certificate", read_certificate)
    await submit(hass, await start(hass), **typed(plex, verify_ssl=False))
    assert {request.token for request in plex.requests} == {None}
