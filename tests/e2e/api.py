"""Home Assistant's REST and websocket interface, as its frontend uses it."""

from collections.abc import Mapping
from itertools import count
from typing import Any, Self

from aiohttp import ClientResponseError, ClientSession, ClientWebSocketResponse

NAME = "demo"
PASSWORD = "demo"


class ApiError(Exception):
    """Home Assistant refuses what it is asked for."""


class Api:
    """Talks to one Home Assistant, as its owner once signed in."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client_id = f"{url}/"
        self._session = ClientSession(url)
        self._websocket: ClientWebSocketResponse | None = None
        self._ids = count(1)
        self.tokens: dict[str, Any] = {}
        """What signing in leads to, as Home Assistant words it."""

    async def close(self) -> None:
        """Close all connections."""
        await self._hang_up()
        await self._session.close()

    async def get(self, path: str) -> Any:
        """Return what a GET answers, decoded."""
        return await self._request("GET", path)

    async def post(self, path: str, **data: object) -> Any:
        """Return what a POST of some JSON answers, decoded."""
        return await self._request("POST", path, json=data)

    async def delete(self, path: str) -> Any:
        """Return what a DELETE answers, decoded."""
        return await self._request("DELETE", path)

    async def act(self, action: str, **data: object) -> None:
        """Perform an action."""
        await self.post(f"/api/services/{action.replace('.', '/')}", **data)

    async def ask(self, action: str, **data: object) -> Any:
        """Perform an action and return its response."""
        path = f"/api/services/{action.replace('.', '/')}?return_response"
        answer = await self.post(path, **data)
        return answer["service_response"]

    async def command(self, command: str, **data: object) -> Any:
        """Return the result of a websocket command."""
        if self._websocket is None:
            self._websocket = await self._connect()
        number = next(self._ids)
        await self._websocket.send_json({"id": number, "type": command, **data})
        answer = await self._websocket.receive_json()
        if not answer["success"]:
            raise ApiError(f"{command}: {answer['error']['message']}")
        return answer["result"]

    async def set_up(self, domain: str, way: str, **data: object) -> dict[str, Any]:
        """Choose from a config flow's menu, fill in the form; return the entry."""
        flows = "/api/config/config_entries/flow"
        flow = await self.post(flows, handler=domain)
        path = f"{flows}/{flow['flow_id']}"
        await self.post(path, next_step_id=way)
        answer = await self.post(path, **data)
        if answer["type"] != "create_entry":
            raise ApiError(f"{domain} refuses this: {answer.get('errors') or answer}")
        entry: dict[str, Any] = answer["result"]
        return entry

    async def entries(self, domain: str) -> list[dict[str, Any]]:
        """Return the config entries of an integration."""
        found: list[dict[str, Any]] = await self.get(
            f"/api/config/config_entries/entry?domain={domain}"
        )
        return found

    async def speak(self, language: str) -> None:
        """Have Home Assistant and its user speak a language, and the entries too.

        An entity keeps the id that it was given in another language.
        """
        config = await self.get("/api/config")
        if config["language"] == language:
            return
        await self.command("config/core/update", language=language)
        await self.command(
            "frontend/set_user_data", key="language", value={"language": language}
        )
        for entry in await self.get("/api/config/config_entries/entry"):
            if entry["supports_unload"]:
                path = f"/api/config/config_entries/entry/{entry['entry_id']}/reload"
                await self.post(path)
        await self._rename(language)

    async def _rename(self, language: str) -> None:
        """Name the map and the areas that onboarding made before the language."""
        for dashboard in await self.command("lovelace/dashboards/list"):
            if dashboard["url_path"] == "map":
                await self.command(
                    "lovelace/dashboards/update",
                    dashboard_id=dashboard["id"],
                    title=await self._onboarding_text(language, "dashboard.map.title"),
                )
        for area in await self.command("config/area_registry/list"):
            id_ = area["area_id"]
            await self.command(
                "config/area_registry/update",
                area_id=id_,
                name=await self._onboarding_text(language, f"area.{id_}"),
            )

    async def _onboarding_text(self, language: str, key: str) -> str:
        category = key.partition(".")[0]
        answer = await self.command(
            "frontend/get_translations",
            language=language,
            category=category,
            integration=["onboarding"],
        )
        text: str = answer["resources"][f"component.onboarding.{key}"]
        return text

    async def sign_in(self) -> Self:
        """Sign in, after making the owner's account if there is none."""
        await self._hang_up()
        self.tokens = {}
        undone = await self._undone_onboarding()
        if "user" in undone:
            await self.post(
                "/api/onboarding/users",
                client_id=self._client_id,
                name="Demo",
                username=NAME,
                password=PASSWORD,
                language="en",
            )
        self.tokens = await self._sign_in()
        if "user" in undone:
            # Any will do; with none, a repair asks for it.
            await self.command("config/core/update", country="US")
        # Nothing is ticked here: nothing is ever sent to anyone.
        if "analytics" in undone:
            await self.post("/api/onboarding/analytics")
        if "integration" in undone:
            await self.post(
                "/api/onboarding/integration",
                client_id=self._client_id,
                redirect_uri=self._client_id,
            )
        return self

    async def _undone_onboarding(self) -> set[str]:
        try:
            steps = await self.get("/api/onboarding")
        except ClientResponseError:  # All is done, so the address is gone.
            return set()
        return {step["step"] for step in steps if not step["done"]}

    async def _sign_in(self) -> dict[str, Any]:
        flow = await self.post(
            "/auth/login_flow",
            client_id=self._client_id,
            handler=["homeassistant", None],
            redirect_uri=self._client_id,
        )
        answer = await self.post(
            f"/auth/login_flow/{flow['flow_id']}",
            client_id=self._client_id,
            username=NAME,
            password=PASSWORD,
        )
        if answer["type"] != "create_entry":
            raise ApiError(f"Cannot sign in as {NAME} with password {PASSWORD}")
        form = {
            "grant_type": "authorization_code",
            "client_id": self._client_id,
            "code": answer["result"],
        }
        tokens: dict[str, Any] = await self._request("POST", "/auth/token", data=form)
        return tokens

    async def _request(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, object] | None = None,
        data: Mapping[str, str] | None = None,
    ) -> Any:
        headers = {}
        if self.tokens:
            headers["Authorization"] = f"Bearer {self.tokens['access_token']}"
        async with self._session.request(
            method, path, json=json, data=data, headers=headers
        ) as response:
            response.raise_for_status()
            return await response.json()

    async def _connect(self) -> ClientWebSocketResponse:
        websocket = await self._session.ws_connect("/api/websocket", max_msg_size=0)
        await websocket.receive_json()
        token = self.tokens["access_token"]
        await websocket.send_json({"type": "auth", "access_token": token})
        answer = await websocket.receive_json()
        if answer["type"] != "auth_ok":
            raise ApiError(answer["message"])
        return websocket

    async def _hang_up(self) -> None:
        if self._websocket is not None:
            await self._websocket.close()
            self._websocket = None
