"""What the Butler is doing, in every way a server may show it."""

from dataclasses import replace
from itertools import count

import pytest

from custom_components.plex_butler.plex import (
    Activity,
    ButlerTask,
    Maintenance,
    PlexServer,
)
from custom_components.plex_butler.plex.maintenance import TaskFinder
from tests.simulator import PlexSimulator, RunShape, SimulatedTask

BACKUP = "BackupDatabase"
OPTIMIZE = "OptimizeDatabase"
HINTS = {
    "library.update.section": "RefreshLibraries",
    "media.generate.credits": "ButlerTaskGenerateCreditsMarkers",
    "media.generate.intros": "ButlerTaskGenerateIntroMarkers",
    "media.generate.voice.activity": "ButlerTaskGenerateVoiceActivity",
    "media.generate.chapter.thumbs": "GenerateChapterThumbs",
    "media.generate.bif": "GenerateMediaIndexFiles",
    "media.generate.loudness": "LoudnessAnalysis",
    "media.generate.music.analysis": "MusicAnalysis",
    "provider.epg.load": "RefreshEpgGuides",
}
TASKS = {
    name: ButlerTask.from_json({"name": name, "title": title})
    for name, title in {
        BACKUP: "Datenbank sichern",
        OPTIMIZE: "Datenbank optimieren",
        **{name: f"Titel von {name}" for name in HINTS.values()},
    }.items()
}
_numbers = count()


def activity(type_: str = "", title: str = "", subtitle: str = "") -> Activity:
    return Activity(
        uuid=str(next(_numbers)),
        type=type_,
        title=title,
        subtitle=subtitle,
        progress=None,
    )


PARENT = activity("butler", "Butler tasks")
SCAN = activity("library.update.section", "Scanning Films")


def observe(*activities: Activity) -> Maintenance:
    return TaskFinder(TASKS).observe(activities)


def active(*running: str) -> Maintenance:
    return Maintenance(active=True, running=frozenset(running), unnamed=not running)


INACTIVE = Maintenance(active=False, running=frozenset())


def test_nothing_runs_without_activities() -> None:
    assert observe() == INACTIVE


@pytest.mark.parametrize(
    "parent",
    [
        PARENT,
        activity("butler", "Butler-Aufgaben"),
        activity("butler"),
        activity("butler.tasks", "Something"),
        activity("of.an.unknown.type", "Butler tasks"),
    ],
)
def test_the_parent_alone_tells_that_something_runs(parent: Activity) -> None:
    assert observe(parent) == active()


@pytest.mark.parametrize(
    "foreign",
    [
        activity("butlers", "Butlers"),
        activity("my.butler", "butler"),
        activity("library.refresh.items", "Refreshing", "Film"),
        activity("", "", ""),
        activity("", "Butler tasks are done"),
        SCAN,
    ],
)
def test_foreign_activities_alone_are_none_of_the_butlers(foreign: Activity) -> None:
    assert observe(foreign) == INACTIVE


@pytest.mark.parametrize(
    "subtitle", [OPTIMIZE, "Datenbank optimieren"], ids=["name", "title"]
)
def test_the_parents_subtitle_may_be_the_task(subtitle: str) -> None:
    assert observe(activity("butler", "Butler tasks", subtitle)) == active(OPTIMIZE)


def test_a_title_of_two_tasks_names_none_of_them() -> None:
    copy = replace(TASKS[OPTIMIZE], name="Copy")
    finder = TaskFinder({**TASKS, "Copy": copy})
    row = activity("butler", "Butler tasks", "Datenbank optimieren")
    assert finder.observe([row]) == active()
    assert finder.observe([activity("butler", "Butler tasks", "Copy")]) == active(
        "Copy"
    )


@pytest.mark.parametrize(
    "title", [OPTIMIZE, "Datenbank optimieren"], ids=["name", "title"]
)
def test_the_parents_title_may_be_the_task(title: str) -> None:
    assert observe(activity("butler", title)) == active(OPTIMIZE)


def test_progress_is_that_of_the_parent() -> None:
    parent = replace(PARENT, progress=83.3)
    sub = replace(activity("butler", OPTIMIZE), progress=5.0)
    foreign = replace(SCAN, progress=50.0)

    assert observe(foreign, sub, parent).progress == 83.3
    assert observe(foreign, sub).progress is None
    assert observe(PARENT).progress is None


