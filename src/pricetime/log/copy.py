"""Copies a journal from a second machine, byte for byte, into a directory here, while it is written.

The copy only writes the received bytes to their files. A ``Reader`` on the directory verifies the records, and a server
may be started from it when the copy has ended.
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
from .batch import Position
from .directory import Directory
from .errors import JournalError
from .stream import FRAME_BYTES, Piece, PieceKind, Request


class CopyRefused(JournalError, ConnectionError):
    """The server refused the journal, or does not have it from where this copy ends. The message says what to do."""


class JournalCopy:
    """A connection to the journal at ``address``, and the directory that it is copied to. A context manager.

    ``position``: where the records in the directory end; None if there are none. Raises CopyRefused and OSError.
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
        self.sequence = 0  #: of the last command in the journal
        self.heard_ns = 0  #: ns, when the other machine sent that, by its clock
        self.clock_ns = 0  #: ns, when it arrived, by the clock here
        self._directory = directory
        self._file: tuple[PieceKind, int] | None = None  # the open file
        self._fd = -1
        self._socket = socket.create_connection(address, timeout_s)
        try:
            self._log_in(owner, secret)
            request = Request(0)
            if position:
                request = Request(position.segment, position.offset, directory.term_of(position.segment) or 0)
            self._socket.sendall(request.encode())
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> JournalCopy:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. What was received is in the files, synced."""
        self._socket.close()
        self._close_file()

    def _log_in(self, owner: int, secret: bytes) -> None:
        question = self._receive_message()
        if not isinstance(question, Challenge) or question.version != WIRE_VERSION:
            raise CopyRefused(
                f"this server does not send a journal of version {WIRE_VERSION}: give the address of --journal-port"
            )
        login = Login(version=WIRE_VERSION, owner=owner)
        self._socket.sendall(auth.prove(secret, question.nonce, login).encode())
        answer = self._receive_message()
        if isinstance(answer, LoginRejected):
            reason = SessionReason(answer.reason).name
            raise CopyRefused(
                f"owner {owner} may not follow this journal ({reason}): `pricetime secret {owner} --follows` "
                "makes the entry that both ends need"
            )
        if not isinstance(answer, LoginAccepted):
            raise CopyRefused("the server did not answer the login: is this the address of --journal-port?")

    def _receive_message(self) -> Challenge | LoginAccepted | LoginRejected:
        kinds = {kind.TYPE: kind for kind in (Challenge, LoginAccepted, LoginRejected)}
        first = self._receive(1)
        if first[0] not in kinds:
            raise CopyRefused(f"message {first[0]} is not part of this protocol: give the address of --journal-port")
        return kinds[MessageType(first[0])].decode(first + self._receive(SIZES[first[0]] - 1))

    def _receive(self, count: int) -> bytes:
        got = bytearray()
        while len(got) < count:
            more = self._socket.recv(count - len(got))
            if not more:
                raise ConnectionResetError("the server closed the connection")
            got += more
        return bytes(got)

    # ------------------------------------------------------------------ pieces

    def receive(self) -> bool:
        """Wait for the next piece and write it. Returns False if it only said that nothing is new.

        Raises TimeoutError if nothing came, CopyRefused if this copy cannot continue, and OSError.
        """
        piece = Piece.decode(self._receive(FRAME_BYTES))
        self.sequence, self.heard_ns, self.clock_ns = piece.sequence, piece.timestamp, time.time_ns()
        if piece.kind is PieceKind.GONE:
            raise CopyRefused(
                f"segment {piece.number} from byte {piece.offset} on does not exist (any more): "
                "begin again with an empty directory"
            )
        if piece.kind is PieceKind.FORKED:
            raise CopyRefused(
                f"segment {piece.number} was written by a different process there than here: this copy is a fork of "
                "the journal, so begin again with an empty directory"
            )
        if piece.kind is PieceKind.NOTHING:
            return False
        self._write(piece, self._receive(piece.n_bytes))
        return True

    def has_more(self) -> bool:
        """Return whether a piece, or a part of one, is waiting."""
        waiting = select.poll()  # select() takes no descriptor above 1,023
        waiting.register(self._socket, select.POLLIN)
        return bool(waiting.poll(0))

    def _write(self, piece: Piece, data: bytes) -> None:
        """Write a piece. A snapshot gets its name when it is complete, so that no reader takes a part for the whole."""
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
        """Open a file that an earlier copy may have begun. An incomplete snapshot begins again."""
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
