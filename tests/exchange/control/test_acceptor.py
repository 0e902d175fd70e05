"""Connections come in and are closed, whatever becomes of their tasks and whatever goes wrong in accepting them."""

import asyncio
import errno
import socket
from collections.abc import Iterator

import pytest

from pricetime.exchange.control import acceptor as module
from pricetime.exchange.control.acceptor import Acceptor
from pricetime.exchange.settings.server_log import LimitedLog
from tests.exchange.descriptors import counts_as_linux_does, no_descriptor_left
from tests.exchange.loops import PATIENCE_S, Events, Listener, LoopThread, close_after, connect, loop_thread, receive

EVENT = "nothing can be accepted"


class Echo(Acceptor):
    """Sends the first byte of a connection back, and says when its task is over."""

    def __init__(self, listener: Listener, log: LimitedLog) -> None:
        super().__init__(listener, EVENT, log)
        self.places = 10
        self.addresses: list[str] = []
        self.begun = 0

    def _start_task(self, connection: socket.socket, address: str) -> asyncio.Task[None] | None:
        self.addresses.append(address)
        if len(self) >= self.places:
            return None
        task = self._loop.create_task(self._serve(connection))
        task.add_done_callback(lambda _: connection.send(b"!"))
        return task

    async def _serve(self, connection: socket.socket) -> None:
        self.begun += 1
        await self._loop.sock_sendall(connection, await self._loop.sock_recv(connection, 1))


class Running:
    """An acceptor that runs. Its log has one second for ever."""

    def __init__(self, loop: LoopThread) -> None:
        self.loop = loop
        self.until = loop.until
        self.listener = Listener()
        self.events = Events()
        self.acceptor = loop.call(Echo, self.listener, LimitedLog(self.events.log, clock=lambda: 0.0))
        loop.call(self.acceptor.open)

    def serves(self) -> bool:
        with connect(self.listener) as client:
            client.sendall(b"x")
            return receive(client, 3) == b"x!"


@pytest.fixture
def here() -> Iterator[Running]:
    with loop_thread() as loop:
        made = Running(loop)
        wrong: list[object] = []  # what goes wrong in a callback of the loop ends up in its handler
        loop.loop.set_exception_handler(lambda _, context: wrong.append(context))
        yield made
        loop.wait(made.acceptor.close())
        assert wrong == []
        assert all(connection.fileno() < 0 for connection in made.listener.accepted)


def test_a_connection_is_closed_when_its_task_and_what_follows_it_are_over(here: Running) -> None:
    assert here.serves()
    assert here.acceptor.addresses == ["127.0.0.1"]
    here.until(lambda: len(here.acceptor) == 0)


def test_one_without_a_place_is_closed_at_once(here: Running) -> None:
    here.acceptor.places = 1
    with connect(here.listener) as first, connect(here.listener) as second:
        assert receive(second, 1) == b""
        first.sendall(b"x")
        assert receive(first, 3) == b"x!"
    here.until(lambda: len(here.acceptor) == 0)
    assert here.serves()


@pytest.mark.parametrize(("iterations", "accepted", "begun"), [(0, 0, 0), (1, 0, 0), (2, 1, 0), (3, 1, 1), (4, 1, 1)])
def test_closing_closes_one_that_has_just_come(here: Running, iterations: int, accepted: int, begun: int) -> None:
    """A task that is cancelled before it ran at all closes nothing itself."""
    here.loop.wait(close_after(iterations, here.acceptor, here.listener))
    assert (len(here.listener.accepted), here.acceptor.begun) == (accepted, begun)


def test_one_that_was_gone_before_it_was_accepted_is_passed_over(
    here: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSE_S", 3600)
    here.listener.errors = [OSError(errno.ECONNABORTED, "gone"), BlockingIOError()] * 50
    assert here.serves()
    assert here.events.all() == []


def test_what_goes_wrong_is_said_seldom_and_tried_again(here: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_S", 0)
    here.listener.errors = [OSError(errno.ENFILE, "Too many open files in system")] * 100
    assert here.serves()
    assert [event["error"] for event in here.events.of(EVENT)] == ["Too many open files in system"] * 5


@counts_as_linux_does
def test_no_descriptor_is_left(here: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing spins meanwhile, and all goes on by itself."""
    monkeypatch.setattr(module, "PAUSE_S", 0.001)
    with socket.socket() as client:
        client.settimeout(PATIENCE_S)
        with no_descriptor_left():
            client.connect(here.listener.getsockname())
            here.until(lambda: len(here.events.of(EVENT)) >= 2)
        client.sendall(b"x")
        assert receive(client, 3) == b"x!"


def test_closing_in_a_pause(here: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_S", 0)
    here.listener.errors = [OSError(errno.EMFILE, "Too many open files")] * 1000

    async def close() -> None:
        with connect(here.listener):
            while not here.events.of(EVENT):
                await asyncio.sleep(0)
            await here.acceptor.close()
            await asyncio.sleep(0.001)

    here.loop.wait(close())
    with pytest.raises(OSError):
        connect(here.listener)
    here.loop.wait(here.acceptor.close())  # again does no harm


def test_a_flood_does_not_block_the_event_loop(here: Running) -> None:
    async def most_at_a_time() -> int:
        clients, most = [connect(here.listener) for _ in range(100)], 0
        while len(here.acceptor.addresses) < 100:
            before = len(here.acceptor.addresses)
            await asyncio.sleep(0)
            most = max(most, len(here.acceptor.addresses) - before)
        for client in clients:
            client.close()
        return most

    assert here.loop.wait(most_at_a_time()) == 1
