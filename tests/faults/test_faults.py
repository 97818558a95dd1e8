"""Every fault at every moment leads to what the table says, and to nothing else."""

import logging
import re
import tracemalloc

import pytest

from homeassistant.exceptions import HomeAssistantError

from .faults import FAULTS, MIB
from .house import ROOT, House
from .moments import MOMENTS, dialog, poll, stream
from .table import BUT, OUTCOMES, markdown, outcomes

ROWS = [(kind, name) for kind, faults in FAULTS.items() for name in faults]
LARGE = [row for row in ROWS if re.search("large|endless|bomb|MiB", ": ".join(row))]


def unforeseen(records: list[logging.LogRecord]) -> list[str]:
    """Return what was logged of exceptions that nobody expects."""
    return [
        record.getMessage()
        for record in records
        if record.levelno >= logging.WARNING
        and (record.name == "asyncio" or record.exc_info)
        # Home Assistant's own way to log an entry that it gives up.
        and not isinstance((record.exc_info or (None, None))[1], HomeAssistantError)
    ]


@pytest.mark.parametrize(
    ("house", "row"),
    [(row, row) for row in ROWS],
    ids=map(": ".join, ROWS),
    indirect=["house"],
)
async def test_outcomes(
    house: House, row: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "custom_components.plex_butler")
    seen = {}
    for moment, happen in MOMENTS.items():
        try:
            seen[moment] = await happen(house)
            await house.recover()
        except Exception as err:
            err.add_note(f"{row} at {moment}, after {seen}")
            raise
        assert unforeseen(caplog.records) == [], moment
        assert house.plex.token not in caplog.text, moment
        caplog.clear()

    assert seen == outcomes(*row)


@pytest.mark.parametrize("house", LARGE, ids=map(": ".join, LARGE), indirect=True)
async def test_memory(house: House) -> None:
    tracemalloc.start()
    await dialog(house)
    await house.recover()
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    await poll(house)
    await house.recover()
    await stream(house)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak - before < 16 * MIB


def test_table() -> None:
    """Each kind has its row, and each exception is one of a fault of that kind."""
    assert list(OUTCOMES) == list(FAULTS)
    for kind, outcome in OUTCOMES.items():
        row = dict(outcome)
        exceptions = row.pop(BUT, {})
        assert set(row) == set(MOMENTS)
        assert set(exceptions) <= set(FAULTS[kind])
        for cells in exceptions.values():
            assert set(cells) <= set(MOMENTS)
            assert set(cells.items()).isdisjoint(row.items())


def test_page_shows_the_table() -> None:
    assert (ROOT / "docs/faults.md").read_text() == markdown()
