"""The files beside the code say the same as the code, and that is cut as agreed."""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
import json
from pathlib import Path
import re
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import yaml

from custom_components.plex_butler.const import DOMAIN, PLATFORMS
from custom_components.plex_butler.event import TASK_ACTIVITY
from custom_components.plex_butler.models import TaskStatus
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    condition,
    config_validation as cv,
    entity_registry as er,
    trigger,
)
from homeassistant.setup import async_setup_component

ROOT = Path(__file__).parents[1]


FOLDER = ROOT / "custom_components" / DOMAIN


TREES = {
    str(path.relative_to(FOLDER)): ast.parse(path.read_text())
    for path in sorted(FOLDER.rglob("*.py"))
}


EN = json.loads((FOLDER / "translations/en.json").read_text())


ICONS = json.loads((FOLDER / "icons.json").read_text())


MANIFEST = json.loads((FOLDER / "manifest.json").read_text())


SERVICES = yaml.safe_load((FOLDER / "services.yaml").read_text())


TRANSLATIONS = sorted((FOLDER / "translations").glob("*.json"))


def leaves(node: Any, path: str = "") -> dict[str, str]:
    if isinstance(node, str):
        return {path: node}
    return {
        leaf: text
        for key, child in node.items()
        for leaf, text in leaves(child, f"{path}.{key}").items()
    }


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))


async def test_actions_exist_without_a_server(hass: HomeAssistant) -> None:
    """An automation that is written before the server is loaded is not wrong."""
    assert await async_setup_component(hass, DOMAIN, {})
    assert set(hass.services.async_services_for_domain(DOMAIN)) == set(SERVICES)


def test_actions_have_their_texts_and_icons() -> None:
    assert set(SERVICES) == set(EN["services"]) == set(ICONS["services"])
    for name, action in SERVICES.items():
        texts = EN["services"][name]
        assert texts["name"]
        assert texts["description"]
        assert set(texts.get("fields", {})) == set(action.get("fields", {}))


async def test_entities_have_their_texts_and_icons(
    loaded: MockConfigEntry, entity_registry: er.EntityRegistry
) -> None:
    entities = er.async_entries_for_config_entry(entity_registry, loaded.entry_id)
    used = {(entity.domain, entity.translation_key) for entity in entities}
    for source in (EN["entity"], ICONS["entity"]):
        assert {
            (domain, key) for domain, keys in source.items() for key in keys
        } == used


def test_states_have_their_texts_and_icons() -> None:
    options = {*TaskStatus}
    assert set(EN["entity"]["sensor"]["task"]["state"]) == options
    event = EN["entity"]["event"]["task_activity"]["state_attributes"]["event_type"]
    assert set(event["state"]) == set(TASK_ACTIVITY.event_types or ())
    for keys in ICONS["entity"].values():
        for icons in keys.values():
            # Home Assistant's own check refuses a state icon equal to the default.
            assert icons["default"] not in icons.get("state", {}).values()
    assert set(ICONS["entity"]["sensor"]["task"]["state"]) < options


def test_errors_have_their_texts() -> None:
    """Every key of an exception is there, and no text is left over."""
    raised = {
        keyword.value.value
        for tree in TREES.values()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and "translation_domain" in {keyword.arg for keyword in call.keywords}
        for keyword in call.keywords
        if keyword.arg == "translation_key" and isinstance(keyword.value, ast.Constant)
    }
    assert raised <= set(EN["exceptions"])
    texts = {
        node.value
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
    }
    used_by_home_assistant = {"already_configured"}
    for key in EN["exceptions"] | EN["config"]["error"] | EN["config"]["abort"]:
        assert key in texts | used_by_home_assistant


def test_exceptions_fill_in_their_texts() -> None:
    """What is given where a text is raised is what the text shows."""
    keywords = [
        {keyword.arg: keyword.value for keyword in call.keywords}
        for tree in TREES.values()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
    ]
    given = {
        key.value: {ast.literal_eval(name) for name in names.keys if name}
        for by_name in keywords
        if isinstance(key := by_name.get("translation_key"), ast.Constant)
        and isinstance(names := by_name.get("translation_placeholders"), ast.Dict)
    }
    assert {"same_hour", "unknown_task_name", "unloaded"} <= set(given)
    for key, names in given.items():
        assert placeholders(EN["exceptions"][key]["message"]) == names


