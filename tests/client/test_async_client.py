"""The client for asyncio: the same conversations as ``test_client``, in an event loop."""

import asyncio
import random
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import numpy as np
import pytest

from pricetime import ASK, BID, REPORT, CommandType, Instrument, OrderType, ReportKind
from pricetime import errors as book_errors
from pricetime.client import errors
from pricetime.client.async_client import AsyncClient
from pricetime.client.future import OrderFuture
from pricetime.client.order_result import OrderStatus
from pricetime.wire.messages import ExecutionReport
from pricetime.wire.types import SessionReason
from tests.client.order_entry import OrderEntry
from tests.client.test_client import new_orders


@pytest.fixture
def entry() -> Iterator[OrderEntry]:
    with OrderEntry([Instrument(1), Instrument(2, tick_size=5)]) as made:
        yield made


def client(entry: OrderEntry, owner: int = 1, **settings: Any) -> AsyncClient:
    return AsyncClient(*entry.address, owner=owner, **settings)


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def told() -> None:
        async with asyncio.timeout(60):
            await story()

    asyncio.run(told())


def test_the_socket_is_read_before_silence_is_judged(entry: OrderEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a stop of the process, the selector reports a timeout, not what has come meanwhile."""

    async def story() -> None:
        selector = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
        select, stopped = selector.select, [False]

        def blind(timeout: float | None) -> Any:
            found = select(timeout)
            return [] if stopped and stopped.pop() else found

        stopped.clear()
        monkeypatch.setattr(selector, "select", blind)
        async with client(entry) as mine:
            session = mine._dialogue._session
            session.timeout_ms = 200
            stopped.append(True)
            time.sleep(0.3)
            for _ in range(5):
                await asyncio.sleep(0)
            assert (mine.is_active, mine.disconnects) == (True, 0)
            session.timeout_ms = 60_000

    run(story)


async def listed(mine: AsyncClient, timeout: float | None = 0.1) -> list[ExecutionReport]:
    return [report async for report in mine.reports(timeout)]


def test_open_orders(entry: OrderEntry) -> None:
    async def story() -> None:
        async with client(entry) as mine:
            assert await mine.open_orders() == []
            for number in range(300):
                mine.add_order(number, BID, 50, 1)
            assert [order.order_id for order in await mine.open_orders(timeout=30)] == list(range(300))

    run(story)


def test_orders_of_a_venue(entry: OrderEntry) -> None:
    async def story() -> None:
        async with client(entry) as mine, client(entry, 2) as yours:
            stop = mine.add_order(1, ASK, None, 5, order_type=OrderType.STOP, trigger_price=90)
            iceberg = await mine.add_order(2, BID, 80, 50, display_quantity=10)
            assert (await stop).status is OrderStatus.WAITING
            assert (await mine.replace_order(1, None, 4, trigger_price=95)).waits
            assert iceberg.remaining == 50
            assert [order.trigger_price for order in await mine.open_orders()] == [None, 95]
            with pytest.raises(book_errors.InvalidDisplayQuantity):
                await mine.add_order(3, BID, 80, 5, display_quantity=6)
            await yours.add_order(1, BID, 95, 9)
            await yours.add_order(2, ASK, 95, 1)
            assert (await stop.final).status is OrderStatus.FILLED

    run(story)


def test_a_host_by_name(entry: OrderEntry) -> None:
    async def story() -> None:
        async with AsyncClient("localhost", entry.address[1], owner=1) as mine:
            assert (await mine.add_order(1, BID, 100, 1)).order_id == 1
        with pytest.raises(errors.ConnectionLost, match=r"cannot connect to \[::1\]:1: "):
            await AsyncClient("::1", 1, owner=1).login()

    asyncio.run(story())


def test_every_command_is_answered(entry: OrderEntry) -> None:
    async def story() -> None:
        async with client(entry) as mine, client(entry, 2) as yours:
            accepted = (await mine.add_order(1, BID, 100, 10)).accepted
            assert (accepted.kind, accepted.price, accepted.quantity) == (ReportKind.ACCEPTED, 100, 10)
            assert (await mine.reduce_order(1, 2)).quantity == 2
            assert (await mine.replace_order(1, 101, 7)).accepted.price == 101
            order = yours.add_order(1, ASK, 101, 3)
            assert [(fill.price, fill.quantity) for fill in (await order).fills] == [(101, 3)]
            assert (await order.final) == (await order)
            assert (await mine.cancel_order(1)).quantity == 4
            mine.add_order(2, BID, 50, 1)
            assert (await mine.mass_cancel(request_id=9)).quantity == 1
            with pytest.raises(book_errors.UnknownOrder):
                await mine.cancel_order(5)
            with pytest.raises(book_errors.InvalidPrice):
                mine.add_order(5, BID, 0.5, 1)  # type: ignore[arg-type]
            mine.cancel_order(6)  # its answer is ignored
            own = await listed(mine)
            assert [report.seq_num for report in own] == list(range(1, 11))
            assert own[3].kind == ReportKind.TRADE

    run(story)


def test_many_at_once(entry: OrderEntry) -> None:
    async def story() -> None:
        async with client(entry) as mine:
            for first in range(1, 501, 50):
                mine.send(new_orders(50, first))
                await mine.drain()
            cancels = new_orders(500)
            cancels["type"] = CommandType.CANCEL_ORDER
            mine.send(cancels)
            got = [np.zeros(0, REPORT)]
            async for report in mine.reports():
                got.append(np.frombuffer(report.encode(), REPORT))
                break
            while sum(map(len, got)) < 1_000:
                got.append(await mine.read(timeout=5))
            assert np.concatenate(got)["seq_num"].tolist() == list(range(1, 1_001))
            assert mine.untaken == len(await mine.read()) == 0

    run(story)


def test_what_is_refused() -> None:
    with OrderEntry([Instrument(1)], secrets={1: b"one"}) as entry:

        async def story() -> None:
            async with client(entry, secret=b"one") as mine:
                assert mine.is_active
                with pytest.raises(errors.ConnectionLost, match="reconnects by itself"):
                    await mine.login()
            with pytest.raises(errors.LoginRefused, match="BAD_CREDENTIALS"):
                await client(entry, secret=b"two").login()
            entry.mute = True
            with pytest.raises(errors.NotAcknowledged):
                await client(entry, secret=b"one", timeout=0.1).login()
            with socket.create_server(("127.0.0.1", 0)) as gone:
                port = gone.getsockname()[1]
            with pytest.raises(errors.ConnectionLost, match="Is the exchange up"):
                await AsyncClient(port=port, owner=1).login()

        run(story)


def test_a_login_that_is_cancelled_leaves_nothing(entry: OrderEntry) -> None:
    entry.mute = True

    async def story() -> None:
        mine = client(entry, timeout=60)
        login = asyncio.create_task(mine.login())
        while mine._task is None:
            await asyncio.sleep(0)
        login.cancel()
        with pytest.raises(asyncio.CancelledError):
            await login
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(story)


def test_after_the_end(entry: OrderEntry) -> None:
    async def story() -> None:
        mine = client(entry)
        await mine.login()
        await mine.add_order(1, BID, 1, 1)
        await mine.close()
        await mine.close()
        assert [report.kind for report in await listed(mine, None)] == [ReportKind.ACCEPTED]
        with pytest.raises(errors.SessionEnded, match="logged out"):
            mine.add_order(2, BID, 1, 1)
        await client(entry).close()

    run(story)


@pytest.mark.parametrize("seed", range(6))
def test_random_disconnects(entry: OrderEntry, seed: int) -> None:
    rng = random.Random(seed)

    async def story() -> None:
        async with client(entry, keep_orders=True, retries=100) as mine:
            entry.cut = rng
            promises: dict[int, OrderFuture] = {}
            got: list[ExecutionReport] = []
            for number in range(300):
                try:
                    promises[number] = mine.add_order(number, rng.choice([BID, ASK]), rng.randint(95, 105), 1)
                except errors.ConnectionLost:
                    await mine.wait_until_active()
                if rng.random() < 0.5 and number in promises:
                    await asyncio.gather(promises[number], return_exceptions=True)
                if rng.random() < 0.3:
                    got += await listed(mine, 0.0)
                if number % 25 == 24:
                    await mine.wait_until_active()
                    before = mine.disconnects
                    entry.drop_connections()
                    while mine.disconnects == before:
                        await asyncio.sleep(0.001)
            entry.cut = None
            await mine.wait_until_active()
            await asyncio.gather(*promises.values(), return_exceptions=True)
            got += await listed(mine, 0.3)
            assert [report.encode() for report in got] == entry.streams[1]
            accepted = {report.order_id for report in got if report.kind == ReportKind.ACCEPTED}
            for number, promise in promises.items():
                assert promise.exception() is None or isinstance(promise.exception(), errors.CommandLost)
                assert (number in accepted) == (promise.exception() is None)
            assert mine.disconnects >= 300 // 25

    run(story)


def test_a_slow_network(entry: OrderEntry) -> None:
    entry.slow = True

    async def story() -> None:
        async with client(entry) as mine:
            mine.send(new_orders(30))
            assert (await mine.mass_cancel()).quantity == 30
            assert len(await mine.read()) == 61

    run(story)


def test_a_network_that_takes_nothing(entry: OrderEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client keeps what does not go out, and ``drain`` waits."""
    monkeypatch.setattr("pricetime.client.async_client.MOST_UNSENT", 20_000)

    async def story() -> None:
        async with client(entry) as mine:
            mine._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            entry.lock.acquire()  # the exchange reads nothing while it waits for this
            futures = [mine.cancel_order(number) for number in range(20_000)]
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(mine.drain(), 0.1)
            entry.lock.release()
            await mine.drain()
            for future in futures:
                with pytest.raises(book_errors.UnknownOrder):
                    await future

    run(story)


def test_silence_ends_a_connection_and_another_is_made() -> None:
    with OrderEntry([Instrument(1)], heartbeat_ms=50, timeout_ms=600) as entry:

        async def story() -> None:
            async with client(entry) as mine:
                assert await listed(mine, 1.0) == []
                assert mine.disconnects == 0
                entry.heartbeat_ms = 10_000_000
                entry.drop_connections()
                while mine.disconnects < 3:
                    await mine.read(timeout=0.1)

        run(story)


def test_ends_that_are_final(entry: OrderEntry) -> None:
    async def story() -> None:
        async with client(entry, 2, most_untaken=10) as other:
            other.send(new_orders(30))
            while other.untaken <= 10:
                await asyncio.sleep(0.01)
            with pytest.raises(errors.ReportsUntaken):
                other.add_order(99, BID, 1, 1)
        async with client(entry) as mine:
            entry.end_all(SessionReason.SHUTDOWN)
            with pytest.raises(errors.SessionEnded, match="SHUTDOWN"):
                await listed(mine, None)
        async with client(entry, retries=2) as mine:
            await asyncio.to_thread(entry.close)
            with pytest.raises(errors.ConnectionLost, match="2 attempts"):
                await listed(mine, None)

    run(story)


def test_it_can_be_closed_while_it_connects_again(entry: OrderEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        connecting, goes_on = asyncio.Event(), asyncio.Event()

        async with client(entry) as mine:
            connect = mine._connect

            async def slow() -> socket.socket:
                connecting.set()
                await goes_on.wait()
                return await connect()

            monkeypatch.setattr(mine, "_connect", slow)
            entry.drop_connections()
            await connecting.wait()
            closing = asyncio.create_task(mine.close())
            await asyncio.sleep(0)
            goes_on.set()
            await closing
        with pytest.raises(errors.SessionEnded):
            mine.add_order(1, BID, 1, 1)

    run(story)
