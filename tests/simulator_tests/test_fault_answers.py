"""Each fault of the simulator is answered as it says."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.simulator import Fault, PlexSimulator, default_tasks

from .client import Client, Reply


def _is_json(reply: Reply) -> None:
    assert reply.content_type == "application/json"
    assert isinstance(reply.json, dict)


def _is_huge(reply: Reply) -> None:
    _is_json(reply)
    assert len(reply.body) > 4 * 2**20


def _is_huge_with_length(reply: Reply) -> None:
    _is_huge(reply)
    assert int(reply.headers["Content-Length"]) > 4 * 2**20


def _is_huge_without_length(reply: Reply) -> None:
    _is_huge(reply)
    assert "Content-Length" not in reply.headers


def _is_bomb(reply: Reply) -> None:
    _is_huge(reply)
    assert int(reply.headers["Content-Length"]) < 100_000


def _is_page(reply: Reply) -> None:
    assert reply.content_type == "text/html"
    assert reply.body.startswith(b"<html>")
    assert "Retry-After" not in reply.headers


def _is_maintenance(reply: Reply) -> None:
    assert reply.xml.get("title") == "Maintenance"
    assert "Retry-After" not in reply.headers


def _is_maintenance_for_a_while(reply: Reply) -> None:
    assert reply.xml.get("title") == "Maintenance"
    assert reply.headers["Retry-After"] == "120"


def _asks_for_patience(reply: Reply) -> None:
    assert reply.headers["Retry-After"] == "30"


def _is(expected: Any) -> Callable[[Reply], None]:
    def check(reply: Reply) -> None:
        assert reply.content_type == "application/json"
        assert reply.json == expected

    return check


def _is_not_utf8(reply: Reply) -> None:
    assert reply.content_type == "application/json"
    assert reply.body.count(b'"title": "\xff\xfe') == 22


def _has_control_characters(reply: Reply) -> None:
    assert reply.content_type == "application/json"
    assert reply.body.count(b'"title": "\x00\x1b') == 22


def _has_huge_numbers(reply: Reply) -> None:
    assert reply.body.count(b"9" * 5000) == 22


def _is_deep(reply: Reply) -> None:
    assert reply.content_type == "application/json"
    assert reply.body == b"[" * 100_000 + b"]" * 100_000


def _has_bad_tasks(reply: Reply) -> None:
    tasks = reply.json["ButlerTasks"]["ButlerTask"]
    nameless, text, number, interval = tasks[:4]
    assert "name" not in nameless
    assert text == "not an object"
    assert number["name"] == 7
    assert interval["interval"] == "abc"
    assert [task["name"] for task in tasks[4:]] == list(default_tasks())


def _leads_elsewhere(reply: Reply) -> None:
    assert reply.headers["Location"] == "http://elsewhere.example.com:32400/"


def _leads_here(reply: Reply) -> None:
    assert reply.headers["Location"] == "/redirected/butler?a=b"


def _leads_round(reply: Reply) -> None:
    assert reply.headers["Location"] == "/butler?a=b"


@pytest.mark.parametrize(
    ("fault", "status", "check"),
    [
        (Fault.UNAUTHORIZED, 401, _is_page),
        (Fault.FORBIDDEN, 403, _is_page),
        (Fault.NOT_FOUND, 404, _is_page),
        (Fault.SERVER_ERROR, 500, _is_page),
        (Fault.BAD_GATEWAY, 502, _is_page),
        (Fault.MAINTENANCE, 503, _is_maintenance),
        (Fault.MAINTENANCE_RETRY_AFTER, 503, _is_maintenance_for_a_while),
        (Fault.RATE_LIMITED, 429, _asks_for_patience),
        (Fault.RATE_LIMITED_BARE, 429, _is_page),
        (Fault.HTML, 200, _is_page),
        (Fault.HUGE, 200, _is_huge_without_length),
        (Fault.HUGE_LENGTH, 200, _is_huge_with_length),
        (Fault.REDIRECT_ELSEWHERE, 302, _leads_elsewhere),
        (Fault.REDIRECT_HERE, 307, _leads_here),
        (Fault.REDIRECT_LOOP, 302, _leads_round),
        (Fault.WRONG_SHAPE, 200, _is({"MediaContainer": {"size": 0}})),
        (Fault.WRONG_TYPES, 200, _is([])),
        (Fault.EMPTY, 200, _is({"ButlerTasks": {}})),
        (Fault.BAD_TASK, 200, _has_bad_tasks),
        (Fault.GATEWAY_TIMEOUT, 504, _is_page),
        (Fault.UNPROCESSABLE, 422, _is_page),
        (Fault.NOT_UTF8, 200, _is_not_utf8),
        (Fault.CONTROL_CHARACTERS, 200, _has_control_characters),
        (Fault.HUGE_NUMBER, 200, _has_huge_numbers),
        (Fault.DEEP_JSON, 200, _is_deep),
        (Fault.GZIP_BOMB, 200, _is_bomb),
    ],
)
async def test_faults(
    plex: PlexSimulator,
    ask: Client,
    fault: Fault,
    status: int,
    check: Callable[[Reply], None],
) -> None:
    plex.inject(fault)

    reply = await ask("GET", "/butler?a=b", allow_redirects=False)

    assert reply.status == status
    check(reply)
    plex.clear_faults()
    assert len((await ask("GET", "/butler")).json["ButlerTasks"]["ButlerTask"]) == 22


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.WRONG_SHAPE, {"ButlerTasks": {}}),
        (Fault.EMPTY, {"MediaContainer": {"size": 0}}),
        (Fault.BAD_TASK, {"MediaContainer": {"size": 0}}),
    ],
)
async def test_faults_of_other_documents(
    plex: PlexSimulator, ask: Client, fault: Fault, expected: dict[str, Any]
) -> None:
    plex.inject(fault)

    assert (await ask("GET", "/activities")).json == expected
