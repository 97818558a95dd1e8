"""A release is built by scripts/release, of one version, and is what HACS unpacks."""

from collections.abc import Callable
from pathlib import Path
import re
import shutil
from subprocess import CompletedProcess, run
from typing import Any
from zipfile import ZipFile

import pytest
import yaml

from custom_components.plex_butler.const import DOMAIN

ROOT = Path(__file__).parents[1]
FOLDER = f"custom_components/{DOMAIN}"
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))

type Release = Callable[..., CompletedProcess[str]]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a repository of its own, with the files as they are now."""
    shutil.copytree(ROOT / FOLDER, tmp_path / FOLDER)
    (tmp_path / "scripts").mkdir()
    for file in ("scripts/release", "pyproject.toml", "CHANGELOG.md", ".gitignore"):
        shutil.copy(ROOT / file, tmp_path / file)
    (tmp_path / FOLDER / "__pycache__").mkdir(exist_ok=True)
    (tmp_path / FOLDER / "__pycache__/left.pyc").touch()
    return tmp_path


@pytest.fixture
def release(clone: Path) -> Release:
    """Return what commits the files and builds a release of them."""

    def build(*arguments: str) -> CompletedProcess[str]:
        who = ("-c", "user.name=test", "-c", "user.email=test@example.com")
        run(["git", "init", "--quiet"], cwd=clone, check=True)
        run(["git", "add", "."], cwd=clone, check=True)
        commit = ["git", *who, "commit", "--quiet", "--no-gpg-sign", "--message", "all"]
        run(commit, cwd=clone, check=True)
        command = [clone / "scripts/release", *arguments]
        return run(command, capture_output=True, text=True, check=False)

    return build


def test_zip_is_the_integration(clone: Path, release: Release) -> None:
    assert release().returncode == 0
    expected = {
        str(path.relative_to(ROOT / FOLDER))
        for path in (ROOT / FOLDER).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"__init__.py", "manifest.json", "translations/en.json"} <= expected
    with ZipFile(clone / "dist/plex_butler.zip") as archive:
        files = {one.filename for one in archive.infolist() if not one.is_dir()}
    assert files == expected


def test_notes_are_those_of_the_version(clone: Path, release: Release) -> None:
    changelog = clone / "CHANGELOG.md"
    older = "\n## [0.9.0] - 2026-01-01\n\nOld news.\n\n[Unreleased]:"
    changelog.write_text(changelog.read_text().replace("\n[Unreleased]:", older, 1))
    assert release().returncode == 0
    notes = (clone / "dist/notes.md").read_text()
    assert "The first release." in notes
    assert "Old news." not in notes
    assert "[" not in notes


def test_tag_is_the_version(release: Release) -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    [version] = re.findall(r'^version = "(.*)"$', pyproject, re.MULTILINE)
    assert release(version).returncode == 0


def test_another_tag_is_refused(clone: Path, release: Release) -> None:
    result = release("9.9.9")
    assert result.returncode == 1
    assert "the tag says 9.9.9: change one of them." in result.stderr
    assert not (clone / "dist").exists()


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("pyproject.toml", 'version = "'),
        ("CHANGELOG.md", "## ["),
        (f"{FOLDER}/manifest.json", '"version": "'),
    ],
)
def test_another_version_is_refused(
    clone: Path, release: Release, file: str, line: str
) -> None:
    path = clone / file
    changed = re.sub(rf"({re.escape(line)})\d", r"\g<1>9", path.read_text(), count=1)
    path.write_text(changed)
    result = release()
    assert result.returncode == 1
    assert "change one of them" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_may_do_little(path: Path) -> None:
    """A workflow has no permission but those that a job names, and waits for no end."""
    workflow: dict[str, Any] = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        writing = {"contents": "write"}
        allowed = [{"contents": "read"}, *[writing] * (name == "release")]
        assert job["permissions"] in allowed
        assert job["timeout-minutes"] <= 30
    used = re.findall(r"uses: (\S+)@(\S+)", path.read_text())
    unpinned = {
        action for action, ref in used if not re.fullmatch(r"v?\d+\.\d+\.\d+", ref)
    }
    # Home Assistant maintains it on this branch only.
    assert unpinned <= {"home-assistant/actions/hassfest"}
