"""Which journal a restore takes, what it says about the others, and the stream that it makes."""

from pathlib import Path

import numpy as np
import pytest

from pricetime.cluster.page import Message, TermRecord, continues
from pricetime.cluster.restore import CannotRestore, compare, messages_of, opened
from pricetime.log.directory import Directory
from pricetime.log.errors import JournalError
from tests.cluster.made import commands
from tests.cluster.test_rejoin import write

pytestmark = pytest.mark.compiled


def journals(folder: Path, **terms: list[tuple[int, int]]) -> list[Path]:
    """Journals with so many commands of each term, by name. Commands with the same sequence are equal."""
    for name, counts in terms.items():
        (folder / name).mkdir(parents=True)
        write(Directory(folder / name), counts)
    return [folder / name for name in terms]


def test_the_most_complete_is_first(tmp_path: Path) -> None:
    folders = journals(tmp_path, a=[(1, 150)], b=[(1, 120), (3, 10)], c=[(1, 40)])
    with opened(folders, "main") as sources:
        assert [source.directory.path.name for source in sources] == ["b", "a", "c"]
        best, *others = sources
        assert (best.first, best.last) == (1, 130)
        assert [compare(best, other).common for other in others] == [120, 40]


def test_the_journal_of_a_node_has_a_folder_for_each_partition(tmp_path: Path) -> None:
    journals(tmp_path / "node", main=[(1, 5)])
    with opened([tmp_path / "node"], "main") as sources:
        assert sources[0].last == 5


def test_the_stream_continues_from_term_to_term(tmp_path: Path) -> None:
    folders = journals(tmp_path, a=[(1, 150), (3, 10), (4, 0), (5, 2)])
    with opened(folders, "main") as sources:
        made = list(messages_of(sources[0], 9))
    before: Message | None = None
    for message in made:
        assert continues(message, before, "it")
        before = message
    assert [message.term for message in made if isinstance(message, TermRecord)] == [1, 3, 5, 9]
    assert before is not None
    assert (before.first, before.last) == (163, 162)
    pages = [message for message in made if not isinstance(message, TermRecord)]
    whole = np.concatenate([page.commands for page in pages])
    assert whole["sequence"].tolist() == list(range(1, 163))
    assert [page.term for page in pages] == [1, 3, 5]


def test_no_journal(tmp_path: Path) -> None:
    with pytest.raises(CannotRestore, match="no journal of partition main has a command"), opened([tmp_path], "main"):
        pass


def test_a_journal_in_use(tmp_path: Path) -> None:
    folders = journals(tmp_path, a=[(1, 5)])
    with opened(folders, "main"), pytest.raises((JournalError, OSError)), opened(folders, "main"):
        pass


def test_commands_that_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = journals(tmp_path, a=[(1, 5), (2, 5)], b=[(1, 8)])
    with opened(folders, "main") as (best, other):
        compared = compare(best, other)
        assert (compared.common, compared.differs) == (5, True), "commands of term 1 that no later leader has"
    monkeypatch.setattr("tests.cluster.test_rejoin.commands", lambda first, count: commands(first, count, seed=9))
    folders += journals(tmp_path, c=[(1, 4)])
    why = r"command 1 differs in .*a and .*c: one is damaged"
    with opened(folders, "main") as (best, _, damaged), pytest.raises(CannotRestore, match=why):
        compare(best, damaged)
