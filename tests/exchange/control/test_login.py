import asyncio
import hashlib
import hmac
import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from pricetime.exchange.control import acceptor
from pricetime.exchange.control.login import LoginHandler
from pricetime.exchange.control.secrets import Owner, Secrets
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.settings.server_log import LimitedLog
from pricetime.wire.types import WIRE_VERSION, LoginFlag, SessionReason
from tests.exchange.descriptors import counts_as_linux_does, no_descriptor_left
from tests.exchange.loops import Events, Listener, LoopThread, connect, loop_thread, receive

SECRET = b"a secret that only owner 7 knows"
SECRETS = Secrets({7: Owner(7, "seven", SECRET)})
CHALLENGE_BYTES, LOGIN_BYTES, REJECTED_BYTES = 40, 48, 88


def login(nonce: bytes, owner: int = 7, flags: int = 0, sequence: int = 0, **wrong: Any) -> bytes:
    """A login, good but for what is said to be wrong; written from the schema, not by the code under test."""
    head = struct.pack(
        "<BBBBIQ",
        wrong.get("type", 33),
        wrong.get("version", WIRE_VERSION),
        flags,
        wrong.get("zero", 0),
        owner,
        sequence,
    )
    return head + hmac.digest(wrong.get("secret", SECRET), nonce + head, hashlib.sha256)


class LoginServer:
    """A login handler that runs, and whom it let in."""

    def __init__(self, running: LoopThread, secrets: Secrets | None, config: GatewayConfig) -> None:
        self.running = running
        self.until = running.until
        self.listener = Listener()
        self.admitted: list[tuple[int, int, int, int]] = []
        self.room = True
        self.blocked: set[int] = set()
        self.events = Events()
        self.login_handler = running.call(
            lambda: LoginHandler(
                self.listener, config, secrets, self.admit, LimitedLog(self.events.log, each_second=10**6), self.blocked
            )
        )
        running.call(self.login_handler.open)

    def admit(self, fd: int, owner: int, flags: int, next_sequence: int) -> bool:
        if self.room:
            self.admitted.append((fd, owner, flags, next_sequence))
        return self.room

    def pending(self) -> tuple[socket.socket, bytes]:
        """A connection, and the nonce of its challenge."""
        made = connect(self.listener)
        question = receive(made, CHALLENGE_BYTES)
        assert len(question) == CHALLENGE_BYTES
        return made, question[8:]

    def close(self) -> None:
        self.running.wait(self.login_handler.close())
        for fd, *_ in self.admitted:
            os.close(fd)


@contextmanager
def opened(secrets: Secrets | None = SECRETS, **settings: Any) -> Iterator[LoginServer]:
    with loop_thread() as running:
        server = LoginServer(running, secrets, GatewayConfig(**settings))
        try:
            yield server
        finally:
            server.close()


@pytest.fixture
def server() -> Iterator[LoginServer]:
    with opened() as made:
        yield made


def refusal(connection: socket.socket) -> tuple[SessionReason, int]:
    """Why, and to which owner it was said; then nothing more comes."""
    kind, reason, zero, owner, oldest, *leader = struct.unpack("<BBHIQII64s", receive(connection, REJECTED_BYTES))
    assert (kind, zero, oldest, leader) == (35, 0, 0, [0, 0, bytes(64)])
    assert connection.recv(1) == b""
    connection.close()
    return SessionReason(reason), owner


def test_a_good_login_is_handed_over_with_nothing_read_beyond_it(server: LoginServer) -> None:
    client, nonce = server.pending()
    with client:
        client.sendall(login(nonce, flags=LoginFlag.KEEP_ORDERS | LoginFlag.RESUME, sequence=41) + b"what follows")
        server.until(lambda: server.admitted)
        fd, owner, flags, sequence = server.admitted[0]
        assert (owner, flags, sequence) == (7, LoginFlag.KEEP_ORDERS | LoginFlag.RESUME, 41)
        with socket.socket(fileno=os.dup(fd)) as session:
            assert session.recv(100) == b"what follows"
            assert session.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert not os.get_blocking(fd)
            session.send(b"from the gateway")
        assert client.recv(100) == b"from the gateway"
    assert len(server.login_handler) == 0
    assert server.login_handler.counts["admitted"] == 1
    assert server.events.of("login")[0]["owner"] == 7


def test_the_challenge(server: LoginServer) -> None:
    with connect(server.listener) as client:
        assert struct.unpack("<BBBBI", receive(client, CHALLENGE_BYTES)[:8]) == (32, WIRE_VERSION, 0, 0, 2000)
    nonces = set()
    for _ in range(20):
        client, nonce = server.pending()
        client.close()
        nonces.add(nonce)
    assert len(nonces) == 20


