"""Where one event of a market-by-order tape ends and the next begins."""

import pytest

from pricetime.tape import mbo
from pricetime.tape.mbo import LAST, SNAPSHOT, Record


def record(time_ns: int, sequence: int, flags: int, order_id: int = 0) -> Record:
    return Record(time_ns, sequence, b"A", b"B", order_id, 100, 1, flags)


@pytest.mark.parametrize(
    ("records", "sizes"),
    [
        # CME: the records of one match have several sequences, and its end has the flag.
        ([record(1, 5, 0), record(1, 6, 0), record(1, 7, LAST), record(2, 8, LAST)], [3, 1]),
        # Two events of one instant.
        ([record(1, 5, 0), record(1, 5, LAST), record(1, 6, 0), record(1, 6, LAST)], [2, 2]),
        # Nasdaq: each record of a message has the flag.
        ([record(1, 5, 130), record(1, 5, 130), record(1, 5, 130), record(1, 6, 130)], [3, 1]),
        # The same sequence at a different time, as after a reset of the channel, is a different event.
        ([record(1, 5, 130), record(2, 5, 130)], [1, 1]),
        # A clear without the flag.
        ([record(1, 0, 8), record(3_600 * 10**9, 0, 0)], [1, 1]),
        # Each record of a snapshot stands alone.
        ([record(1, 0, SNAPSHOT)] * 3 + [record(1, 0, 0)] * 2, [1, 1, 1, 2]),
        ([], []),
    ],
)
def test_events(records: list[Record], sizes: list[int]) -> None:
    found = list(mbo.events(iter(records)))
    assert [len(event) for event in found] == sizes
    assert [one for event in found for one in event] == records


def test_a_record_is_an_event_of_its_own_unless_it_says_otherwise() -> None:
    assert Record(1, 5, b"A", b"B", 1, 100, 1).flags == LAST
