"""Tokens and client identifiers are in the entry and in the headers to their server.

They are nowhere else, whatever happens. Diagnostics name neither the server nor its
address; states, system health, responses, the activity log and the history name it, but
not its address.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
import json
import logging
from ssl import SSLContext
from typing import Any

from aiohttp.test_utils import TestClient
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    get_system_health_info,
)
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)

from custom_components.plex_butler.const import CONF_CLIENT_IDENTIFIER, DOMAIN
from homeassistant.components.recorder import get_instance
from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .common import (
    BACKUP,
    BACKUP_ENABLED,
    MAINTENANCE,
    OPTIMIZE,
    START,
    THUMBS,
    WINDOW,
    PlexTv,
    Tick,
    choose,
    move,
    move_window,
    press,
    restart,
    select_option,
    set_hour,
    settle,
    start_flow,
    states,
    submit,
    turn,
    typed,
)
from .plex.common import shown
from .simulator import (
    AccountServer,
    Fault,
    GdmResponder,
    GdmServer,
    PlexSimulator,
)
from .witness import Witness, headers, rows_of

# In every token, at its start: what is cut off is found as well.
SECRET = "s3cr3t"
TOKEN = f"{SECRET}-of-the-server"
RENEWED = f"{SECRET}-of-the-server-renewed"
TYPED = f"{SECRET}-that-was-typed"
ACCOUNT = f"{SECRET}-of-the-account"
ELSEWHERE = f"http://elsewhere.example.com/?X-Plex-Token={TOKEN}"
NAME = "Media Server"
HOST = "127.0.0.1"
TASKS = ("BackupDatabase", "OptimizeDatabase", "GenerateChapterThumbs")

# One of each kind of error; the tests of the Plex side look at all.
FAULTS = (
    Fault.UNAUTHORIZED,
    Fault.FORBIDDEN,
    Fault.SERVER_ERROR,
    Fault.MAINTENANCE_RETRY_AFTER,
    Fault.DROP,
    Fault.TRUNCATED,
    Fault.HTML,
    Fault.REDIRECT_ELSEWHERE,
    Fault.BAD_TASK,
    Fault.ECHO,
)

AUTOMATION: dict[str, Any] = {
    "id": "tested",
    "alias": "tested",
    "mode": "parallel",
    "max": 100,
    "trace": {"stored_traces": 1000},
    "triggers": [
        {"trigger": "event", "event_type": "test"},
        *(
            {"trigger": f"plex_butler.{name}", "target": {"entity_id": entity_id}}
            for name, entity_id in (
                ("task_started", BACKUP),
                ("task_finished", BACKUP),
                ("task_stopped", OPTIMIZE),
                ("maintenance_started", MAINTENANCE),
                ("maintenance_finished", MAINTENANCE),
                ("window_opened", WINDOW),
                ("window_closed", WINDOW),
            )
        ),
    ],
    "actions": [
        {
            "if": {
                "condition": f"plex_butler.{name}",
                "target": {"entity_id": entity_id},
                "options": options,
            },
            "then": [],
        }
        for name, entity_id, options in (
            ("task_is_running", BACKUP, {}),
            ("task_is_enabled", BACKUP, {}),
            ("last_run_is_older_than", BACKUP, {"duration": {"days": 7}}),
            ("maintenance_is_running", MAINTENANCE, {}),
            ("window_is_open", WINDOW, {}),
        )
    ],
}


@dataclass
class Scene:
    """Two servers that show the same machineIdentifier, and who looks at them."""

    hass: HomeAssistant
    plex: PlexSimulator
    impostor: PlexSimulator
    plex_tv: PlexTv
    gdm: GdmResponder
    tick: Tick
    witness: Witness
    client: ClientSessionGenerator
    user: MockUser

    @property
    def access_token(self) -> str:
        """A token for Home Assistant that is not too old."""
        (token,) = self.user.refresh_tokens.values()
        return self.hass.auth.async_create_access_token(token)

    async def browser(self) -> TestClient:
        """Return a client of Home Assistant's own API."""
        return await self.client(self.access_token)

    @property
    def entry(self) -> MockConfigEntry:
        """The entry of the server."""
        (entry,) = self.hass.config_entries.async_entries(DOMAIN)
        return entry

    async def poll(self, seconds: float = 300) -> None:
        """Read everything, and see why that failed."""
        await self.tick(seconds)
        for error in (
            self.entry.runtime_data.butler.last_exception,
            self.entry.runtime_data.settings.last_exception,
        ):
            self.witness.see("exceptions", error and shown(error))
        self.witness.see("exceptions", self.entry.reason)
        for flow in self.hass.config_entries.flow.async_progress():
            self.witness.see("dialogs", flow)


