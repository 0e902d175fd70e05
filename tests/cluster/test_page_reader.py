"""The messages of a stream as a log: settings of a term, parts that a journal has, checkpoints."""

import dataclasses

import numpy as np
import pytest

from pricetime.cluster.page import NO_DIGEST, Page
from pricetime.cluster.page_reader import PageReader
from pricetime.log.batch import Checkpoint
from tests.cluster.made import CONFIGURATION, commands, page, term_record


def test_it_begins_with_what_it_was_given() -> None:
    reader = PageReader(7, CONFIGURATION, 99)
    batch = reader.read(10)
    assert (len(batch.commands), batch.configuration, batch.epoch) == (0, CONFIGURATION, 99)
    assert reader.position.sequence == 7


def test_a_term_record_changes_configuration_and_epoch() -> None:
    later = dataclasses.replace(CONFIGURATION, capacity=2048)
    reader = PageReader(0, CONFIGURATION, 1)
    record = term_record(1, 1, configuration=later)
    assert reader.add(record) is None
    batch = reader.read(10)
    assert (len(batch.commands), batch.configuration, batch.epoch) == (0, later, record.epoch)
    first = reader.add(page(1, 1, 3, record.digest))
    assert first is not None
    assert first.configuration is batch.configuration
    assert reader.read(10) is first
    assert reader.position.sequence == 3


@pytest.mark.parametrize("known", [0, 1, 4, 5])
def test_only_what_is_new_of_a_page_that_a_journal_has_in_part(known: int) -> None:
    points = [Checkpoint(index, 20 + index, 0, index, index) for index in (0, 1, 4, 5)]
    made = Page.make(1, 21, commands(21, 5), points, NO_DIGEST)
    reader = PageReader(20 + known, CONFIGURATION, 1)
    batch = reader.add(made)
    assert batch is not None
    assert batch.commands["sequence"].tolist() == [*range(21 + known, 26)]
    assert [point.index for point in batch.checkpoints] == [at - known for at in (0, 1, 4, 5) if at >= known]
    assert [point.sequence for point in batch.checkpoints] == [20 + at for at in (0, 1, 4, 5) if at >= known]
    assert np.array_equal(reader.read(10).commands, batch.commands)
    assert reader.position.sequence == 25


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_a_page_in_parts(limit: int) -> None:
    points = [Checkpoint(index, 20 + index, 0, index, index) for index in (0, 2, 3, 5)]
    made = Page.make(1, 21, commands(21, 5), points, NO_DIGEST)
    reader = PageReader(20, CONFIGURATION, 1)
    assert reader.add(made) is not None
    sequences: list[int] = []
    seen: list[int] = []
    while len((batch := reader.read(limit)).commands):
        assert [point.sequence for point in batch.checkpoints] == [
            20 + len(sequences) + point.index for point in batch.checkpoints
        ]
        assert all(point.index <= len(batch.commands) for point in batch.checkpoints)
        seen += [point.sequence for point in batch.checkpoints]
        sequences += batch.commands["sequence"].tolist()
        assert reader.position.sequence == sequences[-1]
    assert sequences == [*range(21, 26)]
    assert seen == [20, 22, 23, 25]
