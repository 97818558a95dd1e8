"""How results are shown."""

from collections.abc import Iterable


def say(line: str = "") -> None:
    """Print a line, at once."""
    print(line, flush=True)  # noqa: T201 - a program talks to its shell


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Print a table, numbers below each other."""
    lines = [head, *rows]
    first, *widths = (max(map(len, column)) for column in zip(*lines, strict=True))
    for name, *cells in lines:
        numbers = (
            f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)
        )
        say("  ".join((f"{name:<{first}}", *numbers)))


def goal(what: str, measured: float, limit: float, unit: str = "") -> None:
    """Print whether a goal is met."""
    verdict = "met   " if measured <= limit else "missed"
    say(f"{verdict}  {what}: {measured:.2f}{unit} (goal: at most {limit:g}{unit})")