@pytest.fixture
def recorder_config() -> dict[str, Any]:
    """Keep what it writes for a while, as it does by default."""
    return {"commit_interval": 5}


@pytest.fixture
def mock_recorder_before_hass(async_test_recorder: Any) -> None:
    """Let the recorder be prepared before Home Assistant."""


@pytest.fixture
async def scene(
    recorder_mock: None,
    hass: HomeAssistant,
    plex: PlexSimulator,
    plex_tv: PlexTv,
    gdm: GdmResponder,
    tick: Tick,
    hass_client: ClientSessionGenerator,
    hass_access_token: str,
    hass_admin_user: MockUser,
) -> AsyncIterator[Scene]:
    """A server with a stream, and an impostor that takes any token."""
    plex.tasks = {name: plex.tasks[name] for name in TASKS}
    plex.token = TOKEN
    plex.websocket_refusal = None
    plex.redirect_target = ELSEWHERE
    plex_tv.simulator.account_token = ACCOUNT
    plex_tv.simulator.servers = [AccountServer.of(plex)]
    impostor = PlexSimulator(machine_identifier=plex.machine_identifier, token=None)
    async with impostor:
        yield Scene(
            *(hass, plex, impostor, plex_tv, gdm, tick, Witness(hass)),
            *(hass_client, hass_admin_user),
        )


async def sign_in(scene: Scene) -> None:
    """Add the server."""
    result = await choose(scene.hass, await start_flow(scene.hass), "plex_tv")
    scene.witness.see("dialogs", result)
    result = await scene.plex_tv.sign_in(result, new=True)
    assert result["result"].state is ConfigEntryState.LOADED
    await settle(scene.hass)
    assert scene.entry.runtime_data.butler.stream_up


async def automate(scene: Scene) -> None:
    """Set up an automation with all triggers and conditions, and what shows more."""
    scene.hass.config.components.add("frontend")  # Which is not installed
    for name in (
        *("diagnostics", "logbook", "repairs"),
        *("system_health", "trace", "websocket_api"),
    ):
        assert await async_setup_component(scene.hass, name, {})
    read = {
        "action": "plex_butler.get_butler_tasks",
        "data": {"config_entry_id": scene.entry.entry_id},
        "response_variable": "read",
    }
    config = {"automation": AUTOMATION | {"actions": [*AUTOMATION["actions"], read]}}
    assert await async_setup_component(scene.hass, "automation", config)
    await settle(scene.hass)


async def act(scene: Scene) -> None:
    """Press each kind of button, change each kind of setting, call each action."""
    hass, entry_id, see = scene.hass, scene.entry.entry_id, scene.witness.see
    server, task = {"config_entry_id": entry_id}, {"entity_id": BACKUP}
    requests = [
        lambda: press(hass, "backup_database_start"),
        lambda: press(hass, "backup_database_stop"),
        lambda: press(hass, "start_all_tasks", of="media_server_"),
        lambda: press(hass, "stop_all_tasks", of="media_server_"),
        lambda: turn(hass, BACKUP_ENABLED, on=False),
        lambda: turn(hass, BACKUP_ENABLED, on=True),
        lambda: select_option(hass, THUMBS, "never"),
        lambda: set_hour(hass, START, 1),
        lambda: move_window(hass, scene.entry, start=2, end=5),
    ]
    for request in requests:
        with scene.witness.errors():
            await request()
        await scene.tick(1)
    for action, data in (
        ("get_butler_tasks", server),
        ("get_runs", server),
        ("start_task", task | {"wait_for_completion": True, "timeout": 0}),
        ("stop_task", task),
    ):
        with scene.witness.errors():
            see(
                "responses",
                await hass.services.async_call(
                    DOMAIN, action, data, blocking=True, return_response=True
                ),
            )
    hass.bus.async_fire("test")
    await settle(hass)


async def hear(scene: Scene) -> None:
    """Receive what a server pushes: good, bad, and with the token in it."""
    scene.plex.butler.start("OptimizeDatabase")
    await settle(scene.hass)
    scene.plex.send_frame(f"no JSON, {TOKEN}")
    scene.plex.send_frame({"NotificationContainer": {"type": TOKEN, "size": TOKEN}})
    scene.plex.change_settings(ButlerStartHour="3")
    await scene.tick(5)
    scene.plex.finish("OptimizeDatabase")
    await scene.tick(5)
    scene.plex.kick()
    await scene.poll(60)
    scene.plex.websocket_refusal = 404
    scene.plex.kick()
    await scene.poll()
    scene.plex.websocket_refusal = None
    await scene.poll()


