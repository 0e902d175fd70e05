"""A server that was stopped for a while blames none of its clients, who spoke all the time."""

import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
pytest.importorskip("structlog", reason="needs the server's packages: pip install '.[server]'")

from pricetime.wire.messages import Challenge, Heartbeat, Logout
from pricetime.wire.session import Role, Session
from tests.cli.served import served
from tests.counts import count
from tests.exchange.loops import receive

pytestmark = pytest.mark.compiled

CLIENTS = 64
HEARTBEAT = Heartbeat(next_sequence=1).encode()


def logged_in(address: tuple[str, int], owner: int) -> socket.socket:
    made = socket.create_connection(address, 30)
    session = Session(Role.CLIENT, 0)
    session.receive(receive(made, Challenge.SIZE), 0)
    made.sendall(session.login(owner, b"", 0))
    return made


def speak(clients: list[socket.socket], ended: threading.Event) -> None:
    while not ended.wait(0.1):
        for client in clients:
            client.sendall(HEARTBEAT)


@pytest.mark.slow
@pytest.mark.parametrize("journal", [True, False][: count(1, 2)])
def test_a_suspended_server_times_out_no_client(tmp_path: Path, journal: bool) -> None:
    settings = ["--open", "--timeout-ms", "2000", "--heartbeat-ms", "500"]
    if journal:
        settings += ["--journal", str(tmp_path / "journal"), "--acknowledge", "durable"]
    with served(*settings) as server:
        clients = [logged_in((server.host, server.port), owner) for owner in range(1, CLIENTS + 1)]
        ended = threading.Event()
        speaker = threading.Thread(target=speak, args=(clients, ended))
        speaker.start()
        try:
            for client in clients:
                assert receive(client, 1)  # of its LoginAccepted
            os.kill(server.process.pid, signal.SIGSTOP)
            time.sleep(2.5)
            os.kill(server.process.pid, signal.SIGCONT)
            time.sleep(0.5)
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
            ended.set()
            speaker.join()
        assert [event for event in server.events if event["event"] == "session ended"] == []
        for client in clients:
            client.sendall(Logout(reason=1, next_sequence=1).encode())
            while client.recv(1 << 16):
                pass
            client.close()
    ends = [event["reason"] for event in server.events if event["event"] == "session ended"]
    assert set(ends) <= {"CLIENT_LOGOUT"}
