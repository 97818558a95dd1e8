"""Playing faults from a shell, on the server's own port and outside Plex's paths.

* ``GET /simulator/faults``: the faults in force
* ``POST /simulator/faults``: put one in force; ``fault`` (a name of `Fault`) and, where
  wanted, ``path``, ``method`` and ``times``, as a JSON object or as query parameters
* ``DELETE /simulator/faults``: take all back and release what hangs
* ``GET /simulator/requests``: the requests clients made
* ``POST /simulator/kick``: drop every open websocket of a media server
* ``POST /simulator/confirm``: type the newest code of plex.tv's at its link page
* ``POST /simulator/expire``: let all codes of plex.tv's expire

For example::

    curl -X POST 'http://127.0.0.1:32400/simulator/faults?fault=SLOW&path=/butler'

These requests need no token, are never recorded and never meet a fault.
"""

from collections.abc import Mapping
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .faults import Fault

if TYPE_CHECKING:
    # The servers need this module when it is imported.
    from .http_server import HttpServer

CONTROL = "/simulator/"


async def answer_control(server: HttpServer, request: web.BaseRequest) -> web.Response:
    """Answer a request to a path below /simulator/."""
    method, name = request.method, request.path.removeprefix(CONTROL)
    try:
        match method, name:
            case "GET", "requests":
                return web.json_response([item.as_dict() for item in server.requests])
            case "GET", "faults":
                pass
            case "DELETE", "faults":
                server.clear_faults()
            case "POST", "faults":
                _inject(server, await _parameters(request))
            case _ if (done := server.control(method, name)) is not None:
                return web.json_response(done)
            case _:
                return web.json_response({"error": "unknown path"}, status=404)
    except (LookupError, TypeError, ValueError) as err:
        return web.json_response({"error": str(err)}, status=400)
    return web.json_response(_faults(server))


async def _parameters(request: web.BaseRequest) -> Mapping[str, Any]:
    if body := await request.read():
        parameters = json.loads(body)
        if not isinstance(parameters, dict):
            raise TypeError("a JSON object is expected")
        return parameters
    return request.query


def _inject(server: HttpServer, parameters: Mapping[str, Any]) -> None:
    if unknown := set(parameters) - {"fault", "path", "method", "times"}:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    name = str(parameters.get("fault")).upper()
    if name not in Fault.__members__:
        raise ValueError(f"fault must be one of {', '.join(Fault.__members__)}")
    times = parameters.get("times")
    server.inject(
        Fault[name],
        path=parameters.get("path"),
        method=parameters.get("method"),
        times=None if times is None else int(times),
    )


def _faults(server: HttpServer) -> list[dict[str, Any]]:
    return [
        {
            "fault": getattr(injection.fault, "name", None),
            "path": injection.path,
            "method": injection.method,
            "times": injection.times,
        }
        for injection in server.faults
    ]