def test_a_proof_is_good_for_one_connection(server: LoginServer) -> None:
    first, nonce = server.pending()
    second, _ = server.pending()
    first.close()
    second.sendall(login(nonce))
    assert refusal(second) == (SessionReason.BAD_CREDENTIALS, 7)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"owner": 8}, SessionReason.BAD_CREDENTIALS),
        ({"owner": 0}, SessionReason.BAD_CREDENTIALS),
        ({"owner": 2**32 - 1}, SessionReason.BAD_CREDENTIALS),
        ({"secret": b"different"}, SessionReason.BAD_CREDENTIALS),
        ({"version": 9}, SessionReason.BAD_VERSION),
        ({"zero": 1}, SessionReason.BAD_VERSION),
        ({"flags": 8}, SessionReason.BAD_VERSION),
        ({"type": 36}, SessionReason.OUT_OF_STATE),
        ({"type": 1}, SessionReason.OUT_OF_STATE),
        ({"type": 0}, SessionReason.UNKNOWN_TYPE),
        ({"type": 255}, SessionReason.UNKNOWN_TYPE),
    ],
)
def test_rejected_requests(server: LoginServer, wrong: dict[str, Any], reason: SessionReason) -> None:
    client, nonce = server.pending()
    client.sendall(login(nonce, **wrong))
    said, owner = refusal(client)
    assert said is reason
    if reason in {SessionReason.BAD_CREDENTIALS, SessionReason.BAD_VERSION}:
        assert owner == wrong.get("owner", 7)
    assert server.admitted == []
    assert server.events.of("login rejected")[0]["reason"] == reason.name
    client, nonce = server.pending()  # the next one is served as before
    client.sendall(login(nonce))
    server.until(lambda: server.admitted)
    client.close()


def test_every_byte_counts(server: LoginServer) -> None:
    """Those of the proof, and those that it proves."""
    for byte in range(1, LOGIN_BYTES):
        client, nonce = server.pending()
        changed = bytearray(login(nonce))
        changed[byte] ^= 1
        client.sendall(changed)
        reason, _ = refusal(client)
        assert reason is SessionReason.BAD_CREDENTIALS or (byte < 16 and reason is SessionReason.BAD_VERSION), byte


def waiting(connection: socket.socket) -> bytes:
    """What has arrived and is not read yet."""
    try:
        return connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return b""


def test_a_login_cut_at_every_byte(server: LoginServer) -> None:
    for cut in range(1, LOGIN_BYTES):
        client, nonce = server.pending()
        frame = login(nonce)
        client.sendall(frame[:cut])
        server.until(lambda: not waiting(server.listener.accepted[-1]))
        client.sendall(frame[cut:])
        server.until(lambda cut: len(server.admitted) == cut, cut)
        client.close()


def test_a_client_that_leaves_at_every_byte(server: LoginServer) -> None:
    for cut in range(LOGIN_BYTES):
        client, nonce = server.pending()
        client.sendall(login(nonce)[:cut])
        client.close()
    server.until(lambda: server.login_handler.counts["left"] == LOGIN_BYTES)
    assert len(server.login_handler) == 0
    assert server.admitted == []


def test_a_refusal_arrives_though_more_was_sent(server: LoginServer) -> None:
    client, nonce = server.pending()
    client.sendall(login(nonce, owner=9) + bytes(80))
    assert refusal(client) == (SessionReason.BAD_CREDENTIALS, 9)


def test_no_client_waits_for_ever() -> None:
    with opened(login_timeout_ms=50) as server:
        clients = [server.pending()[0] for _ in range(5)]
        clients[0].sendall(b"\x21")
        assert [refusal(client) for client in clients] == [(SessionReason.LOGIN_TIMEOUT, 0)] * 5
        late, _ = server.pending()  # a later connection has a timeout too
        assert refusal(late) == (SessionReason.LOGIN_TIMEOUT, 0)
        assert len(server.login_handler) == 0


def test_a_login_that_waits_in_the_socket_is_read_before_its_time_is_judged() -> None:
    """As after a pause of the process: the deadline has passed, and the login has come before it."""

    with opened(login_timeout_ms=50) as server:
        client, nonce = server.pending()

        def come_late() -> None:
            """In the loop, which reads nothing meanwhile."""
            client.sendall(login(nonce))
            time.sleep(0.06)

        with client:
            server.running.call(come_late)
            server.until(lambda: server.admitted)


