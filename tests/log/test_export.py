"""Commands out of a journal."""

import numpy as np
import pytest

from pricetime.log.export import Export
from tests.log.memory import directory_of
from tests.log.reference import journal


@pytest.mark.parametrize(("first", "last"), [(None, None), (1, 85), (10, 60), (46, 46), (80, 999), (85, None)])
def test_it_is_what_was_asked_for(first: int | None, last: int | None) -> None:
    written = journal([45, 40])
    chosen = Export(directory_of(written.files), first, last)
    expected = written.commands[(first or 1) - 1 : last or 85]
    assert len(chosen) == len(expected)
    assert np.concatenate(list(chosen.chunks())).tobytes() == expected.tobytes()


def test_nothing_may_be_left() -> None:
    chosen = Export(directory_of(journal([45, 40]).files), 86)
    assert len(chosen) == 0
    assert list(chosen.chunks()) == []


def test_it_begins_where_the_journal_does() -> None:
    written = journal([45, 40])
    files = written.files
    del files["00000001.journal"]
    chosen = Export(directory_of(files))
    assert (chosen.first, chosen.last, len(chosen)) == (46, 85, 40)
    assert np.concatenate(list(chosen.chunks())).tobytes() == written.commands[45:].tobytes()
