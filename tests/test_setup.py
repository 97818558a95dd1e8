"""scripts/setup says in one line what is wrong, and the next run mends it.

What it calls to make environments and to install is replaced: nothing is fetched.
"""

from collections.abc import Callable
import os
from pathlib import Path
import shutil
import signal
from subprocess import DEVNULL, CompletedProcess, Popen, run
import sys

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = [
    "awk",
    "bash",
    "cat",
    "cp",
    "date",
    "dirname",
    "env",
    "find",
    "flock",
    "grep",
    "mkdir",
    "rm",
    "sh",
    "tail",
]

UV = f"""\
#!/bin/sh
case $1 in
  venv)
    for environment; do :; done
    mkdir -p "$environment/bin"
    printf '#!/bin/sh\\nexec "%s" "$@"\\n' '{sys.executable}' >"$environment/bin/python"
    chmod +x "$environment/bin/python"
    ;;
  pip) . ./installing ;;
esac
"""
DF = """\
#!/bin/sh
echo Filesystem 1024-blocks Used Available
echo disk 1000 1000 "$(cat free)"
"""
# As pip does, it replaces nothing that is there.
PYTHON3 = """\
#!/bin/sh
[ -e .python/uv/bin ] || { mkdir -p .python/uv/bin && cp "$UV" .python/uv/bin/uv; }
"""

type Setup = Callable[..., CompletedProcess[str]]


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return the folder of a clone, and beside it what is on PATH."""
    clone = tmp_path / "a path with space"
    (clone / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "scripts/setup", clone / "scripts/setup")
    (clone / "requirements_test.txt").touch()
    (clone / "installing").touch()
    (clone / "free").write_text("9000000")
    path = tmp_path / "bin"
    path.mkdir()
    for tool in (*TOOLS, "chmod"):
        (path / tool).symlink_to(shutil.which(tool) or tool)
    program(path / "uv", UV)
    program(path / "df", DF)
    return clone


@pytest.fixture
def environment(clone: Path) -> dict[str, str]:
    path = clone.parent / "bin"
    return {"PATH": str(path), "PYTHON": sys.executable, "HOME": str(clone.parent)}


@pytest.fixture
def setup(clone: Path, environment: dict[str, str]) -> Setup:
    def call() -> CompletedProcess[str]:
        return run(
            [clone / "scripts/setup", "--test"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return call


def test_the_second_run_has_nothing_to_do(clone: Path, setup: Setup) -> None:
    first = setup()
    assert first.returncode == 0, first.stderr
    assert "Home Assistant" in first.stdout
    (clone.parent / "bin/uv").unlink()
    second = setup()
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("No space left on device (os error 28)", "the disk is full. Free 3 GB"),
        ("dns error", "the network cannot be reached. Run this again when it can."),
        ("resolution is impossible", "the log says why."),
    ],
)
def test_what_fails_is_said_and_mended(
    clone: Path, setup: Setup, said: str, hint: str
) -> None:
    (clone / "installing").write_text(f"echo '{said}'; exit 1")
    failed = setup()
    assert failed.returncode == 1
    [line] = failed.stderr.splitlines()
    assert line.startswith(f"Could not install into .venv: {hint}")
    (clone / "installing").write_text("")
    assert setup().returncode == 0


def test_a_full_disk_is_said_before_anything_is_written(
    clone: Path, setup: Setup
) -> None:
    (clone / "free").write_text("40000")
    failed = setup()
    assert failed.returncode == 1
    [line] = failed.stderr.splitlines()
    assert line.startswith("scripts/setup: the disk is full. Free 3 GB")
    assert not (clone / ".python").exists()
    (clone / "free").write_text("9000000")
    assert setup().returncode == 0


def test_a_killed_run_is_mended(
    clone: Path, setup: Setup, environment: dict[str, str]
) -> None:
    reached = clone / "reached"
    os.mkfifo(reached)
    (clone / "installing").write_text("echo now >reached; exec cat reached")
    with Popen(
        [clone / "scripts/setup", "--test"],
        env=environment,
        stdout=DEVNULL,
        start_new_session=True,
    ) as killed:
        assert reached.read_text() == "now\n"
        os.killpg(killed.pid, signal.SIGKILL)
    (clone / ".venv/bin/left").touch()
    (clone / "installing").write_text("touch installed")
    (clone.parent / "bin/touch").symlink_to(shutil.which("touch") or "touch")
    assert setup().returncode == 0
    assert (clone / "installed").exists()
    assert not (clone / ".venv/bin/left").exists()


def test_a_uv_that_was_half_installed_is_mended(
    clone: Path, setup: Setup, environment: dict[str, str]
) -> None:
    path = clone.parent / "bin"
    environment["UV"] = str((path / "uv").rename(clone.parent / "uv"))
    program(path / "python3", PYTHON3)
    (clone / ".python/uv/bin").mkdir(parents=True)
    (clone / ".python/uv/bin/uv").touch()
    (clone / ".python/path").write_text(str(clone))
    assert setup().returncode == 0