def test_every_placeholder_is_filled_in() -> None:
    """Each name in braces is one that the code gives to a text."""
    nodes = [node for tree in TREES.values() for node in ast.walk(tree)]
    given = {node.arg for node in nodes if isinstance(node, ast.keyword)} | {
        node.value for node in nodes if isinstance(node, ast.Constant)
    }
    for text in leaves(EN).values():
        assert placeholders(text) <= given


@pytest.mark.parametrize(
    "step", [*EN["config"]["step"].values(), *EN["options"]["step"].values()]
)
def test_every_field_is_described(step: dict[str, Any]) -> None:
    assert set(step.get("data", {})) == set(step.get("data_description", {}))
    described = set(step.get("menu_option_descriptions", {}))
    assert described in (set(), set(step.get("menu_options", {})))
    assert step["title"]


def test_no_text_holds_an_address() -> None:
    """Home Assistant's own check refuses URLs in translations."""
    for text in leaves(EN).values():
        assert not re.search(r"https?://\w", text)


@pytest.mark.parametrize("path", TRANSLATIONS, ids=lambda path: path.stem)
def test_translations_are_complete(path: Path) -> None:
    texts = leaves(json.loads(path.read_text()))
    english = leaves(EN)
    assert set(texts) == set(english)
    for key, text in texts.items():
        assert text.strip()
        assert placeholders(text) == placeholders(english[key])


def test_manifest() -> None:
    keys = list(MANIFEST)
    assert keys == ["domain", "name", *sorted(keys[2:])]
    assert MANIFEST["requirements"] == []
    assert re.fullmatch(r"\d+\.\d+\.\d+", MANIFEST["version"])
    hacs = json.loads((ROOT / "hacs.json").read_text())
    assert hacs == {
        "name": MANIFEST["name"],
        "filename": "plex_butler.zip",
        "hide_default_branch": True,
        "homeassistant": "2026.9.1",
        "zip_release": True,
    }


# How the code is cut: compose, do not chain


type Trees = Mapping[str, ast.Module]


def chained(trees: Trees) -> set[str]:
    """Return the classes that alone use a base class of another file."""
    classes = [
        (path, node)
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    ]
    homes = {node.name: path for path, node in classes}
    bases = [
        (path, node.name, base.id)
        for path, node in classes
        for expression in node.bases
        for base in [getattr(expression, "value", expression)]
        if isinstance(base, ast.Name)
    ]
    uses = Counter(base for _, _, base in bases)
    return {
        f"{path}: {name}({base})"
        for path, name, base in bases
        if homes.get(base, path) != path and uses[base] == 1
    }


def leaked(trees: Trees) -> set[str]:
    """Return the private names that are used outside of the file that owns them."""
    owned = {path: set(defined(tree)) for path, tree in trees.items()}
    return {
        f"{path}: {name}"
        for path, tree in trees.items()
        for name in used(tree)
        if name.startswith("_")
        and not name.startswith(("__", "_attr_"))
        and name not in owned[path]
        and any(name in names for names in owned.values())
    }


