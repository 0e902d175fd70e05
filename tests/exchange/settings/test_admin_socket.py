"""The file of the operator's socket."""

import os
import socket
import stat
from pathlib import Path

import pytest

from pricetime.exchange.settings.admin_socket import AdminSocket, connect
from pricetime.exchange.settings.errors import CannotStart


def test_other_users_cannot_connect(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = AdminSocket(tmp_path / "journal" / "admin.socket")
    finally:
        assert os.umask(before) == 0, "the mask of this process is as it was"
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.path.parent.stat().st_mode) == 0o700
    with connect(made.path) as client:
        made.listener.setblocking(True)
        server, _ = made.listener.accept()
        with server:
            client.sendall(b"x")
            assert server.recv(1) == b"x"
    made.close()
    assert not made.path.exists()


def test_a_path_may_be_longer_than_the_system_allows(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 200) / "admin.socket"
    made = AdminSocket(path)
    connect(path).close()
    made.close()


def test_what_a_server_left_that_was_killed_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "admin.socket"
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(path))
    with pytest.raises(ConnectionRefusedError):
        connect(path)
    made = AdminSocket(path)
    connect(path).close()
    made.close()


def test_the_socket_of_a_running_server_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "admin.socket"
    first = AdminSocket(path)
    with pytest.raises(CannotStart, match=r"a running server already uses .*admin.socket: stop that server"):
        AdminSocket(path)
    connect(path).close()
    path.unlink()
    second = AdminSocket(path)
    first.close()
    connect(path).close()
    second.close()


def test_a_file_that_is_no_socket_stays(tmp_path: Path) -> None:
    path = tmp_path / "admin.socket"
    path.write_text("mine")
    with pytest.raises(CannotStart, match=r"admin_socket: cannot create .*: Address already in use"):
        AdminSocket(path)
    assert path.read_text() == "mine"


def test_connecting_without_a_server_fails(tmp_path: Path) -> None:
    for path in (tmp_path / "admin.socket", tmp_path / "none" / "admin.socket"):
        with pytest.raises(FileNotFoundError) as error:
            connect(path)
        assert error.value.filename in {str(path), str(path.parent)}
