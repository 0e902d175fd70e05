"""The Unix socket of ``pricetime admin``: only the user that runs the server, and root, may connect to it."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ...native.disk import Disk
from .errors import CannotStart

#: Permissions that the socket's file does not get: all except read and write for its user.
FORBIDDEN = 0o177


def beside(journal: Path) -> Path:
    """Default path of the socket of a server with this journal.

    The socket is beside the directory, not in it, so that the directory can be copied file by file.
    """
    return journal.with_name(f"{journal.name}.admin")


class AdminSocket:
    """Listens at ``path`` until ``close``, which removes the file. Creates the directory if it is missing.

    Replaces the file that a killed server left behind. Raises CannotStart.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with ExitStack() as on_error:
                self.listener = on_error.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
                Disk().make_folder(path.parent)
                with _short(path) as short:
                    if path.is_socket():
                        self._remove_old(short)
                    before = os.umask(FORBIDDEN)
                    try:
                        self.listener.bind(short)
                    finally:
                        os.umask(before)
                self._identity = _identity(path)
                self.listener.listen()
                self.listener.setblocking(False)
                on_error.pop_all()
        except OSError as error:
            raise CannotStart(
                f"admin_socket: cannot create {path}: {error.strerror}: give a path where this user may write"
            ) from error

    def _remove_old(self, short: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
            try:
                other.connect(short)
            except ConnectionRefusedError:
                self.path.unlink()
            else:
                raise CannotStart(
                    f"admin_socket: a running server already uses {self.path}: stop that server, or give this one a "
                    "different journal or admin_socket"
                )

    def close(self) -> None:
        """Stop listening and remove the file, unless a newer server has replaced it."""
        self.listener.close()
        with suppress(OSError):
            if _identity(self.path) == self._identity:
                self.path.unlink()


def connect(path: Path) -> socket.socket:
    """Connect to the server that listens at ``path``. Raises OSError with the path as its filename."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short(path) as short:
            made.connect(short)
    except OSError as error:
        made.close()
        raise type(error)(error.errno or errno.EIO, error.strerror, str(path)) from error
    return made


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A short alias of a path, because the path of a Unix socket has at most 107 bytes."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
