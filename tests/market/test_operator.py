"""Requests of the operator: what an exchange answers, and what happens without one."""

import json
import socket
import threading
from pathlib import Path

import pytest

from pricetime.market.operator import OperatorFailed, request


def answering(path: Path, answer: bytes) -> threading.Thread:
    """A server that answers one request."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        with listener, listener.accept()[0] as client:
            asked = json.loads(client.makefile("rb").readline())
            client.sendall(answer.replace(b"%", json.dumps(asked).encode()))

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def test_the_last_line_is_the_answer(tmp_path: Path) -> None:
    thread = answering(tmp_path / "a", b'{"row": 1}\n{"ok": true, "asked": %}\n')
    assert request(tmp_path / "a", "uncross", instrument=1)["asked"] == {"command": "uncross", "instrument": 1}
    thread.join()


@pytest.mark.parametrize(
    ("answer", "message"),
    [(b'{"error": "not now"}\n', "uncross: not now"), (b"", "uncross: the exchange closed the connection")],
)
def test_what_is_not_executed_is_an_error(tmp_path: Path, answer: bytes, message: str) -> None:
    thread = answering(tmp_path / "a", answer)
    with pytest.raises(OperatorFailed, match=message):
        request(tmp_path / "a", "uncross")
    thread.join()


def test_no_exchange(tmp_path: Path) -> None:
    with pytest.raises(OperatorFailed, match="uncross: No such file"):
        request(tmp_path / "a", "uncross")
