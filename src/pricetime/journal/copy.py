"""A copy of a journal that another machine writes: its files, byte for byte, in a directory here.

What comes is written where it belongs and nothing else is done with it: a ``Reader`` on the directory verifies every
record, and a server may be started from it once this has ended.
"""

from __future__ import annotations

import select
import socket
import time
from pathlib import Path
from types import TracebackType

from ..wire import auth
from ..wire.messages import SIZES, Challenge, Login, LoginAccepted, LoginRejected
from ..wire.types import WIRE_VERSION, MessageType, SessionReason
from .directory import Directory
from .errors import JournalError
from .position import Position
from .stream import FRAME_BYTES, Piece, PieceKind, Request


class CopyRefused(JournalError, ConnectionError):
    """The journal cannot be had, or not from where this copy ends. The message says what to do."""


class JournalCopy:
    """A connection to the journal of ``address``, and the directory that it goes to. A context manager.

    ``position``: where the directory's own records end; None when it has none. Raises CopyRefused and OSError.
    """

    def __init__(
        self,
        address: tuple[str, int],
        owner: int,
        secret: bytes,
        directory: Directory,
        position: Position | None,
        timeout_s: float = 5.0,
    ) -> None:
        self.sequence = 0  #: of the last command that the journal has there
        self.heard_ns = 0  #: when that was said, by the clock there
        self.clock_ns = 0  #: and by the clock here
        self._directory = directory
        self._file: tuple[PieceKind, int] | None = None  # that is open
        self._fd = -1
        self._socket = socket.create_connection(address, timeout_s)
        try:
            self._log_in(owner, secret)
            request = Request(position.segment, position.offset) if position else Request(0)
            self._socket.sendall(request.encode())
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> JournalCopy:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the connection. What came is in the files, synced."""
        self._socket.close()
        self._close_file()

    def _log_in(self, owner: int, secret: bytes) -> None:
        question = self._receive_message()
        if not isinstance(question, Challenge) or question.version != WIRE_VERSION:
            raise CopyRefused(f"this is no journal of version {WIRE_VERSION}: give the address of --journal-port")
        login = Login(version=WIRE_VERSION, owner=owner)
        self._socket.sendall(auth.prove(secret, question.nonce, login).encode())
        answer = self._receive_message()
        if isinstance(answer, LoginRejected):
            reason = SessionReason(answer.reason).name
            raise CopyRefused(
                f"owner {owner} may not follow this journal ({reason}): `pricetime secret {owner} --follows` "
                "makes an entry, which both ends need"
            )
        if not isinstance(answer, LoginAccepted):
            raise CopyRefused("the login was not answered: is this the address of --journal-port?")

    def _receive_message(self) -> Challenge | LoginAccepted | LoginRejected:
        kinds = {kind.TYPE: kind for kind in (Challenge, LoginAccepted, LoginRejected)}
        first = self._receive(1)
        if first[0] not in kinds:
            raise CopyRefused(f"message {first[0]} is not of this protocol: give the address of --journal-port")
        return kinds[MessageType(first[0])].decode(first + self._receive(SIZES[first[0]] - 1))

    def _receive(self, count: int) -> bytes:
        got = bytearray()
        while len(got) < count:
            more = self._socket.recv(count - len(got))
            if not more:
                raise ConnectionResetError("the journal's server has closed the connection")
            got += more
        return bytes(got)

    # ------------------------------------------------------------------ pieces

    def receive(self) -> bool:
        """Wait for the next piece and put it where it belongs. False when it only said that nothing is new.

        Raises TimeoutError when nothing came at all, CopyRefused when this copy cannot go on, and OSError.
        """
        piece = Piece.decode(self._receive(FRAME_BYTES))
        self.sequence, self.heard_ns, self.clock_ns = piece.sequence, piece.timestamp, time.time_ns()
        if piece.kind is PieceKind.GONE:
            raise CopyRefused(
                f"segment {piece.number} from byte {piece.offset} on is not there any more, or never was: "
                "begin again with an empty directory"
            )
        if piece.kind is PieceKind.NOTHING:
            return False
        self._write(piece, self._receive(piece.n_bytes))
        return True

    def has_more(self) -> bool:
        """Has something come that was not taken yet?"""
        waiting = select.poll()  # select() takes no descriptor above 1,023
        waiting.register(self._socket, select.POLLIN)
        return bool(waiting.poll(0))

    def _write(self, piece: Piece, data: bytes) -> None:
        """A snapshot gets its name when it is whole: nobody takes a part of it for one."""
        disk, directory = self._directory.disk, self._directory
        final = directory.path_of(piece.number)
        path = final
        if piece.kind is PieceKind.SNAPSHOT:
            final = directory.snapshot_path(piece.number)
            path = final.with_suffix(".temporary")
        if self._file != (piece.kind, piece.number):
            self._close_file()
            self._fd = self._open(path, piece.file_bytes if piece.kind is PieceKind.SEGMENT else 0)
            self._file = piece.kind, piece.number
        disk.write(self._fd, data, piece.offset)
        if piece.kind is PieceKind.SNAPSHOT and piece.offset + len(data) == piece.file_bytes:
            self._close_file()
            disk.rename(path, final)
            disk.sync_folder(directory.path)

    def _open(self, path: Path, n_bytes: int) -> int:
        """A file that a copy before this one may have begun. What is left of a snapshot begins anew."""
        disk = self._directory.disk
        if path.name in disk.names(self._directory.path):
            if n_bytes:
                return disk.open(path)
            disk.unlink(path)
        return disk.create(path, n_bytes)

    def _close_file(self) -> None:
        if self._file is not None:
            self._directory.disk.sync(self._fd)
            self._directory.disk.close(self._fd)
            self._file = None
