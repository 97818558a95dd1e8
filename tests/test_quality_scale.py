"""Each rule of the quality scale has its status, and what proves it."""

import ast
from pathlib import Path
import tomllib
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import yaml

from custom_components.plex_butler.const import DOMAIN, PLATFORMS
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .simulator import PlexSimulator

TESTS = Path(__file__).parent
ROOT = TESTS.parent
FOLDER = ROOT / "custom_components" / DOMAIN
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RULES: dict[str, Any] = yaml.safe_load((FOLDER / "quality_scale.yaml").read_text())[
    "rules"
]

HERE = "test_quality_scale.py::"
REPOSITORY = "test_repository.py::"
README = "No test can tell whether a text is good: the README and docs are read."

# Every rule: the tests that fail if it is broken, or why none can.
PROOFS = {
    "action-setup": f"{REPOSITORY}test_actions_exist_without_a_server",
    "appropriate-polling": "test_coordinator.py::test_polls_every_minute_when_idle",
    "brands": f"{HERE}test_brand_is_there",
    "common-modules": f"{HERE}test_common_modules",
    "config-flow": f"{REPOSITORY}test_every_field_is_described",
    "config-flow-test-coverage": f"{HERE}test_coverage_is_complete",
    "dependency-transparency": "Exempt.",
    "docs-actions": "test_readme.py::test_all_is_listed",
    "docs-conditions": "test_readme.py::test_all_is_listed",
    "docs-high-level-description": README,
    "docs-installation-instructions": README,
    "docs-removal-instructions": README,
    "docs-triggers": "test_readme.py::test_all_is_listed",
    "entity-event-setup": "test_stream.py::test_unload_leaves_nothing",
    "entity-unique-id": f"{HERE}test_unique_ids_and_names",
    "has-entity-name": f"{HERE}test_unique_ids_and_names",
    "runtime-data": "mypy: the type of an entry says what its runtime_data is.",
    "test-before-configure": "faults/test_faults.py::test_outcomes",
    "test-before-setup": "faults/test_faults.py::test_outcomes",
    "unique-config-entry": "test_config_flow.py::test_server_that_is_set_up_already",
    "action-exceptions": "test_services.py::test_every_action_says_what_went_wrong",
    "config-entry-unloading": "test_init.py::test_load_and_unload",
    "docs-configuration-parameters": README,
    "docs-installation-parameters": README,
    "entity-unavailable": "test_errors.py::test_poll",
    "integration-owner": f"{HERE}test_owner",
    "log-when-unavailable": "test_errors.py::test_poll",
    "parallel-updates": f"{HERE}test_parallel_updates",
    "reauthentication-flow": "test_config_flow.py::test_reauth",
    "test-coverage": f"{HERE}test_coverage_is_complete",
    "devices": "test_devices.py::test_devices",
    "diagnostics": "test_diagnostics.py::test_diagnostics",
    "discovery": "test_config_flow_network.py::test_zeroconf",
    "discovery-update-info": (
        "test_config_flow_network.py::"
        "test_zeroconf_asks_about_the_address_of_a_server_that_is_set_up"
    ),
    "docs-data-update": README,
    "docs-examples": README,
    "docs-known-limitations": README,
    "docs-supported-devices": README,
    "docs-supported-functions": "test_readme.py::test_all_is_listed",
    "docs-troubleshooting": README,
    "docs-use-cases": README,
    "dynamic-devices": "test_entity.py::test_new_task_appears_without_a_reload",
    "entity-category": "test_entity.py::test_entities_of_a_server_and_a_task",
    "entity-device-class": "test_entity.py::test_entities_of_a_server_and_a_task",
    "entity-disabled-by-default": "Exempt.",
    "entity-translations": f"{REPOSITORY}test_entities_have_their_texts_and_icons",
    "exception-translations": f"{HERE}test_every_exception_has_a_translation",
    "icon-translations": f"{REPOSITORY}test_entities_have_their_texts_and_icons",
    "reconfiguration-flow": "test_config_flow.py::test_reconfigure",
    "repair-issues": "test_repairs.py::test_confirmed",
    "stale-devices": "test_devices.py::test_vanished_task_leaves_and_may_come_back",
    "async-dependency": f"{HERE}test_nothing_blocks",
    "inject-websession": f"{HERE}test_websession_is_injected",
    "strict-typing": f"{HERE}test_types_are_strict",
}