async def fail(scene: Scene) -> None:
    """Meet each fault at a poll and at one request of each kind."""
    hass, plex = scene.hass, scene.plex
    for fault in FAULTS:
        plex.inject(fault)
        with scene.witness.errors():
            await press(hass, "start_all_tasks", of="media_server_")
        with scene.witness.errors():
            await move_window(hass, scene.entry, start=2, end=5)
        hass.bus.async_fire("test")
        await scene.poll()
        plex.clear_faults()
        await scene.poll()
    plex.inject(Fault.SLOW)
    for _ in range(4):
        await scene.poll(60)
    plex.clear_faults()
    await scene.poll()
    await plex.stop()
    await scene.poll()
    await act(scene)
    await plex.start()
    await scene.poll()
    await scene.hass.config_entries.async_reload(scene.entry.entry_id)
    await settle(scene.hass)


async def renew(scene: Scene) -> None:
    """Get another token of the server from plex.tv, once plex.tv answers."""
    simulator = scene.plex_tv.simulator
    scene.plex.token = RENEWED
    simulator.inject(Fault.ECHO)
    await scene.poll()
    simulator.clear_faults()
    simulator.servers = [AccountServer.of(scene.plex)]
    await scene.poll()
    await scene.poll()
    assert scene.entry.data["token"] == RENEWED


async def sign_in_again(scene: Scene) -> None:
    """Lose the account's token and the server's, and type another one."""
    simulator = scene.plex_tv.simulator
    simulator.account_token = f"{ACCOUNT}-renewed"
    scene.plex.token = TYPED
    for _ in range(3):
        await scene.poll()
    (flow,) = scene.hass.config_entries.flow.async_progress()
    result = await scene.hass.config_entries.flow.async_configure(flow["flow_id"])
    result = await choose(scene.hass, result, "token")
    result = await submit(scene.hass, result, token=RENEWED)
    assert result["errors"] == {"token": "invalid_auth"}
    scene.witness.see("dialogs", result["description_placeholders"], result["errors"])
    result = await submit(scene.hass, result, token=TYPED)
    assert result["reason"] == "reauth_successful"
    scene.witness.see("dialogs", result)


async def reconfigure(scene: Scene) -> None:
    """Sign in at plex.tv for a server that is set up, and type its address."""
    scene.plex_tv.simulator.servers = [AccountServer.of(scene.plex)]
    context = {"source": SOURCE_RECONFIGURE, "entry_id": scene.entry.entry_id}
    flow = scene.hass.config_entries.flow
    result = await flow.async_init(DOMAIN, context=context)
    scene.witness.see("dialogs", result)
    result = await choose(scene.hass, result, "plex_tv")
    result = await scene.plex_tv.sign_in(result)
    assert result["reason"] == "reconfigure_successful"
    result = await flow.async_init(DOMAIN, context=context)
    result = await choose(scene.hass, result, "manual")
    # Without the token: this is what a browser receives.
    scene.witness.see("dialogs", result, result["data_schema"].schema)
    wrong = typed(scene.plex, url=scene.impostor.url.replace("http:", "https:"))
    result = await submit(scene.hass, result, **wrong)
    assert result["errors"]
    result = await submit(scene.hass, result, **typed(scene.plex))
    assert result["reason"] == "reconfigure_successful"
    await settle(scene.hass)


async def be_refused(scene: Scene, self_signed: SSLContext) -> None:
    """Lose the server to another one at its address, and to a bad certificate."""
    machine = scene.plex.machine_identifier
    scene.plex.machine_identifier = "f" * 40
    await scene.poll()
    await act(scene)
    scene.plex.machine_identifier = machine
    await scene.poll()
    await restart(scene.plex, self_signed)
    await scene.poll()
    await act(scene)
    await restart(scene.plex, None)
    await scene.poll()


async def find_again(scene: Scene) -> None:
    """Search for a server that moved; confirm its address, not that of the impostor."""
    hass, plex = scene.hass, scene.plex
    # Whoever is signed in is not asked.
    data = {**scene.entry.data}
    del data["account_token"]
    hass.config_entries.async_update_entry(scene.entry, data=data)
    await move(plex)
    client = await scene.browser()
    for found in (scene.impostor, plex):
        scene.gdm.servers = [GdmServer.of(found)]
        await scene.poll()
        (issue,) = ir.async_get(hass).issues.values()
        scene.witness.see("repairs", issue, issue.translation_placeholders)
        await look(scene)
        answer = await client.post(
            "/api/repairs/issues/fix",
            json={"handler": DOMAIN, "issue_id": issue.issue_id},
        )
        form = await answer.json()
        scene.witness.see("repairs", form)
    assert scene.impostor.url in str(scene.witness.seen["repairs"])
    await client.post(f"/api/repairs/issues/fix/{form['flow_id']}", json={})
    await settle(hass)
    assert scene.entry.data["url"] == plex.url
    assert states(hass, BACKUP) == ["idle"]


