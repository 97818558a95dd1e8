"""A simulated server's settings: what they are, and what changing them does.

Where nobody knows what Plex does, this is the simulator's choice:

* a request changes all it names or, if one of them is refused, nothing;
* a value that is not among those to choose from, or not of the setting's type, is
  refused like an unknown setting;
* whoever listens is told of the settings that were named, as rows like those of the
  list, whether or not their values are new.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

_FLAGS = {"1": True, "0": False, "true": True, "false": False}

# The tasks that a setting of three states governs. All others have "ButlerTask" and
# their name, if any.
BEHAVIORS = {
    "ButlerTaskGenerateAdMarkers": "GenerateAdMarkerBehavior",
    "ButlerTaskGenerateCreditsMarkers": "GenerateCreditsMarkerBehavior",
    "ButlerTaskGenerateIntroMarkers": "GenerateIntroMarkerBehavior",
    "ButlerTaskGenerateVoiceActivity": "GenerateVADBehavior",
    "GenerateChapterThumbs": "GenerateChapterThumbBehavior",
    "GenerateMediaIndexFiles": "GenerateBIFBehavior",
    "LoudnessAnalysis": "LoudnessAnalysisBehavior",
    "MusicAnalysis": "MusicAnalysisBehavior",
}

type Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedSetting:
    """One setting; values are texts, as they are in a URL."""

    id: str
    type: str
    default: str
    value: str | None = None
    """What it was set to; None is the default."""
    hidden: bool = False
    group: str = ""
    label: str = ""
    summary: str = ""
    enum_values: str = ""

    @property
    def current(self) -> str:
        """What it is set to."""
        return self.default if self.value is None else self.value

    def row(self) -> Row:
        """Return the setting as the server lists it: bool and int are native."""
        row: Row = {
            "id": self.id,
            "label": self.label,
            "summary": self.summary,
            "type": self.type,
            "default": self._native(self.default),
            "value": self._native(self.current),
            "hidden": self.hidden,
            "advanced": False,
            "group": self.group,
        }
        return row | ({"enumValues": self.enum_values} if self.enum_values else {})

    def changed(self, text: str) -> SimulatedSetting:
        """Return the same with another value; ValueError if it cannot have that."""
        choices = [choice.partition(":")[0] for choice in self.enum_values.split("|")]
        if self.enum_values and text not in choices:
            raise ValueError(f"{self.id} cannot be {text}")
        if self.type == "bool":
            text = str(int(_FLAGS[text])) if text in _FLAGS else "neither"
        # Whether it can be told is whether it can be.
        changed = replace(self, value=text)
        changed.row()
        return changed

    def _native(self, text: str) -> bool | int | str:
        match self.type:
            case "bool":
                return bool(int(text))
            case "int":
                return int(text)
            case "double":
                return str(float(text)).removesuffix(".0")
        return text


class Settings(dict[str, SimulatedSetting]):
    """The settings by id, and who wants to hear of changes."""

    def __init__(self, settings: Mapping[str, SimulatedSetting]) -> None:
        super().__init__(settings)
        self.listeners: list[Callable[[list[Row]], None]] = []
        self.refusal = 400
        """What an unknown setting is refused with; 403 on other servers."""
        self.unsettled: float | None = None
        """Seconds after a change in which every request gets 400; None for none."""
        self._settled_at = 0.0

    @property
    def settled(self) -> bool:
        """Whether requests are answered, and not refused because of a change."""
        return asyncio.get_running_loop().time() >= self._settled_at

    def rows(self) -> list[Row]:
        """Return the settings as the server lists them."""
        return [setting.row() for setting in self.values()]

    def number(self, setting_id: str) -> int:
        """Return the value of a setting that is a number."""
        return int(self[setting_id].current)

    def change(self, values: Mapping[str, str]) -> None:
        """Change settings; ValueError or KeyError if one of them cannot be."""
        if not values:
            raise ValueError("nothing to change")
        changed = [self[key].changed(value) for key, value in values.items()]
        self.update((setting.id, setting) for setting in changed)
        if self.unsettled is not None:
            now = asyncio.get_running_loop().time()
            self._settled_at = now + self.unsettled
        for listener in tuple(self.listeners):
            listener([setting.row() for setting in changed])


def setting_of(task: str) -> str:
    """Return the id of the setting that governs a task, if there is one of that id."""
    return BEHAVIORS.get(task, f"ButlerTask{task}")
