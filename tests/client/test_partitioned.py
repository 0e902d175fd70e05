"""One client over several partitions: each command goes to the one that trades its instrument."""

from collections.abc import Iterator

import pytest

from pricetime import BID, Instrument
from pricetime.client.partitioned import Partition, PartitionedClient
from pricetime.errors import InvalidSetting, UnknownInstrument
from tests.client.order_entry import OrderEntry


@pytest.fixture
def entries() -> Iterator[dict[str, OrderEntry]]:
    secrets = {7: b"seven"}
    with (
        OrderEntry([Instrument(1), Instrument(2)], secrets=secrets) as first,
        OrderEntry([Instrument(3)], secrets=secrets) as second,
        OrderEntry([Instrument(4)], secrets=secrets) as third,
    ):
        yield {"a": first, "b": second, "c": third}


def partitions(entries: dict[str, OrderEntry]) -> dict[str, Partition]:
    instruments = {"a": (1, 2), "b": (3,), "c": (4,)}
    return {name: Partition([entry.address], instruments[name]) for name, entry in entries.items()}


def test_each_command_goes_to_its_partition(entries: dict[str, OrderEntry]) -> None:
    with PartitionedClient(partitions(entries), owner=7, secret=b"seven", keep_orders=True) as client:
        assert client.clients == {}
        assert client.add_order(1, BID, 100, 5, instrument=2).result(5).accepted.instrument == 2
        assert client.add_order(1, BID, 100, 5, instrument=3, display_quantity=2).result(5).order_id == 1
        assert list(client.clients) == ["a", "b"], "a session begins when it is needed"
        assert client.replace_order(1, 101, 4, instrument=3, display_quantity=2).result(5).accepted.price == 101
        assert client.reduce_order(1, 2, instrument=2).result(5).quantity == 2
        assert client.cancel_order(1, instrument=3).result(5).order_id == 1
        assert client.client(1) is client.client(2) is client.clients["a"]
        reports = client.read()
        assert {name: found["seq_num"].tolist() for name, found in reports.items()} == {"a": [1, 2], "b": [1, 2, 3, 4]}
        assert client.read() == {}
        assert client.next_sequences == {"a": 3, "b": 5}
        assert [(order.instrument, order.quantity) for order in client.open_orders(5)] == [(2, 3)]
        assert list(client.clients) == ["a", "b", "c"]
        client.add_order(2, BID, 100, 5, instrument=4).result(5)
        asked = client.mass_cancel(instrument=4)
        assert {name: future.result(5).quantity for name, future in asked.items()} == {"c": 1}
        asked = client.mass_cancel(side=BID)
        assert {name: future.result(5).quantity for name, future in asked.items()} == {"a": 1, "b": 0, "c": 0}
        position = client.next_sequences
    with PartitionedClient(partitions(entries), owner=7, secret=b"seven", resume_from={**position, "a": 1}) as later:
        assert later.next_sequences == {**position, "a": 1}
        assert later.client(1).read(5)["seq_num"].tolist()[0] == 1
    assert all(not client.is_active for client in later.clients.values())


def test_what_cannot_be(entries: dict[str, OrderEntry]) -> None:
    client = PartitionedClient(partitions(entries), owner=7, secret=b"seven")
    with pytest.raises(UnknownInstrument, match=r"instrument 9 is in no partition: give one of \[1, 2, 3, 4\]"):
        client.add_order(1, BID, 100, 5, instrument=9)
    with pytest.raises(InvalidSetting, match="no partition z"):
        PartitionedClient(partitions(entries), owner=7, resume_from={"z": 1})
    twice = partitions(entries) | {"d": Partition(["a:1"], [3])}
    with pytest.raises(InvalidSetting, match="instrument 3 is in b and d"):
        PartitionedClient(twice, owner=7)
