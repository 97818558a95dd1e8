"""Print what an installed Home Assistant needs to run the demo: `python -m tests.e2e.requirements`.

Home Assistant fetches the requirements of an integration when it first sets it up. With
them installed beforehand it starts in seconds, without a network. Which they are stands
in the manifests: those of the integrations that every start sets up, of this one, and
of all that these depend on.
"""

from collections.abc import Iterable, Iterator
import json
from pathlib import Path
from typing import Any

from homeassistant import bootstrap, components

from .home import LOADED

CUSTOM_COMPONENTS = Path(__file__).parents[2] / "custom_components"
CORE_COMPONENTS = Path(components.__file__).parent
# The recorder comes with what is loaded, and analytics imports hassio on any system.
DOMAINS = {*LOADED, "hassio", "plex_butler", "recorder"}
# In requirements_home.txt, in another version.
LEFT_OUT = ("pymicro-vad", "pyspeex-noise")


def manifest(domain: str) -> dict[str, Any]:
    """Return the manifest of an integration of this repository or of Home Assistant."""
    for folder in (CUSTOM_COMPONENTS, CORE_COMPONENTS):
        file = folder / domain / "manifest.json"
        if file.exists():
            return dict(json.loads(file.read_text()))
    raise LookupError(f"No integration {domain}")


def manifests(domains: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the manifest of each integration, and of all it depends on, once."""
    found: set[str] = set()
    waiting = set(domains)
    while waiting:
        domain = waiting.pop()
        found.add(domain)
        one = manifest(domain)
        waiting |= set(one.get("dependencies", ())) - found
        yield one


if __name__ == "__main__":
    every_start = bootstrap.CORE_INTEGRATIONS | bootstrap.DEFAULT_INTEGRATIONS
    needed = manifests(every_start | DOMAINS)
    requirements = {name for one in needed for name in one.get("requirements", ())}
    print(  # noqa: T201 - this is its output
        *sorted(name for name in requirements if not name.startswith(LEFT_OUT)),
        sep="\n",
    )
