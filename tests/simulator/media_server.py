"""What the server answers, before any network or fault comes into it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from .activities import RunShape, butler_activities
from .butler import Butler, RowMode, Started
from .recording import RecordedRequest
from .rendering import Answer, document, error_page, task_list
from .settings import BEHAVIORS, Row, Settings, SimulatedSetting, setting_of
from .tasks import SimulatedTask

API_VERSION = "1.2.3"
PLATFORM = "Linux"
PREFS = "/:/prefs"
SHARED_TOKEN = "shared-token-of-the-simulator"

_STARTED = {
    Started.STARTED: Answer(200),
    Started.ALREADY_RUNNING: Answer(202),
    Started.UNKNOWN: error_page(404),
}


class MediaServer:
    """A server's state, all of it assignable, and the answers it leads to."""

    def __init__(
        self,
        *,
        name: str,
        machine_identifier: str,
        token: str | None,
        version: str,
        tasks: Mapping[str, SimulatedTask],
        settings: Mapping[str, SimulatedSetting],
    ) -> None:
        self.name = name
        self.machine_identifier = machine_identifier
        self.version = version
        self.token = token
        """The owner's token; None makes this an unclaimed server that asks for none."""
        self.shared_token = SHARED_TOKEN
        """The token of somebody the server is shared with: valid, but no owner's."""
        self.shared_status = 403
        """What such a token gets where only the owner may go; 401 on older servers."""
        self.butler = Butler(tasks)
        self.butler.inside_window = lambda: self.inside_window
        self.settings = Settings(settings)
        self._agree()
        self.settings.listeners.append(self._obey)
        self._hour: int | None = 12
        self.shape = RunShape.SUB_ACTIVITIES
        self.localised_parent_title: str | None = None
        """What the activity of the whole run is called where it is not English."""
        self.activities: list[Any] = []
        """Activities that are not the Butler's, well-formed or not."""
        self.empty_activity_list = False
        """Whether an idle server lists no activities as [] or not at all."""

    @property
    def tasks(self) -> dict[str, SimulatedTask]:
        """The tasks the server lists, by name."""
        return self.butler.tasks

    @tasks.setter
    def tasks(self, tasks: dict[str, SimulatedTask]) -> None:
        self.butler.tasks = tasks

    @property
    def started(self) -> list[str]:
        """The tasks that were begun, in that order."""
        return self.butler.started

    @property
    def stop_delay(self) -> float | None:
        """Seconds from a stop to the end of the run; None waits for `finish`."""
        return self.butler.stop_delay

    @stop_delay.setter
    def stop_delay(self, seconds: float | None) -> None:
        self.butler.stop_delay = seconds

    @property
    def hour(self) -> int | None:
        """What hour it is where the server is; None is what this machine's clock says."""
        return self._hour

    @hour.setter
    def hour(self, hour: int | None) -> None:
        self._hour = hour
        self.butler.changed()

    @property
    def row_mode(self) -> RowMode:
        """How long the Butler's row is shown."""
        return self.butler.row_mode

    @row_mode.setter
    def row_mode(self, mode: RowMode) -> None:
        self.butler.row_mode = mode
        self.butler.changed()

    @property
    def registered_before(self) -> int:
        """How many tasks a row counts as done already when it appears."""
        return self.butler.registered_before

    @registered_before.setter
    def registered_before(self, tasks: int) -> None:
        self.butler.registered_before = tasks

    @property
    def inside_window(self) -> bool:
        """Whether it is maintenance time, when randomised tasks are put off.

        Nobody knows what a window of no length is to Plex: here it is none.
        """
        hour = datetime.now().astimezone().hour if self.hour is None else self.hour
        start = self.settings.number("ButlerStartHour")
        end = self.settings.number("ButlerEndHour")
        return (hour - start) % 24 < (end - start) % 24

    @property
    def run_activities(self) -> list[dict[str, Any]]:
        """The activities of the Butler's run, the whole one first; none when idle."""
        return butler_activities(self.butler, self.shape, self.localised_parent_title)

    def finish(self, name: str) -> None:
        """End a running task now."""
        self.butler.finish(name)

    def report_progress(self, percent: float) -> None:
        """Say how far the run is, -1 being unknown."""
        self.butler.report_progress(percent)

    def change_settings(self, **values: str) -> None:
        """Change settings, as if somebody else had."""
        self.settings.change(values)

    def _agree(self) -> None:
        """Set what governs the tasks as they are, and the server's name."""
        values = {"FriendlyName": self.name}
        for name, task in self.tasks.items():
            on, off = ("scheduled", "never") if name in BEHAVIORS else ("1", "0")
            values[setting_of(name)] = on if task.enabled else off
        self.settings.change({k: v for k, v in values.items() if k in self.settings})

    def _obey(self, rows: list[Row]) -> None:
        """Let the tasks be as the settings say that were changed.

        A task with three states is disabled in the one that is "never": the
        simulator's choice, as is that a change is in force at once.
        """
        values = {row["id"]: row["value"] for row in rows}
        self.name = values.get("FriendlyName", self.name)
        for name, task in self.tasks.items():
            if (value := values.get(setting_of(name))) is not None:
                self.tasks[name] = replace(task, enabled=value not in {False, "never"})

    def is_owner(self, request: RecordedRequest) -> bool:
        """Whether the token is the owner's, or none is needed."""
        return self.token is None or request.token == self.token

    def answer(self, request: RecordedRequest, path: str) -> Answer:
        """Do what is asked for and return the answer."""
        if (request.method, path) == ("GET", "/identity"):
            return self._container(request, self._identity())
        if self.is_owner(request):
            return self._answer_owner(request, path)
        return self._answer_stranger(request, path)

    def _answer_stranger(self, request: RecordedRequest, path: str) -> Answer:
        if request.token is None or request.token != self.shared_token:
            return error_page(401)
        if (request.method, path) == ("GET", "/"):
            return self._container(request, self._root())
        return error_page(self.shared_status)

    def _answer_owner(self, request: RecordedRequest, path: str) -> Answer:
        if not self.settings.settled:
            return error_page(400)
        if request.method == "GET":
            return self._read(request, path)
        if (request.method, path) == ("PUT", PREFS):
            return self._change_settings(request)
        match path.split("/"):
            case ["", "butler"]:
                return self._all_tasks(request.method)
            case ["", "butler", name]:
                return self._one_task(request.method, unquote(name))
        return error_page(404)

    def _read(self, request: RecordedRequest, path: str) -> Answer:
        match path:
            case "/":
                return self._container(request, self._root())
            case "/activities":
                return self._container(request, self._activities())
            case "/butler":
                content = task_list(self.tasks.values())
                return document("ButlerTasks", content, as_json=request.wants_json)
            case "/:/prefs":
                rows = self.settings.rows()
                content = {"size": len(rows), "Setting": rows}
                return self._container(request, content)
        return error_page(404)

    def _all_tasks(self, method: str) -> Answer:
        match method:
            case "POST":
                self.butler.start_all()
                return Answer()
            case "DELETE":
                self.butler.stop_all()
                return Answer()
        return error_page(404)

    def _one_task(self, method: str, name: str) -> Answer:
        match method:
            case "POST":
                return _STARTED[self.butler.start(name)]
            case "DELETE" if self.butler.stop(name):
                return Answer()
        return error_page(404)

    def _change_settings(self, request: RecordedRequest) -> Answer:
        values = {
            key: value
            for key, value in parse_qsl(request.query, keep_blank_values=True)
            if not key.startswith("X-Plex-")
        }
        try:
            self.settings.change(values)
        except KeyError, ValueError:
            return error_page(self.settings.refusal)
        return Answer()

    def _container(self, request: RecordedRequest, content: dict[str, Any]) -> Answer:
        return document("MediaContainer", content, as_json=request.wants_json)

    def _identity(self) -> dict[str, Any]:
        return {
            "size": 0,
            "apiVersion": API_VERSION,
            "claimed": self.token is not None,
            "machineIdentifier": self.machine_identifier,
            "version": self.version,
        }

    def _root(self) -> dict[str, Any]:
        root = self._identity() | {"friendlyName": self.name, "platform": PLATFORM}
        if self.token is not None:
            root["myPlexUsername"] = "owner@example.com"
        return root

    def _activities(self) -> dict[str, Any]:
        self.butler.changed()  # The window may have begun or ended.
        activities = [*self.run_activities, *self.activities]
        content: dict[str, Any] = {"size": len(activities)}
        if activities or self.empty_activity_list:
            content["Activity"] = activities
        return content