def defined(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a file gives to something of its own."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.TypeAlias(name=ast.Name(id=name)):
                yield name
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.arg(arg=name):
                yield name
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                yield name


def used(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a file takes from somewhere."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) | ast.alias(name=name):
                yield name


def parsed(sources: Mapping[str, str]) -> Trees:
    return {path: ast.parse(source) for path, source in sources.items()}


BASE = "class Base: ..."
ENTITY = "from .base import Base\nclass Entity(Base): ..."
GENERIC = "from .base import Base\nclass Entity(Base[int]): ..."


@pytest.mark.parametrize(
    ("sources", "found"),
    [
        ({"base.py": BASE, "one.py": ENTITY}, {"one.py: Entity(Base)"}),
        ({"base.py": BASE, "one.py": GENERIC}, {"one.py: Entity(Base)"}),
        ({"base.py": BASE, "one.py": ENTITY, "two.py": ENTITY}, set()),
        ({"base.py": f"{BASE}\nclass Own(Base): ...", "one.py": ENTITY}, set()),
        ({"one.py": f"{BASE}\nclass Own(Base): ..."}, set()),
        ({"one.py": ENTITY}, set()),  # of Home Assistant, say
    ],
)
def test_chains_are_found(sources: dict[str, str], found: set[str]) -> None:
    assert chained(parsed(sources)) == found


OWNER = "_LIMIT = 1\ndef _help(): ...\nclass One:\n def f(self): self._x = _help()"


@pytest.mark.parametrize(
    ("user", "found"),
    [
        ("from .owner import _help", {"user.py: _help"}),
        ("from . import owner\nowner._LIMIT", {"user.py: _LIMIT"}),
        ("def f(one): one._x", {"user.py: _x"}),
        ("class Two(One):\n def g(self): return self._x", {"user.py: _x"}),
        ("class Two:\n def g(self): self._x = 1", set()),
        ("class Two(One):\n def g(self): self._hass_own()", set()),
        ("class Two:\n def g(self): return self.__dict__, self._attr_name", set()),
    ],
)
def test_leaks_are_found(user: str, found: set[str]) -> None:
    assert leaked(parsed({"owner.py": OWNER, "user.py": user})) == found


def test_no_class_is_cut_over_files() -> None:
    assert chained(TREES) == set()


def test_no_private_name_leaves_its_file() -> None:
    assert leaked(TREES) == set()


def test_the_plex_side_needs_no_home_assistant() -> None:
    for path, tree in TREES.items():
        for node in ast.walk(tree) if path.startswith("plex/") else ():
            match node:
                case ast.Import(names=names):
                    assert not [n for n in names if "homeassistant" in n.name]
                case ast.ImportFrom(module=module, level=level):
                    assert level < 2
                    assert "homeassistant" not in (module or "")


def test_no_helper_is_named_like_a_platform() -> None:
    """The loader of Home Assistant would take it for that."""
    names = {path.removesuffix(".py") for path in TREES}
    assert names & set(Platform) == set(PLATFORMS)


@pytest.mark.parametrize("kind", ["trigger", "condition"])
def test_triggers_and_conditions_have_their_texts_and_icons(kind: str) -> None:
    described = yaml.safe_load((FOLDER / f"{kind}s.yaml").read_text())
    described = {key: one for key, one in described.items() if key[0] != "."}
    assert set(described) == set(EN[f"{kind}s"]) == set(ICONS[f"{kind}s"])
    for key, one in described.items():
        texts = EN[f"{kind}s"][key]
        assert set(texts) == {"name", "description", "fields"}
        assert set(texts["fields"]) == set(one["fields"])
        for field in texts["fields"].values():
            assert set(field) == {"name"}
        assert set(ICONS[f"{kind}s"][key]) == {kind}


async def test_triggers_are_the_offered_ones(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    """What the editor shows of each can be saved, as it is and by default."""
    offered = ours(await trigger.async_get_all_descriptions(hass))
    assert {f"{DOMAIN}.{key}" for key in EN["triggers"]} == set(offered)
    for key, description in offered.items():
        config = cv.TRIGGER_SCHEMA(
            {"trigger": key, "target": {}, "options": defaults(description)}
        )
        assert await trigger.async_validate_trigger_config(hass, config)


async def test_conditions_are_the_offered_ones(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    """What the editor shows of each can be saved, as it is and by default."""
    offered = ours(await condition.async_get_all_descriptions(hass))
    assert {f"{DOMAIN}.{key}" for key in EN["conditions"]} == set(offered)
    for key, description in offered.items():
        config = {"condition": key, "target": {}, "options": defaults(description)}
        assert await condition.async_validate_condition_config(hass, config)


def ours(descriptions: dict[str, Any]) -> dict[str, Any]:
    return {
        key: description
        for key, description in descriptions.items()
        if key.startswith(f"{DOMAIN}.")
    }


def defaults(description: dict[str, Any]) -> dict[str, Any]:
    return {name: field["default"] for name, field in description["fields"].items()}
