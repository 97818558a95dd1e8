"""The files beside the code say the same things as the code."""

import json
from pathlib import Path
import re
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import yaml

from custom_components.plex_butler.const import DOMAIN
from homeassistant.helpers import entity_registry as er

ROOT = Path(__file__).parents[1]


FOLDER = ROOT / "custom_components" / DOMAIN


CODE = "".join(path.read_text() for path in sorted(FOLDER.glob("*.py")))


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
    options = {"disabled", "idle", "running"}
    assert set(EN["entity"]["sensor"]["task"]["state"]) == options
    for keys in ICONS["entity"].values():
        for icons in keys.values():
            # Home Assistant's own check refuses a state icon equal to the default.
            assert icons["default"] not in icons.get("state", {}).values()
    assert set(ICONS["entity"]["sensor"]["task"]["state"]) < options


def test_errors_have_their_texts() -> None:
    """Every key of an exception or a form is there, and none is left over."""
    code = "".join(path.read_text() for path in FOLDER.rglob("*.py"))
    for key in EN["exceptions"] | EN["config"]["error"] | EN["config"]["abort"]:
        assert re.search(rf'"{key}"', code) or key in HOME_ASSISTANTS
    raised = set(re.findall(r'translation_key="(\w+)"', CODE)) - entity_keys()
    assert raised <= set(EN["exceptions"])
    keys = re.search(r"_KEYS: .*?{(.*?)}", CODE, re.DOTALL)
    assert set(re.findall(r'"(\w+)"', keys.group(1))) <= set(EN["exceptions"])


HOME_ASSISTANTS = {"already_configured"}


def entity_keys() -> set[str]:
    return {key for keys in EN["entity"].values() for key in keys}


def test_exceptions_use_what_they_are_given() -> None:
    given = {"server", "error", "entity_id", "hour"}
    for message in leaves(EN["exceptions"]).values():
        assert placeholders(message) <= given


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
    assert hacs["name"] == MANIFEST["name"]
    assert hacs["homeassistant"] == "2026.9.1"


def test_every_rule_of_the_quality_scale_has_its_status() -> None:
    rules = yaml.safe_load((FOLDER / "quality_scale.yaml").read_text())["rules"]
    assert len(rules) == 54
    for rule in rules.values():
        if isinstance(rule, dict):
            assert rule["status"] == "exempt"
            assert rule["comment"]
        else:
            assert rule in {"done", "todo"}
