"""One client over several partitions for asyncio: the same conversations as ``test_partitioned``, in an event loop."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from pricetime import BID, Instrument
from pricetime.client.async_partitioned import AsyncPartitionedClient
from pricetime.client.errors import ConnectionLost, LoginRefused, NotAcknowledged, SessionEnded
from pricetime.client.partitioned_order_entry import Partition
from pricetime.errors import InvalidSetting, InvalidSide, UnknownInstrument
from pricetime.wire.types import SessionReason
from tests.client.order_entry import OrderEntry
from tests.client.partitions import partitions, three_entries
from tests.client.test_async_client import run


@pytest.fixture
def entries() -> Iterator[dict[str, OrderEntry]]:
    with three_entries() as made:
        yield made


def client(entries: dict[str, OrderEntry], **settings: Any) -> AsyncPartitionedClient:
    return AsyncPartitionedClient(partitions(entries), owner=7, **{"secret": b"seven"} | settings)


def test_each_command_goes_to_its_partition(entries: dict[str, OrderEntry]) -> None:
    async def story() -> None:
        async with client(entries, keep_orders=True) as mine:
            assert list(mine.clients) == ["a", "b", "c"]
            assert (await mine.add_order(1, BID, 100, 5, instrument=2)).accepted.instrument == 2
            assert (await mine.add_order(1, BID, 100, 5, instrument=3, display_quantity=2)).order_id == 1
            replaced = await mine.replace_order(1, 101, 4, instrument=3, display_quantity=2)
            assert replaced.accepted.price == 101
            assert (await mine.reduce_order(1, 2, instrument=2)).quantity == 2
            assert (await mine.cancel_order(1, instrument=3)).order_id == 1
            assert mine.client(1) is mine.client(2) is mine.clients["a"]
            reports = {name: found["seq_num"].tolist() for name, found in (await mine.read()).items()}
            assert reports == {"a": [1, 2], "b": [1, 2, 3, 4]}
            assert await mine.read() == {}
            assert mine.next_sequences == {"a": 3, "b": 5, "c": 1}
            assert [(order.instrument, order.quantity) for order in await mine.open_orders(5)] == [(2, 3)]
            await mine.add_order(2, BID, 100, 5, instrument=4)
            asked = mine.mass_cancel(instrument=4)
            assert {name: (await future).quantity for name, future in asked.items()} == {"c": 1}
            asked = mine.mass_cancel(side=BID)
            assert {name: (await future).quantity for name, future in asked.items()} == {"a": 1, "b": 0, "c": 0}
            position = mine.next_sequences
        later = client(entries, resume_from={**position, "a": 1})
        assert later.next_sequences == {**position, "a": 1}
        async with later:
            async for report in later.client(1).reports():
                assert report.seq_num == 1
                break
        assert all(not one.is_active for one in later.clients.values())

    run(story)


def test_sessions_with_some_partitions(entries: dict[str, OrderEntry]) -> None:
    async def story() -> None:
        mine = client(entries)
        await asyncio.gather(mine.login("a"), mine.login("a"), mine.login("c"))
        assert set(mine.clients) == {"a", "c"}
        assert [len(entry.logins) for entry in entries.values()] == [1, 0, 1]
        await mine.add_order(1, BID, 100, 5, instrument=1)
        with pytest.raises(ConnectionLost, match=r"not logged in to partition b: call login\(\) first"):
            mine.add_order(1, BID, 100, 5, instrument=3)
        asked = mine.mass_cancel()
        assert list(asked) == ["a", "b", "c"]
        with pytest.raises(ConnectionLost, match="partition b"):
            await asked["b"]
        assert [(await asked[name]).quantity for name in "ac"] == [1, 0]
        assert await mine.open_orders(5) == []
        assert len(entries["b"].logins) == 1, "to list all orders it logs in where it has not yet"
        await mine.close()

    run(story)


def test_what_cannot_be(entries: dict[str, OrderEntry]) -> None:
    async def story() -> None:
        async with client(entries) as mine:
            with pytest.raises(UnknownInstrument, match=r"instrument 9 is in no partition: give one of \[1, 2, 3, 4\]"):
                mine.add_order(1, BID, 100, 5, instrument=9)
            with pytest.raises(InvalidSetting, match="no partition z: give some of a, b, c"):
                await mine.login("a", "z")
            with pytest.raises(InvalidSide):
                mine.mass_cancel(side=3)
        with pytest.raises(InvalidSetting, match="no partition z"):
            client(entries, resume_from={"z": 1})
        twice = partitions(entries) | {"d": Partition(["a:1"], [3])}
        with pytest.raises(InvalidSetting, match="instrument 3 is in b and d"):
            AsyncPartitionedClient(twice, owner=7)
        with pytest.raises(LoginRefused, match="BAD_CREDENTIALS"):
            await client(entries, secret=b"eight").login("b")

    run(story)


def test_a_partition_that_is_down(entries: dict[str, OrderEntry]) -> None:
    entries["a"].close()

    async def story() -> None:
        with pytest.raises(ConnectionLost, match="cannot connect"):
            async with client(entries):
                pass
        async with asyncio.timeout(30):
            while any(entry.sessions for entry in entries.values()):
                await asyncio.sleep(0.01)
        mine = client(entries)
        with pytest.raises(ConnectionLost, match="cannot connect"):
            await mine.login()
        assert set(mine.clients) == {"b", "c"}, "the others can be used"
        await mine.add_order(1, BID, 100, 5, instrument=3)
        asked = mine.mass_cancel()
        with pytest.raises(ConnectionLost, match="partition a"):
            await asked["a"]
        assert [(await asked[name]).quantity for name in "bc"] == [1, 0]
        with OrderEntry([Instrument(1)], secrets={7: b"seven"}) as up_again:
            mine.partitions["a"] = Partition([up_again.address], [1, 2])
            await mine.login()
            assert set(mine.clients) == {"a", "b", "c"}
            await mine.close()

    run(story)


def test_the_end_of_one_session_loses_no_reports_of_others(entries: dict[str, OrderEntry]) -> None:
    async def story() -> None:
        async with client(entries) as mine:
            entries["a"].end_all(SessionReason.BY_OPERATOR)
            with pytest.raises(SessionEnded):
                await mine.client(1).read(timeout=None)
            with pytest.raises(SessionEnded, match="BY_OPERATOR"):
                await mine.login()
            await mine.add_order(2, BID, 100, 5, instrument=3)
            reports = {name: found["seq_num"].tolist() for name, found in (await mine.read()).items()}
            assert reports == {"b": [1]}
            with pytest.raises(SessionEnded, match="BY_OPERATOR"):
                await mine.read()

    run(story)


def test_after_the_end(entries: dict[str, OrderEntry]) -> None:
    async def story() -> None:
        mine = client(entries)
        await mine.login("a")
        await mine.add_order(1, BID, 100, 5, instrument=1)
        await mine.close()
        await mine.close()
        assert (await mine.read())["a"]["seq_num"].tolist() == [1]
        assert await mine.read() == {}
        with pytest.raises(SessionEnded, match="logged out"):
            mine.add_order(2, BID, 100, 5, instrument=1)
        with pytest.raises(SessionEnded, match="logged out"):
            await mine.login("b")
        assert entries["b"].logins == []

    run(story)


def test_it_reads_while_reports_are_taken_in_a_loop(entries: dict[str, OrderEntry]) -> None:
    """A loop over ``read`` alone lets the sessions go on."""

    async def story() -> None:
        async with client(entries) as mine:
            order = mine.add_order(1, BID, 100, 5, instrument=1)
            while not (found := await mine.read()):
                pass
            assert (list(found), order.done()) == (["a"], True)

    run(story)


@pytest.mark.parametrize("how", ["close", "cancel"])
def test_a_login_ends_with_close_and_with_its_task(entries: dict[str, OrderEntry], how: str) -> None:
    async def story() -> None:
        entries["b"].mute = True
        mine = client(entries, timeout=60)
        login = asyncio.create_task(mine.login())
        while set(mine.clients) != {"a", "c"} or not entries["b"]._connections:
            await asyncio.sleep(0.01)
        if how == "close":
            await mine.close()
            with pytest.raises((ConnectionLost, NotAcknowledged, SessionEnded)):
                await login
        else:
            login.cancel()
            with pytest.raises(asyncio.CancelledError):
                await login
            assert set(mine.clients) == {"a", "c"}
            assert (await mine.add_order(1, BID, 100, 5, instrument=1)).order_id == 1
            await mine.close()
        assert mine._starting == set()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(story)