@pytest.mark.parametrize("type_", ["butler", "butler.task", "of.an.unknown.type"])
def test_sub_activities_are_tasks(type_: str) -> None:
    subs = activity(type_, OPTIMIZE), activity(type_, "Datenbank sichern")

    assert observe(PARENT, *subs) == active(OPTIMIZE, BACKUP)


def test_a_task_named_by_any_activity_runs_without_a_parent() -> None:
    assert observe(activity("of.an.unknown.type", OPTIMIZE)) == active(OPTIMIZE)
    assert observe(activity("x", "Working", OPTIMIZE)) == active(OPTIMIZE)


def test_a_task_the_server_does_not_list_is_not_running() -> None:
    assert observe(activity("butler", "Butler tasks", "NoSuchTask")) == active()


@pytest.mark.parametrize(("type_", "name"), HINTS.items())
def test_work_of_a_kind_is_a_hint_while_the_butler_runs(type_: str, name: str) -> None:
    work = activity(type_, "Working on a film")

    assert observe(work) == INACTIVE
    assert observe(work, PARENT) == active(name)


def test_a_hint_counts_for_nothing_beside_a_task_that_is_named() -> None:
    assert observe(PARENT, activity("butler", OPTIMIZE), SCAN) == active(OPTIMIZE)


def test_a_hint_to_a_task_the_server_does_not_list_is_none() -> None:
    few = {BACKUP: TASKS[BACKUP]}

    assert TaskFinder(few).observe([PARENT, SCAN]) == active()


def test_a_name_counts_before_the_same_title_of_another() -> None:
    tasks = {
        "A": ButlerTask.from_json({"name": "A", "title": "A"}),
        "B": ButlerTask.from_json({"name": "B", "title": "A"}),
    }

    assert TaskFinder(tasks).observe([activity("butler", "A")]) == active("A")


def test_task_without_a_title_is_not_named_by_everything() -> None:
    task = replace(TASKS[BACKUP], title="")
    assert TaskFinder({BACKUP: task}).observe([PARENT]) == active()


@pytest.mark.parametrize(
    ("shown", "butlers", "hint", "title"),
    [
        (PARENT, True, False, None),
        (activity("butler.task"), True, False, None),
        (activity("x", "Butler tasks"), True, False, None),
        (activity("x", OPTIMIZE), True, False, OPTIMIZE),
        (activity("x", "Datenbank sichern"), True, False, BACKUP),
        (activity("x", "Something", "Datenbank sichern"), True, False, None),
        (SCAN, False, True, None),
        (activity("library.refresh.items", "Refreshing"), False, False, None),
    ],
)
def test_kinds_of_activities(
    shown: Activity, title: str | None, *, butlers: bool, hint: bool
) -> None:
    finder = TaskFinder(TASKS)
    assert finder.is_butlers(shown) is butlers
    assert finder.is_hint(shown) is hint
    assert finder.find(shown.title) == title


@pytest.mark.parametrize(
    ("shape", "seen"),
    [
        (RunShape.PARENT_ONLY, active()),
        (RunShape.SUBTITLE, active(OPTIMIZE)),
        (RunShape.SUB_ACTIVITIES, active(OPTIMIZE)),
    ],
)
async def test_a_run_of_a_server_is_seen_until_it_ends(
    plex: PlexSimulator, server: PlexServer, shape: RunShape, seen: Maintenance
) -> None:
    async def look() -> Maintenance:
        tasks = {task.name: task for task in await server.get_butler_tasks()}
        return TaskFinder(tasks).observe(await server.get_activities())

    plex.shape = shape
    assert await look() == INACTIVE

    await server.start_task(OPTIMIZE)
    assert replace(await look(), progress=None) == seen

    plex.finish(OPTIMIZE)
    assert await look() == INACTIVE


async def test_tasks_that_run_side_by_side_are_all_seen(
    plex: PlexSimulator, server: PlexServer
) -> None:
    plex.tasks = {name: SimulatedTask(name, name, "", 1) for name in (BACKUP, OPTIMIZE)}
    await server.start_task(BACKUP)
    await server.start_task(OPTIMIZE)

    seen = TaskFinder(TASKS).observe(await server.get_activities())

    assert replace(seen, progress=None) == active(BACKUP, OPTIMIZE)
