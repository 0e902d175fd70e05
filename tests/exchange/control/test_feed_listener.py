"""The listener hears a second publisher on the group and port of a feed, and not the feed's own datagrams."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from pricetime.exchange.control import control, feed_listener
from pricetime.exchange.control.feed_listener import FeedListener
from pricetime.exchange.io import sockets
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.settings.errors import CannotStart
from pricetime.load.server import free_udp_port
from tests.exchange.control.test_control import OPEN, Running
from tests.exchange.exchange import FakeExchange


def config_of(**settings: object) -> GatewayConfig:
    return GatewayConfig(**{"open": True, "feed_port": free_udp_port(), **settings})  # type: ignore[arg-type]


@contextmanager
def publishing(config: GatewayConfig) -> Iterator[socket.socket]:
    with sockets.feed(config) as made:
        yield made


@pytest.fixture(params=["filtered", "unfiltered"])
def config(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> GatewayConfig:
    """If the kernel takes no filter, the listener compares the senders of datagrams."""
    if request.param == "unfiltered":
        monkeypatch.setattr(feed_listener, "SO_ATTACH_FILTER", -1)
    return config_of(feed_listen_ms=1)


def until_heard(listener: FeedListener) -> list[tuple[str, int]]:
    for _ in range(1_000):
        if found := listener.others():
            return found
        threading.Event().wait(0.01)
    raise AssertionError("nothing was heard")


def test_others_are_heard_and_own_datagrams_are_not(config: GatewayConfig) -> None:
    with publishing(config) as own, publishing(config) as other, closing(FeedListener(config, own)) as listener:
        for _ in range(100):
            own.send(b"x" * 48)
        assert listener.others() == []
        assert listener.datagrams == 0
        for _ in range(3):
            other.send(b"x" * 48)
            own.send(b"x" * 48)
            assert until_heard(listener) == [other.getsockname()]
        assert listener.datagrams == 3


def test_a_start_beside_a_second_publisher_fails() -> None:
    config = config_of(feed_listen_ms=60_000)
    with publishing(config) as own, publishing(config) as other, closing(FeedListener(config, own)) as listener:
        own.send(b"x" * 48)
        other.send(b"x" * 48)
        with pytest.raises(CannotStart) as raised:
            listener.check()
        host, port = other.getsockname()
        assert str(raised.value) == (
            f"feed_group: {host}:{port} already sends to 239.255.77.1:{config.feed_port}: stop that exchange, or give "
            "a different feed_group or feed_port; --force starts anyway"
        )


def test_the_system_drops_own_datagrams_before_they_wake_anybody() -> None:
    config = config_of()
    with publishing(config) as own, closing(FeedListener(config, own)) as listener:
        for _ in range(1_000):
            own.send(b"x" * 48)
        with pytest.raises(BlockingIOError):
            listener._socket.recv(1)


def test_a_group_that_cannot_be_joined() -> None:
    config = config_of(feed_interface="192.0.2.77")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own, pytest.raises(CannotStart) as raised:
        FeedListener(config, own)
    assert str(raised.value).startswith("feed_listen_ms: cannot join 239.255.77.1:")
    assert str(raised.value).endswith("; or give 0")


def test_what_is_heard_later_is_logged_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "LISTEN_EVERY_S", 0.01)
    config = GatewayConfig(**OPEN, feed_port=free_udp_port(), feed_listen_ms=50)
    running = Running(config, FakeExchange())
    name = "second publisher on the feed's group: subscribers cannot trust the feed"
    try:
        listener = running.prepared.listener
        assert listener is not None
        with publishing(config) as other:
            while len(running.events.of(name)) < 2:
                running.prepared.feed.send(b"x" * 48)
                other.send(b"x" * 48)
                threading.Event().wait(0.01)
            host, port = other.getsockname()
            assert running.events.of(name)[0]["addresses"] == [f"{host}:{port}"]
            assert listener.datagrams > 1
    finally:
        running.end()


def test_nothing_is_heard_between_two_samples() -> None:
    config = config_of(feed_listen_ms=1)
    with publishing(config) as own, publishing(config) as other, closing(FeedListener(config, own)) as listener:
        listener.check()
        other.send(b"x" * 48)
        assert listener.others() == []
        listener.join()
        listener.join()
        other.send(b"x" * 48)
        assert until_heard(listener) == [other.getsockname()]
        other.send(b"x" * 48)
        listener.leave()
        listener.leave()
        assert listener.others() == []


def test_it_can_be_turned_off() -> None:
    running = Running(GatewayConfig(**OPEN, feed_port=free_udp_port(), feed_listen_ms=0), FakeExchange())
    assert running.prepared.listener is None
    assert running.end() == 0
