"""Journals are found by their segments, and their fingerprint changes with their files."""

import os
from pathlib import Path

import pytest

from pricetime.farm.errors import NoJournal
from pricetime.farm.journals import fingerprint, journals, size
from tests.farm.made import journal_in


def test_all_below_a_folder_are_found_once(tmp_path: Path) -> None:
    one, two = journal_in(tmp_path / "a" / "one"), journal_in(tmp_path / "b" / "deep" / "two")
    (tmp_path / "b" / "notes.journal").write_text("not a segment")
    assert journals([tmp_path]) == [one.resolve(), two.resolve()]
    assert journals([tmp_path, one]) == [one.resolve(), two.resolve()]
    assert journals([one]) == [one.resolve()]


def test_a_folder_without_one_is_named(tmp_path: Path) -> None:
    journal_in(tmp_path / "good")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoJournal, match="empty has no journal"):
        journals([tmp_path / "good", tmp_path / "empty"])


def test_a_change_of_a_file_changes_the_fingerprint(tmp_path: Path) -> None:
    made = journal_in(tmp_path / "one")
    before = fingerprint(made)
    (made / "lock").write_text("")
    assert fingerprint(made) == before
    os.utime(made / "00000001.journal", ns=(1, 1))
    assert fingerprint(made) != before
    assert size(made) == sum(path.stat().st_size for path in made.glob("*.journal"))
