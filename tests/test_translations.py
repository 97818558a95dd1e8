"""Every language says the same as the English one, in its own words."""

from collections.abc import Iterator
import json
from pathlib import Path
import re
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.translation import async_get_translations

from .common import select_option
from .simulator import PlexSimulator, SimulatedTask

FOLDER = Path(__file__).parents[1] / "custom_components" / DOMAIN / "translations"
LANGUAGES = {
    *("cs", "da", "de", "es", "fr", "it", "ja", "nb"),
    *("nl", "pl", "pt-BR", "sv", "uk", "zh-Hans"),
}
# Words that a language shares with English. All other texts differ.
SAME = {
    "cs": {"Server", "Token"},
    "da": {"Server", "Start", "Stop", "Token", "Version"},
    "de": {"Server", "Token", "Version"},
    "es": {"No", "Token"},
    "fr": {"Description", "Maintenance", "Version"},
    "it": {"No", "Server", "Token"},
    "nb": {"Server", "Start", "Token"},
    "nl": {"Server", "Token"},
    "pl": {"Token"},
    "pt-BR": {"Token"},
    "sv": {"Period", "Server", "Token", "Version"},
}


def flatten(texts: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the paths of texts, and the texts."""
    for key, value in texts.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{path}{key}/")
        else:
            yield f"{path}{key}", value


def load(language: str) -> dict[str, str]:
    return dict(flatten(json.loads((FOLDER / f"{language}.json").read_text())))


ENGLISH = load("en")


def marks(text: str) -> list[str]:
    """Return what a text must have in common with its translations, sorted."""
    return sorted(
        re.findall(
            r"\{\w+\}|\*\*|\]\([^)]*\)|https?://|plex\.\w+|X-Plex-\w+|\n",
            text,
            re.ASCII,
        )
    )


def test_languages() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {"en", *LANGUAGES}


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_same_texts(language: str) -> None:
    texts = load(language)
    assert list(texts) == list(ENGLISH)
    assert {key: marks(text) for key, text in texts.items()} == {
        key: marks(text) for key, text in ENGLISH.items()
    }
    untidy = r"^\s|\s$|  |\.\.\."
    assert [key for key, text in texts.items() if re.search(untidy, text)] == []


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_nothing_is_left_in_english(language: str) -> None:
    same = {text for key, text in load(language).items() if text == ENGLISH[key]}
    assert same - {"{address}"} == SAME.get(language, set())


@pytest.mark.parametrize("language", sorted({"en", *LANGUAGES}))
def test_no_two_entities_have_one_name(language: str) -> None:
    """A task has either the switch or the select."""
    names = [
        text
        for key, text in load(language).items()
        if re.fullmatch(r"entity/(?!switch)\w+/\w+/name", key)
    ]
    assert len(names) == len(set(names)) > 10


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_lengths(language: str) -> None:
    """Names fit where the English ones do, and no sentence is missing."""
    odd = {
        key: text
        for key, text in load(language).items()
        if not len(ENGLISH[key]) / 5 - 2 <= len(text) <= 1.7 * len(ENGLISH[key]) + 15
    }
    assert odd == {}


@pytest.mark.parametrize(
    ("language", "backup", "maintenance", "error"),
    [
        ("de", "Datenbank sichern", "Wartung", "nicht zur selben Stunde"),
        ("ja", "データベースのバックアップ", "メンテナンス", "同じ時刻"),
    ],
)
async def test_home_assistant_in_another_language(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    language: str,
    backup: str,
    maintenance: str,
    error: str,
) -> None:
    """The server gives this task no title."""
    hass.config.language = language
    plex.tasks = {
        "BackupDatabase": SimulatedTask("BackupDatabase", None, None, 1, duration=0)
    }
    await hass.config_entries.async_setup(entry.entry_id)
    names = {state.name for state in hass.states.async_all()}
    assert {backup, f"Media Server {maintenance}"} <= names
    hours = next(one for one in hass.states.async_all("select") if one.state == "02:00")
    with pytest.raises(ServiceValidationError) as raised:
        await select_option(hass, hours.entity_id, "05:00")
    texts = await async_get_translations(hass, language, "exceptions", [DOMAIN])
    text = texts[
        f"component.{DOMAIN}.exceptions.{raised.value.translation_key}.message"
    ]
    assert error in text
