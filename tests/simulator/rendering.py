"""Answers as a Plex Media Server words them, in XML and in JSON."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
import json
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from .tasks import SimulatedTask

HTML = "text/html"
JSON = "application/json"
XML = "text/xml"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, before it becomes HTTP."""

    status: int = 200
    body: bytes = b""
    content_type: str = HTML
    headers: Mapping[str, str] = field(default_factory=dict)


def error_page(status: int) -> Answer:
    """Return the HTML page of an error; errors are HTML whatever was asked for."""
    title = HTTPStatus(status).phrase
    page = (
        f"<html><head><title>{title}</title></head>"
        f"<body><h1>{status} {title}</h1></body></html>"
    )
    return Answer(status, page.encode())


def document(root: str, content: Mapping[str, Any], *, as_json: bool) -> Answer:
    """Return a document with one root, XML unless JSON was asked for."""
    return json_document({root: content}) if as_json else xml_document(root, content)


def json_document(content: object) -> Answer:
    """Return just this in JSON."""
    return Answer(body=json.dumps(content).encode(), content_type=JSON)


def xml_document(root: str, content: Mapping[str, Any]) -> Answer:
    """Return an element with attributes and child elements as the content has it."""
    element = Element(root)
    _fill(element, content)
    body = tostring(element, encoding="UTF-8", xml_declaration=True)
    return Answer(body=body, content_type=XML)


def task_list(tasks: Iterable[SimulatedTask]) -> dict[str, Any]:
    """Return what stands under the root of the list of Butler tasks."""
    rows = [task_row(task) for task in tasks]
    return {"ButlerTask": rows} if rows else {}


def task_row(task: SimulatedTask) -> dict[str, Any]:
    """Return the six fields Plex has for a task, of which two may be missing."""
    texts = {"title": task.title, "description": task.description}
    return {
        "name": task.name,
        "interval": task.interval,
        "scheduleRandomized": task.schedule_randomized,
        "enabled": task.enabled,
        **{key: text for key, text in texts.items() if text is not None},
    }


def _fill(element: Element, content: Mapping[str, Any]) -> None:
    """Put plain values into attributes, objects and lists into child elements."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            _fill(SubElement(element, key), value)
        elif isinstance(value, list):
            for item in value:
                # Malformed entries exist in JSON only: XML has no word for them.
                if isinstance(item, Mapping):
                    _fill(SubElement(element, key), item)
        elif value is not None:
            element.set(key, _attribute(value))


def _attribute(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)
