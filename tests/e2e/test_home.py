"""What a start on a full disk leaves behind."""

from pathlib import Path

from .home import HomeAssistant


async def test_version_that_was_not_written(tmp_path: Path) -> None:
    """Home Assistant does not start with an empty one."""
    version = tmp_path / ".HA_VERSION"
    version.touch()
    home = HomeAssistant(tmp_path, 8123)
    home.configure()
    assert not version.exists()

    version.write_text("2026.11.0")
    home.configure()
    assert version.exists()
    await home.stop()