async def look(scene: Scene) -> None:
    """Look at what users attach to reports, and at all states."""
    see, hass = scene.witness.see, scene.hass
    client = await scene.browser()
    path = f"/api/diagnostics/config_entry/{scene.entry.entry_id}"
    diagnostics = await (await client.get(path)).json()
    assert diagnostics["data"]["tasks"]
    see("diagnostics", json.dumps([diagnostics["data"], diagnostics["issues"]]))
    see("system health", await get_system_health_info(hass, DOMAIN))
    see("states", *(state.as_dict() for state in hass.states.async_all()))


async def read_back(
    scene: Scene, hass_ws_client: WebSocketGenerator, storage: dict[str, Any]
) -> None:
    """Look at what Home Assistant keeps: traces, the activity log, files, rows."""
    see, hass = scene.witness.see, scene.hass
    await async_wait_recording_done(hass)
    client = await hass_ws_client(hass, scene.access_token)

    async def ask(kind: str, **data: Any) -> Any:
        await client.send_json_auto_id({"type": kind, **data})
        return (await client.receive_json())["result"]

    automation = {"domain": "automation", "item_id": "tested"}
    for trace in await ask("trace/list", **automation):
        see("traces", await ask("trace/get", run_id=trace["run_id"], **automation))
    since = dt_util.utcnow().replace(hour=0).isoformat()
    see("activity", await ask("logbook/get_events", start_time=since))
    rows = await get_instance(hass).async_add_executor_job(rows_of, hass)
    assert BACKUP in str(rows)
    see("database", *rows)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    assert SECRET in json.dumps(storage["core.config_entries"])
    for key, content in storage.items():
        place = "the entry" if key == "core.config_entries" else f"file {key}"
        see(place, json.dumps(content))


@pytest.mark.freeze_time("2026-11-24 11:00:00+00:00")
@pytest.mark.usefixtures("no_pause")
async def test_secrets(
    hass_storage: dict[str, Any],
    scene: Scene,
    self_signed: SSLContext,
    hass_ws_client: WebSocketGenerator,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The rows of the database are looked at themselves.
    for logger in ("sqlalchemy.engine", "homeassistant.components.recorder"):
        caplog.set_level(logging.WARNING, logger)
    for logger in ("", "aiohttp", "asyncio", "custom_components", "homeassistant"):
        caplog.set_level(logging.DEBUG, logger)
    # Now asyncio logs whatever it runs.
    scene.hass.loop.slow_callback_duration = 0
    await sign_in(scene)
    client = scene.entry.data[CONF_CLIENT_IDENTIFIER]
    await automate(scene)
    await act(scene)
    await hear(scene)
    await look(scene)
    await fail(scene)
    await renew(scene)
    await sign_in_again(scene)
    await reconfigure(scene)
    await be_refused(scene, self_signed)
    await find_again(scene)
    await look(scene)
    await read_back(scene, hass_ws_client, hass_storage)
    scene.witness.see("log", caplog.text)

    places = scene.witness.seen
    places = scene.witness.places
    secrets = {SECRET, client}
    assert places(secrets) == {"the entry"}
    token, identifier = "X-Plex-Token", "X-Plex-Client-Identifier"
    assert headers(scene.plex.requests, secrets) == {token, identifier}
    assert headers(scene.plex_tv.simulator.requests, secrets) == {token, identifier}
    assert headers(scene.impostor.requests, secrets) == set()
    # Neither of them receives what the other one is for.
    received = {request.token for request in scene.plex.requests}
    assert received == {None, TOKEN, RENEWED, TYPED}
    received = {request.token for request in scene.plex_tv.simulator.requests}
    assert received == {None, ACCOUNT, f"{ACCOUNT}-renewed"}
    assert {"DEBUG", "INFO", "WARNING"} <= {one.levelname for one in caplog.records}
    assert "UpdateFailed" in str(scene.witness.seen["diagnostics"])
    # All these places were looked at: they name the server.
    assert places({NAME}) >= {
        *("log", "events", "states", "exceptions", "repairs", "dialogs"),
        *("system health", "traces", "database", "file core.device_registry"),
    }
    history = f"file plex_butler.history.{scene.entry.entry_id}"
    assert not places({HOST}) & {
        *("states", "system health", "dialogs", "responses", "activity", history)
    }
    assert "diagnostics" not in places({HOST, NAME, scene.plex.machine_identifier})
    assert {history, "diagnostics", "responses", "activity"} <= {*scene.witness.seen}
