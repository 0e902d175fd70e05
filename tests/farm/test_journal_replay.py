"""The replay of a journal for scripts."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pricetime.farm import JournalReplay
from pricetime.log.errors import JournalDamaged, ReplayDiffers
from tests.farm.made import damage, journal_in
from tests.log.reference import CONFIGURATION, journal, snapshot_after

WRITTEN = journal([45, 40])


@pytest.mark.parametrize("limit", [1, 7, 8192])
def test_the_steps_have_all_commands_and_reports(tmp_path: Path, limit: int) -> None:
    replay = JournalReplay(journal_in(tmp_path / "one"))
    steps = list(replay.steps(limit))
    assert all(len(step.commands) <= limit for step in steps)
    assert np.concatenate([step.commands for step in steps]).tobytes() == WRITTEN.commands.tobytes()
    reports = CONFIGURATION.make_engine().apply(WRITTEN.commands)
    assert np.concatenate([step.reports for step in steps]).tobytes() == reports.tobytes()
    assert replay.digest == WRITTEN.public[-1]
    assert (replay.sequence, replay.time_ns) == (85, int(WRITTEN.commands["timestamp"][-1]))
    assert replay.end["last"] == 85


def test_the_books_follow_each_step(tmp_path: Path) -> None:
    replay = JournalReplay(journal_in(tmp_path / "one"))
    for count, _ in enumerate(replay.steps(1), 1):
        assert replay.digest == WRITTEN.public[count]
    sequences = [int(step.commands["sequence"][0]) for step in JournalReplay(replay.folder)]
    assert all(one < two for one, two in pairwise(sequences))


def test_damage_is_raised_after_the_good_commands(tmp_path: Path) -> None:
    folder = journal_in(tmp_path / "one", snapshots=())
    damage(folder)
    replay = JournalReplay(folder)
    with pytest.raises(JournalDamaged, match=r"00000002\.journal is damaged"):
        list(replay)
    assert replay.sequence == 63


def test_other_results_are_raised(tmp_path: Path) -> None:
    folder = journal_in(tmp_path / "one", snapshots=())
    name, data = snapshot_after(journal([40, 20], seed=8), 30)
    (folder / name).write_bytes(data)
    with pytest.raises(ReplayDiffers):
        list(JournalReplay(folder))


def test_it_begins_with_the_oldest_snapshot_if_the_first_commands_are_gone(tmp_path: Path) -> None:
    folder = journal_in(tmp_path / "one", snapshots=(60,))
    (folder / "00000001.journal").unlink()
    assert sum(len(step.commands) for step in JournalReplay(folder)) == 25
