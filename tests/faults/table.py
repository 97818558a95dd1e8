"""The table of outcomes: what each kind of fault leads to at each moment."""

from collections.abc import Mapping
from pathlib import Path
import tomllib
from typing import Any

from .faults import FAULTS
from .moments import MOMENTS

OUTCOMES: Mapping[str, Mapping[str, Any]] = tomllib.loads(
    Path(__file__).with_name("outcomes.toml").read_text()
)
# The exceptions of a kind: outcomes by the names of its faults.
BUT = "but"


def outcomes(kind: str, name: str) -> dict[str, str]:
    """Return what one fault leads to."""
    row = {key: text for key, text in OUTCOMES[kind].items() if key != BUT}
    return row | OUTCOMES[kind].get(BUT, {}).get(name, {})


def markdown() -> str:
    """Return the page for the documentation."""
    lines = [
        _INTRODUCTION,
        *(f"* {moment}: {happen.__doc__}" for moment, happen in MOMENTS.items()),
        "",
        _row("fault", MOMENTS),
        _row("---", ["---"] * len(MOMENTS)),
    ]
    for kind, row in OUTCOMES.items():
        lines.append(_row(f"**{kind}**", [row[moment] for moment in MOMENTS]))
        for name, cells in row.get(BUT, {}).items():
            lines.append(_row(name, [cells.get(moment, "") for moment in MOMENTS]))
    lines.append("\n## The faults of each kind\n")
    lines += [f"* **{kind}**: {'; '.join(faults)}" for kind, faults in FAULTS.items()]
    return "\n".join(lines) + "\n"


def _row(name: str, cells: Any) -> str:
    return f"| {' | '.join((name, *cells))} |"


_INTRODUCTION = """\
# What a fault leads to

Each row is a kind of fault of the server, the network or a proxy; each column is what
is done while it lasts. A row below a kind is an exception: its empty cells are as those
of the kind. `tests/faults` plays every fault at every moment, and checks the outcome,
that nothing unforeseen is logged, that no token is shown or sent elsewhere, and that
all is well by itself once the fault is gone.

`retried` and `given up` are what Home Assistant does with the entry, `kept` means that
the last data stay for so many failed reads, and a name after a colon is the key of the
error in `translations`. `python -m tests.faults` prints this page.

What is done:
"""