def trees(folder: Path) -> dict[str, ast.Module]:
    return {
        str(path.relative_to(folder)): ast.parse(path.read_text())
        for path in sorted(folder.rglob("*.py"))
    }


SOURCES = trees(FOLDER)


def imported(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                names |= {alias.name for alias in aliases}
            case ast.ImportFrom(module=str(module), level=0):
                names.add(module)
    return names


def test_every_rule_has_its_status_and_its_proof() -> None:
    assert len(RULES) == 54
    assert set(PROOFS) == set(RULES)
    explained = {name: rule for name, rule in RULES.items() if isinstance(rule, dict)}
    assert all(rule["comment"] for rule in explained.values())
    statuses = RULES | {name: rule["status"] for name, rule in explained.items()}
    assert statuses == {
        rule: "exempt" if proof == "Exempt." else "done"
        for rule, proof in PROOFS.items()
    }


def test_every_proof_exists() -> None:
    tests = {
        f"{path}::{node.name}"
        for path, tree in trees(TESTS).items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {proof for proof in PROOFS.values() if "::" in proof} <= tests


def test_brand_is_there() -> None:
    images = {path.name for path in (FOLDER / "brand").iterdir()}
    assert {"icon.png", "icon@2x.png", "logo.png", "logo@2x.png"} <= images


def test_common_modules() -> None:
    assert {"coordinator.py", "entity.py"} <= set(SOURCES)


def test_coverage_is_complete() -> None:
    coverage = PYPROJECT["tool"]["coverage"]
    assert coverage["run"] == {
        "branch": True,
        "source": [f"custom_components/{DOMAIN}"],
    }
    assert coverage["report"]["fail_under"] == 100
    assert coverage["report"]["exclude_also"] == ["if TYPE_CHECKING:"]


async def test_unique_ids_and_names(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    entity_registry: er.EntityRegistry,
) -> None:
    entities = er.async_entries_for_config_entry(entity_registry, loaded.entry_id)
    assert entities
    for entity in entities:
        assert entity.has_entity_name
        assert entity.unique_id.startswith(f"{plex.machine_identifier}_")
        for part in (DOMAIN, str(plex.token), loaded.entry_id, plex.url):
            assert part not in entity.unique_id


def test_owner() -> None:
    manifest = yaml.safe_load((FOLDER / "manifest.json").read_text())
    assert manifest["codeowners"] == ["@butler-for-plex"]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_parallel_updates(platform: str) -> None:
    assigned = {
        target.id: ast.literal_eval(node.value)
        for node in SOURCES[f"{platform}.py"].body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id == "PARALLEL_UPDATES"
    }
    commands = {"button", "number", "select", "switch"}
    assert assigned == {"PARALLEL_UPDATES": int(platform in commands)}


def test_every_exception_has_a_translation() -> None:
    """No exception that a user sees is made of a text in the code."""
    seen = {
        "ConfigEntryAuthFailed",
        "ConfigEntryError",
        "ConfigEntryNotReady",
        "HomeAssistantError",
        "ServiceValidationError",
        "UpdateFailed",
    }
    made = [
        call
        for tree in SOURCES.values()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in seen
    ]
    assert made
    for call in made:
        given = {keyword.arg for keyword in call.keywords}
        assert {"translation_domain", "translation_key"} <= given or None in given


def test_nothing_blocks() -> None:
    blocking = {"http.client", "requests", "urllib.request", "urllib3", "subprocess"}
    for tree in SOURCES.values():
        assert not imported(tree) & blocking


def test_websession_is_injected() -> None:
    """Only the Plex side opens a session, on the connector of the one it is given."""
    for path, tree in SOURCES.items():
        for call in ast.walk(tree):
            match call:
                case ast.Call(func=ast.Attribute(attr="ClientSession")):
                    assert path == "plex/connection.py"
                    given = {keyword.arg for keyword in call.keywords}
                    assert {"connector", "connector_owner"} <= given


def test_types_are_strict() -> None:
    mypy = PYPROJECT["tool"]["mypy"]
    assert mypy["strict"] is True
    assert f"custom_components.{DOMAIN}" in mypy["packages"]
