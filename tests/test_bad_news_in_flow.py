"""What bad news from Plex becomes in the config flow, and that it can be mended."""

from typing import Any

from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from .bad_news import News, every_news
from .conftest import Hung
from .flows import choose, start, typed
from .simulator import Fault, PlexSimulator


async def submit(hass: HomeAssistant, flow_id: str, plex: PlexSimulator) -> Any:
    return await hass.config_entries.flow.async_configure(flow_id, typed(plex))


async def start_flow(hass: HomeAssistant) -> str:
    return (await choose(hass, await start(hass), "manual"))["flow_id"]


@every_news
async def test_flow(hass: HomeAssistant, plex: PlexSimulator, news: News) -> None:
    plex.inject(news.fault, "/butler")
    result = await submit(hass, await start_flow(hass), plex)
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {news.field: news.flow_key}

    plex.clear_faults()
    result = await submit(hass, result["flow_id"], plex)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id == plex.machine_identifier


async def test_flow_refused(hass: HomeAssistant, plex: PlexSimulator) -> None:
    await plex.stop()
    result = await submit(hass, await start_flow(hass), plex)
    assert result["errors"] == {CONF_URL: "cannot_connect"}

    await plex.start()
    result = await submit(hass, result["flow_id"], plex)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id == plex.machine_identifier


async def test_flow_timeout(
    hass: HomeAssistant, plex: PlexSimulator, hung: Hung
) -> None:
    plex.inject(Fault.SLOW, "/butler")
    flow_id = await start_flow(hass)
    result = await hung(submit(hass, flow_id, plex), "GET", "/butler")
    assert result["errors"] == {CONF_URL: "cannot_connect"}

    plex.clear_faults()
    result = await submit(hass, flow_id, plex)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id == plex.machine_identifier


async def test_flow_tls(hass: HomeAssistant, plex: PlexSimulator) -> None:
    flow_id = await start_flow(hass)
    result = await hass.config_entries.flow.async_configure(
        flow_id, typed(plex, url=plex.url.replace("http:", "https:"))
    )
    assert result["errors"] == {CONF_URL: "ssl_error"}

    result = await submit(hass, flow_id, plex)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id == plex.machine_identifier
