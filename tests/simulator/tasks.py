"""The Butler tasks of a simulated server."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class SimulatedTask:
    """One Butler task and how long a run of it takes."""

    name: str
    title: str | None
    description: str | None
    interval: int
    """Days between two runs."""
    schedule_randomized: bool = False
    enabled: bool = True
    duration: float | None = None
    """Seconds a run takes; 0 ends within the loop's turn, None only by hand."""


# What a real server's backup of a small database took.
BACKUP_SECONDS = 0.11

# The names are those of a current server, and so are these intervals: 3 days for
# BackupDatabase and RefreshLocalMedia, 7 for OptimizeDatabase, CleanOldBundles and
# CleanOldCacheFiles; RefreshLibraries is off by default. BackupDatabase's title and
# description were recorded from a real server. All the rest (the other titles,
# descriptions and intervals, which task is randomised, and the seconds a run takes
# in a demonstration) is the simulator's own, not captured from Plex.
_DEFAULTS = (
    SimulatedTask(
        "AutomaticUpdates",
        "Automatic Updates",
        "Look for a newer version of the server and install it",
        1,
        duration=4,
    ),
    SimulatedTask(
        "BackupDatabase",
        "Backup Database",
        "Create a backup copy of the server's database in the configured"
        " backup directory",
        3,
        duration=BACKUP_SECONDS,
    ),
    SimulatedTask(
        "ButlerTaskGenerateAdMarkers",
        "Generate Ad Markers",
        "Find advertisements in recorded programmes",
        1,
        duration=25,
    ),
    SimulatedTask(
        "ButlerTaskGenerateCreditsMarkers",
        "Generate Credits Markers",
        "Find the closing credits of films and episodes",
        1,
        duration=30,
    ),
    SimulatedTask(
        "ButlerTaskGenerateIntroMarkers",
        "Generate Intro Markers",
        "Find the opening titles of episodes",
        1,
        duration=30,
    ),
    SimulatedTask(
        "ButlerTaskGenerateVoiceActivity",
        "Generate Voice Activity",
        "Find out where people speak, to align subtitles",
        1,
        duration=20,
    ),
    SimulatedTask(
        "CleanOldBundles",
        "Clean Old Bundles",
        "Remove metadata that no item of a library uses any more",
        7,
        duration=6,
    ),
    SimulatedTask(
        "CleanOldCacheFiles",
        "Clean Old Cache Files",
        "Remove cached files that were not used for a while",
        7,
        duration=4,
    ),
    SimulatedTask(
        "DeepMediaAnalysis",
        "Deep Media Analysis",
        "Read media files in full to learn how much bandwidth they need",
        1,
        duration=40,
    ),
    SimulatedTask(
        "GarbageCollectBlobs",
        "Garbage Collect Blobs",
        "Remove stored data that nothing refers to any more",
        1,
        duration=3,
    ),
    SimulatedTask(
        "GarbageCollectLibraryMedia",
        "Garbage Collect Library Media",
        "Remove files of library items that are gone",
        1,
        duration=3,
    ),
    SimulatedTask(
        "GenerateBlurHashes",
        "Generate Blur Hashes",
        "Compute the blurred previews shown while artwork loads",
        1,
        duration=8,
    ),
    SimulatedTask(
        "GenerateChapterThumbs",
        "Generate Chapter Thumbnails",
        "Make a thumbnail for every chapter",
        1,
        duration=15,
    ),
    SimulatedTask(
        "GenerateMediaIndexFiles",
        "Generate Media Index Files",
        "Make the preview thumbnails shown while seeking",
        1,
        duration=35,
    ),
    SimulatedTask(
        "LoudnessAnalysis",
        "Loudness Analysis",
        "Measure how loud tracks are",
        1,
        duration=15,
    ),
    SimulatedTask(
        "MusicAnalysis",
        "Music Analysis",
        "Analyse how tracks sound to find similar ones",
        1,
        duration=25,
    ),
    SimulatedTask(
        "OptimizeDatabase",
        "Optimize Database",
        "Tidy up the server's database to keep it small and fast",
        7,
        duration=12,
    ),
    SimulatedTask(
        "RefreshEpgGuides",
        "Refresh EPG Guides",
        "Fetch the programme guide for live television",
        1,
        schedule_randomized=True,
        duration=8,
    ),
    SimulatedTask(
        "RefreshLibraries",
        "Refresh Libraries",
        "Look for new, changed and removed files in all libraries",
        1,
        enabled=False,
        duration=15,
    ),
    SimulatedTask(
        "RefreshLocalMedia",
        "Refresh Local Media",
        "Read metadata kept next to the media files again",
        3,
        duration=8,
    ),
    SimulatedTask(
        "RefreshPeriodicMetadata",
        "Refresh Periodic Metadata",
        "Fetch metadata again that is likely to have changed",
        1,
        schedule_randomized=True,
        duration=12,
    ),
    SimulatedTask(
        "UpgradeMediaAnalysis",
        "Upgrade Media Analysis",
        "Analyse media again that an older version had analysed",
        1,
        duration=10,
    ),
)


def default_tasks(speed: float | None = None) -> dict[str, SimulatedTask]:
    """Return the 22 tasks of a current server, by name.

    Without a speed every run but the short backup goes on until it is ended by hand,
    which lets a test decide what happens when. With one, runs take the time of the
    demonstration divided by it.
    """
    return {task.name: _paced(task, speed) for task in _DEFAULTS}


def _paced(task: SimulatedTask, speed: float | None) -> SimulatedTask:
    if task.duration is None or task.name == "BackupDatabase":
        return task
    return replace(task, duration=None if speed is None else task.duration / speed)
