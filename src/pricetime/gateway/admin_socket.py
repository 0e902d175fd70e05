"""The file of the operator's socket: only the user that runs the server, and root, may connect to it."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..native.disk import Disk
from .errors import CannotStart

#: Every permission but those of the file's own user to read and write.
FORBIDDEN = 0o177


def beside(journal: Path) -> Path:
    """Where the socket of a server with this journal is: not in its folder, which can then be copied file by file."""
    return journal.with_name(f"{journal.name}.admin")


class AdminSocket:
    """Listens at ``path`` until ``close``, which removes the file. The folder is made if it is not there.

    A file that a server left that was killed is replaced. Raises CannotStart.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
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
        except OSError as error:
            self.listener.close()
            raise CannotStart(
                f"admin_socket: {path} cannot be made: {error.strerror}: give a path where this user may write"
            ) from error
        except CannotStart:
            self.listener.close()
            raise

    def _remove_old(self, short: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
            try:
                other.connect(short)
            except ConnectionRefusedError:
                self.path.unlink()
            else:
                raise CannotStart(
                    f"admin_socket: {self.path} is in use by another process: stop that server, or give this one a "
                    "journal or a path of its own"
                )

    def close(self) -> None:
        """Listen no more. A file that is another server's by now stays."""
        self.listener.close()
        with suppress(OSError):
            if _identity(self.path) == self._identity:
                self.path.unlink()


def connect(path: Path) -> socket.socket:
    """A connection to the server that listens at a path. Raises OSError, with the path as its filename."""
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
    """Another name for a path: that of a socket may have 107 bytes at most."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