def test_a_blocked_owner_is_rejected_after_a_valid_login(server: LoginServer) -> None:
    server.blocked.add(7)
    for secret, reason in ((SECRET, SessionReason.BY_OPERATOR), (b"different", SessionReason.BAD_CREDENTIALS)):
        client, nonce = server.pending()
        client.sendall(login(nonce, secret=secret))
        assert refusal(client) == (reason, 7)
    server.blocked.clear()
    client, nonce = server.pending()
    client.sendall(login(nonce))
    server.until(lambda: server.admitted)
    client.close()


def test_the_gateway_has_no_room(server: LoginServer) -> None:
    server.room = False
    client, nonce = server.pending()
    client.sendall(login(nonce))
    assert refusal(client) == (SessionReason.TOO_MANY_CLIENTS, 7)


def test_a_server_that_is_open_takes_any_owner() -> None:
    with opened(None) as server:
        with connect(server.listener) as client:
            assert receive(client, CHALLENGE_BYTES)[2] == 1
            client.sendall(login(b"", owner=65535))
            server.until(lambda: server.admitted)
        for owner in (0, 65536):
            other, _ = server.pending()
            other.sendall(login(b"", owner=owner))
            assert refusal(other) == (SessionReason.BAD_CREDENTIALS, owner)


def test_secrets_may_be_put_in_anew(server: LoginServer) -> None:
    client, nonce = server.pending()
    server.login_handler.secrets = Secrets({8: Owner(8, "", b"new")})
    client.sendall(login(nonce, owner=8, secret=b"new"))
    server.until(lambda: server.admitted)
    client.close()


def test_a_flood_pushes_out_its_own() -> None:
    """A client from a different address stays connected during a flood."""
    with opened(pending_logins=4) as server, ExitStack() as stack:
        honest = stack.enter_context(
            socket.create_connection(server.listener.getsockname(), source_address=("127.0.0.2", 0))
        )
        nonce = receive(honest, CHALLENGE_BYTES)[8:]
        for _ in range(50):
            stack.enter_context(server.pending()[0])
        honest.sendall(login(nonce))
        server.until(lambda: server.admitted)
        assert len(server.login_handler) <= 4


def test_closing_rejects_pending_connections(server: LoginServer) -> None:
    client, _ = server.pending()
    server.running.wait(server.login_handler.close())
    assert refusal(client) == (SessionReason.SHUTDOWN, 0)
    with pytest.raises(OSError):
        connect(server.listener)
    server.running.wait(server.login_handler.close())  # again does no harm


@counts_as_linux_does
def test_no_descriptor_is_left(server: LoginServer) -> None:
    """The one that waits longest makes room."""
    longest, _ = server.pending()
    with socket.socket() as client:
        with no_descriptor_left():
            client.connect(server.listener.getsockname())
            assert refusal(longest) == (SessionReason.TOO_MANY_CLIENTS, 0)
            nonce = receive(client, CHALLENGE_BYTES)[8:]
        client.sendall(login(nonce))
        server.until(lambda: server.admitted)


@counts_as_linux_does
def test_without_descriptors_and_pending_connections_accepting_pauses(
    server: LoginServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing spins meanwhile, and all goes on by itself."""
    monkeypatch.setattr(acceptor, "PAUSE_S", 0.001)
    with socket.socket() as client:
        with no_descriptor_left():
            client.connect(server.listener.getsockname())
            server.until(lambda: server.login_handler.counts["out of files"] >= 2)
        assert len(receive(client, CHALLENGE_BYTES)) == CHALLENGE_BYTES


def flood(server: LoginServer, connections: int) -> None:
    """Connections that never log in; meanwhile and afterwards an honest client is let in."""
    held, before = [], len(server.admitted)
    for number in range(connections):
        held.append(connect(server.listener))
        if number % (connections // 10) == 0:
            client, nonce = server.pending()
            client.sendall(login(nonce))
            held.append(client)
    server.until(lambda: len(server.admitted) == before + 10)
    assert len(server.login_handler) <= 256
    for connection in held:
        connection.close()


def test_a_flood_of_connections_that_never_log_in(server: LoginServer) -> None:
    flood(server, 1_000)
    server.until(lambda: len(server.login_handler) == 0)


def test_an_error_of_the_loop_is_none(server: LoginServer) -> None:
    """What goes wrong in a callback of the loop ends up in its handler, which is never called here."""
    wrong: list[dict[str, Any]] = []
    server.running.loop.set_exception_handler(lambda loop, context: wrong.append(context))
    for data in (b"", b"\x00", login(b"x"), bytes(200)):
        client, _ = server.pending()
        client.sendall(data)
        client.close()
    server.until(lambda: len(server.login_handler) == 0)
    asyncio.run_coroutine_threadsafe(asyncio.sleep(0), server.running.loop).result()
    assert wrong == []
