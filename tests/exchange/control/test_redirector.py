"""A node that does not lead rejects each login, and names the leader."""

import struct
from collections.abc import Iterator

import pytest

from pricetime.exchange.control.redirector import Leader, Redirector
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.settings.server_log import LimitedLog
from pricetime.wire.messages import Challenge, Login, LoginRejected
from pricetime.wire.types import WIRE_VERSION, SessionReason
from tests.exchange.loops import Events, Listener, LoopThread, connect, loop_thread, receive


class Node:
    """A redirector that runs. ``leader``: what it knows."""

    def __init__(self, running: LoopThread) -> None:
        self.leader = Leader("", 0)
        self.listener, self.events = Listener(), Events()
        self.redirector = running.call(
            lambda: Redirector(
                self.listener, GatewayConfig(login_timeout_ms=100), lambda: self.leader, LimitedLog(self.events.log)
            )
        )
        running.call(self.redirector.open)

    def answer(self, login: bytes) -> LoginRejected:
        """The answer to a login, after which the connection ends."""
        with connect(self.listener) as made:
            assert Challenge.decode(receive(made, Challenge.SIZE)).open == 0
            made.sendall(login)
            answer = LoginRejected.decode(receive(made, LoginRejected.SIZE))
            assert made.recv(1) == b""
            return answer


@pytest.fixture
def node() -> Iterator[Node]:
    with loop_thread() as running:
        made = Node(running)
        yield made
        running.wait(made.redirector.close())


def login(version: int = WIRE_VERSION) -> bytes:
    return Login(version=version, owner=7).encode()


@pytest.mark.parametrize("address", ["10.0.0.2:7001", "[::1]:7001", "n" * 59 + ":7001"])
def test_the_leader_is_named(node: Node, address: str) -> None:
    node.leader = Leader(address, 12)
    answer = node.answer(login())
    assert (answer.reason, answer.owner, answer.term) == (SessionReason.NOT_LEADER, 7, 12)
    assert answer.leader == address.encode().ljust(64, b"\0")
    assert node.redirector.counts["rejected: NOT_LEADER"] == 1


@pytest.mark.parametrize("address", ["", "n" * 70 + ":7001"])
def test_nothing_is_named_that_is_unknown_or_does_not_fit(node: Node, address: str) -> None:
    node.leader = Leader(address, 3)
    answer = node.answer(login())
    assert (answer.reason, answer.term, answer.leader) == (SessionReason.NOT_LEADER, 3, bytes(64))


def test_what_is_no_login_of_this_version(node: Node) -> None:
    node.leader = Leader("a:1", 3)
    assert node.answer(login(version=1)) == LoginRejected(reason=SessionReason.BAD_VERSION, owner=7)
    assert node.answer(b"").reason == SessionReason.LOGIN_TIMEOUT
    assert node.answer(struct.pack("B", 200)).reason == SessionReason.UNKNOWN_TYPE
    assert node.redirector.counts["admitted"] == 0
