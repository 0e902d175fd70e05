"""One client over several partitions: each command goes to the one that trades its instrument."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pricetime import BID
from pricetime.client.client import Client
from pricetime.client.errors import ConnectionLost, LoginRefused, SessionEnded
from pricetime.client.partitioned import PartitionedClient
from pricetime.client.partitioned_order_entry import Partition
from pricetime.errors import InvalidSetting, InvalidSide, UnknownInstrument
from pricetime.wire.types import SessionReason
from tests.client.order_entry import OrderEntry
from tests.client.partitions import partitions, three_entries


@pytest.fixture
def entries() -> Iterator[dict[str, OrderEntry]]:
    with three_entries() as made:
        yield made


def client(entries: dict[str, OrderEntry], **settings: Any) -> PartitionedClient:
    return PartitionedClient(partitions(entries), owner=7, **{"secret": b"seven"} | settings)


def test_each_command_goes_to_its_partition(entries: dict[str, OrderEntry]) -> None:
    with client(entries, keep_orders=True) as mine:
        assert mine.clients == {}
        assert mine.add_order(1, BID, 100, 5, instrument=2).result(5).accepted.instrument == 2
        assert mine.add_order(1, BID, 100, 5, instrument=3, display_quantity=2).result(5).order_id == 1
        assert list(mine.clients) == ["a", "b"], "a session begins when it is needed"
        assert mine.replace_order(1, 101, 4, instrument=3, display_quantity=2).result(5).accepted.price == 101
        assert mine.reduce_order(1, 2, instrument=2).result(5).quantity == 2
        assert mine.cancel_order(1, instrument=3).result(5).order_id == 1
        assert mine.client(1) is mine.client(2) is mine.clients["a"]
        reports = mine.read()
        assert {name: found["seq_num"].tolist() for name, found in reports.items()} == {"a": [1, 2], "b": [1, 2, 3, 4]}
        assert mine.read() == {}
        assert mine.next_sequences == {"a": 3, "b": 5}
        assert [(order.instrument, order.quantity) for order in mine.open_orders(5)] == [(2, 3)]
        assert list(mine.clients) == ["a", "b", "c"]
        mine.add_order(2, BID, 100, 5, instrument=4).result(5)
        asked = mine.mass_cancel(instrument=4)
        assert {name: future.result(5).quantity for name, future in asked.items()} == {"c": 1}
        asked = mine.mass_cancel(side=BID)
        assert {name: future.result(5).quantity for name, future in asked.items()} == {"a": 1, "b": 0, "c": 0}
        position = mine.next_sequences
    with client(entries, resume_from={**position, "a": 1}) as later:
        assert later.next_sequences == {**position, "a": 1}
        assert later.client(1).read(5)["seq_num"].tolist()[0] == 1
    assert all(not one.is_active for one in later.clients.values())


def test_what_cannot_be(entries: dict[str, OrderEntry]) -> None:
    mine = client(entries)
    with pytest.raises(UnknownInstrument, match=r"instrument 9 is in no partition: give one of \[1, 2, 3, 4\]"):
        mine.add_order(1, BID, 100, 5, instrument=9)
    with pytest.raises(InvalidSetting, match="no partition z"):
        client(entries, resume_from={"z": 1})
    twice = partitions(entries) | {"d": Partition(["a:1"], [3])}
    with pytest.raises(InvalidSetting, match="instrument 3 is in b and d"):
        PartitionedClient(twice, owner=7)
    with pytest.raises(LoginRefused, match="BAD_CREDENTIALS"):
        client(entries, secret=b"eight").add_order(1, BID, 100, 5, instrument=1)
    assert mine.clients == {}


def test_a_partition_that_is_down_does_not_keep_the_others_from_cancelling(entries: dict[str, OrderEntry]) -> None:
    entries["a"].close()
    with client(entries) as mine:
        mine.add_order(1, BID, 100, 5, instrument=3).result(5)
        asked = mine.mass_cancel()
        assert list(asked) == ["a", "b", "c"]
        with pytest.raises(ConnectionLost, match="cannot connect"):
            asked["a"].result(5)
        assert {name: asked[name].result(5).quantity for name in "bc"} == {"b": 1, "c": 0}
        with pytest.raises(ConnectionLost, match="cannot connect"):
            mine.mass_cancel(instrument=1)
        with pytest.raises(InvalidSide):
            mine.mass_cancel(side=3)


def test_the_end_of_one_session_loses_no_reports_of_others(entries: dict[str, OrderEntry]) -> None:
    with client(entries) as mine:
        mine.add_order(1, BID, 100, 5, instrument=1).result(5)
        mine.add_order(1, BID, 100, 5, instrument=3).result(5)
        mine.read()
        order = mine.add_order(2, BID, 100, 5, instrument=3)
        entries["a"].end_all(SessionReason.BY_OPERATOR)
        with pytest.raises(SessionEnded):
            list(mine.client(1).reports())
        order.result(5)
        assert {name: found["seq_num"].tolist() for name, found in mine.read().items()} == {"b": [2]}
        with pytest.raises(SessionEnded, match="BY_OPERATOR"):
            mine.read()


def test_after_the_end(entries: dict[str, OrderEntry]) -> None:
    mine = client(entries)
    mine.add_order(1, BID, 100, 5, instrument=1).result(5)
    mine.close()
    mine.close()
    assert mine.read()["a"]["seq_num"].tolist() == [1]
    assert mine.read() == {}
    for instrument in (1, 3):
        with pytest.raises(SessionEnded, match="logged out"):
            mine.add_order(2, BID, 100, 5, instrument=instrument)
    assert entries["b"].logins == []


def test_a_login_waits_for_no_login_elsewhere_and_ends_with_close(
    entries: dict[str, OrderEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = client(entries)
    new, waits, goes_on = mine._new_client, threading.Event(), threading.Event()

    def slow(name: str) -> Client:
        made = new(name)
        if name == "a":
            waits.set()
            assert goes_on.wait(30)
        return made

    monkeypatch.setattr(mine, "_new_client", slow)
    late: list[Client] = []
    thread = threading.Thread(target=lambda: late.append(mine.client(1)))
    thread.start()
    assert waits.wait(30)
    assert mine.add_order(1, BID, 100, 5, instrument=3).result(5).order_id == 1
    mine.close()
    goes_on.set()
    thread.join()
    with pytest.raises(SessionEnded, match="logged out"):
        late[0].add_order(1, BID, 100, 5)
