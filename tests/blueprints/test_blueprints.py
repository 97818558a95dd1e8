"""What holds for all blueprints."""

from collections.abc import Iterator
import json
from pathlib import Path
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from homeassistant.components.automation.helpers import async_get_blueprints
from homeassistant.components.blueprint import Blueprint
from homeassistant.core import HomeAssistant
from homeassistant.helpers import selector
from homeassistant.setup import async_setup_component
from homeassistant.util import yaml as yaml_util

from .common import BLUEPRINTS, FOLDER, ROOT

ADDRESS = "https://github.com/butler-for-plex/ha-plex-butler"
FLOOR = json.loads((ROOT / "hacs.json").read_text())["homeassistant"]
BADGE = "https://my.home-assistant.io/badges/blueprint_import.svg"
IMPORT = "https://my.home-assistant.io/redirect/blueprint_import/"

of_each = pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda path: path.stem)


async def load(hass: HomeAssistant, path: Path) -> Blueprint:
    assert await async_setup_component(hass, "automation", {})
    name = str(path.relative_to(FOLDER))
    return await async_get_blueprints(hass).async_get_blueprint(name)


def sections(blueprint: Blueprint) -> Iterator[dict[str, Any]]:
    """Yield what has a name in the form: inputs, and sections of them."""
    for entry in blueprint.metadata["input"].values():
        yield entry
        yield from entry.get("input", {}).values()


def test_all_are_found() -> None:
    assert len(BLUEPRINTS) == 7


@of_each
async def test_metadata(hass: HomeAssistant, path: Path) -> None:
    blueprint = await load(hass, path)
    assert blueprint.validate() is None
    assert blueprint.metadata["author"] == "Butler for Plex"
    assert blueprint.metadata["homeassistant"] == {"min_version": FLOOR}
    url = f"{ADDRESS}/blob/main/{path.relative_to(ROOT)}"
    assert blueprint.metadata["source_url"] == url
    assert len(blueprint.name) < 40  # A longer one is cut off in the list.
    assert len(blueprint.metadata["description"]) > 100


@of_each
async def test_inputs(hass: HomeAssistant, path: Path) -> None:
    """Each has all that the form shows, and is used; defaults fit their selectors."""
    blueprint = await load(hass, path)
    assert all(entry["name"] for entry in sections(blueprint))
    for entry in blueprint.inputs.values():
        assert entry["description"]
        assert entry["selector"]
    body = {key: part for key, part in blueprint.data.items() if key != "blueprint"}
    assert yaml_util.extract_inputs(body) == set(blueprint.inputs)


@of_each
async def test_defaults(hass: HomeAssistant, path: Path) -> None:
    """They are what the form itself could give."""
    blueprint = await load(hass, path)
    for entry in blueprint.inputs.values():
        for default in [entry["default"]] if "default" in entry else []:
            assert selector.selector(entry["selector"])(default) == default


@of_each
async def test_messages(hass: HomeAssistant, path: Path) -> None:
    """They are sent by an action of the user's, which works everywhere by default."""
    blueprint = await load(hass, path)
    text = blueprint.yaml()
    assert ("notify" in blueprint.inputs) is ("title:" in text)
    notify = blueprint.inputs.get("notify", {"default": []})
    used = {action["action"] for action in notify["default"]}
    assert used <= {"persistent_notification.create"}
    assert not re.search(r"action: notify\b", text)


def test_badges() -> None:
    """The documentation has a button for each that imports it."""
    text = (ROOT / "docs/blueprints.md").read_text()
    links = re.findall(rf"\[!\[Import blueprint\]\({BADGE}\)\]\((.*?)\)", text)
    assert all(link.startswith(f"{IMPORT}?") for link in links)
    imported = [parse_qs(urlsplit(link).query) for link in links]
    sources = [
        {"blueprint_url": [f"{ADDRESS}/blob/main/{path.relative_to(ROOT)}"]}
        for path in BLUEPRINTS
    ]
    assert sorted(imported, key=str) == sorted(sources, key=str)
