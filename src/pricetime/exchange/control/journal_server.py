"""Sends the files of the journal, byte for byte, to followers on other machines.

Only owners with ``follows = true`` in the secrets file may log in here, because the journal contains the owner of every
order. When too many connections wait for their login, a new one replaces the idlest. A connection that has logged in
stays until its owner's secret changes.

With ``durable``, only synced bytes are sent, so a copy is never ahead of the journal after a loss of power. The server
reads the files as the follower takes them and buffers nothing; a slow follower only falls behind.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ...log.backup import first_segment
from ...log.stream import FRAME_BYTES, MOST_BYTES, Piece, PieceKind, Request
from ...wire import auth
from ...wire.messages import Challenge, Login, LoginAccepted, LoginRejected
from ...wire.types import WIRE_VERSION, SessionReason
from ..settings.config import GatewayConfig
from ..settings.server_log import LimitedLog
from .acceptor import Acceptor, Client
from .places import Places
from .secrets import Secrets

if TYPE_CHECKING:
    from ..standby.journal import Journal

#: Maximum number of followers, and of connections that have not logged in.
MOST_COPIES = MOST_PENDING = 8

#: Interval of progress messages to a follower that is up to date, and of checks for new bytes, in seconds.
PROGRESS_S, POLL_S = 0.1, 0.005

#: The server closes a connection that takes no bytes for this long, in seconds.
STALLED_S = 30.0


class JournalServer(Acceptor):
    """Serves followers in the running event loop, from ``open`` to ``close``."""

    def __init__(
        self,
        listener: socket.socket,
        config: GatewayConfig,
        secrets: Secrets | None,
        journal: Journal,
        log: LimitedLog,
    ) -> None:
        super().__init__(listener, "cannot accept a journal connection", log, Places(MOST_PENDING))
        self._secrets = secrets
        self._config = config
        self._journal = journal
        self._directory = journal.directory
        self._extent = journal.extent
        self._following: dict[Client, int] = {}  # owner of each connection that has logged in; they have no place

    @property
    def secrets(self) -> Secrets | None:
        """Who may follow; None: every login is accepted.

        Setting new secrets closes the connections of owners whose secret was changed or removed.
        """
        return self._secrets

    @secrets.setter
    def secrets(self, secrets: Secrets | None) -> None:
        before, self._secrets = self._secrets, secrets
        if before is None or secrets is None:
            return
        for client, owner in list(self._following.items()):
            if secrets.follower(owner) != before.follower(owner):
                self._log.info("journal copy ended", owner=owner, error=SessionReason.CREDENTIALS_REVOKED.name)
                client.task.cancel()

    def __len__(self) -> int:
        return len(self._following)

    def _ended(self, client: Client) -> None:
        self._following.pop(client, None)

    async def _serve(self, client: Client) -> None:
        """Serve one connection until it ends."""
        if len(self._following) >= MOST_COPIES:
            return
        deadline = self._loop.time() + self._config.login_timeout_ms / 1000
        try:
            owner = await self._log_in(client, deadline)
            if owner is None:
                return
            request = Request.decode(await self._receive_all(client.socket, FRAME_BYTES, deadline))
            self._log.info("journal copy started", owner=owner, address=client.address, segment=request.segment)
            await self._send_journal(client.socket, request)
        except (TimeoutError, OSError, ValueError) as error:
            self._log.info("journal copy ended", address=client.address, error=str(error) or type(error).__name__)

    async def _log_in(self, client: Client, deadline: float) -> int | None:
        """Check the login. Returns the owner, or None if the login is rejected."""
        nonce = auth.make_nonce()
        timeout_ms = self._config.login_timeout_ms
        question = Challenge(version=WIRE_VERSION, open=self._secrets is None, login_timeout_ms=timeout_ms, nonce=nonce)
        await self._send(client.socket, question.encode())
        login = Login.decode(await self._receive_all(client.socket, Login.SIZE, deadline))
        reason = self._reject_reason(login, nonce)
        if reason:
            self.counts[f"rejected: {reason.name}"] += 1
            await self._send(client.socket, LoginRejected(reason=reason, owner=login.owner).encode())
            return None
        self._places.leave(client)
        self._following[client] = login.owner
        log = self._journal.log
        answer = LoginAccepted(level=log.level, owner=login.owner, next_sequence=1, oldest_sequence=1, term=log.term)
        await self._send(client.socket, answer.encode())
        return login.owner

    def _reject_reason(self, login: Login, nonce: bytes) -> SessionReason:
        if login.version != WIRE_VERSION or login.malformed or login.flags:
            return SessionReason.BAD_VERSION
        if self._secrets is not None and not auth.verify(self._secrets.follower(login.owner), nonce, login):
            return SessionReason.BAD_CREDENTIALS
        return SessionReason.TOO_MANY_CLIENTS if len(self._following) >= MOST_COPIES else SessionReason.NO_REASON

    # ------------------------------------------------------------------ pieces

    async def _send_journal(self, connection: socket.socket, request: Request) -> None:
        """Send everything from a position on, then what is appended, until the follower disconnects."""
        segment, offset, term = request
        if segment and self._directory.term_of(segment) not in {None, term}:
            await self._send(connection, self._piece(PieceKind.FORKED, 0, segment, offset, 0, self._extent()[0]))
            return
        if segment == 0:
            segment = await self._send_snapshot(connection)
        reported_at = 0.0
        while True:
            sequence, last, end = self._extent()
            path = self._directory.path_of(segment)
            most = end if segment == last else _size(path)
            if segment > last or most is None or offset > most:
                await self._send(connection, self._piece(PieceKind.GONE, 0, segment, offset, 0, sequence))
                return
            if offset < most:
                offset += await self._send_piece(connection, PieceKind.SEGMENT, segment, path, offset, most)
            elif segment < last:
                segment, offset = segment + 1, 0
            elif (now := self._loop.time()) - reported_at >= PROGRESS_S:
                await self._send(connection, self._piece(PieceKind.NOTHING, 0, segment, offset, 0, sequence))
                reported_at = now
            else:
                await asyncio.sleep(POLL_S)

    async def _send_snapshot(self, connection: socket.socket) -> int:
        """Send the newest snapshot. Returns the segment that continues it, or the first segment without a snapshot."""
        for sequence in self._directory.snapshots():
            path = self._directory.snapshot_path(sequence)
            first = first_segment(path)
            size, offset = path.stat().st_size, 0
            while offset < size:
                offset += await self._send_piece(connection, PieceKind.SNAPSHOT, sequence, path, offset, size)
            return first
        return min(self._directory.segments(), default=1)

    async def _send_piece(
        self, connection: socket.socket, kind: PieceKind, number: int, path: Path, offset: int, end: int
    ) -> int:
        """Send one piece of a file. Returns its size in bytes."""
        with path.open("rb") as file:
            data = os.pread(file.fileno(), min(MOST_BYTES, end - offset), offset)
            size = os.fstat(file.fileno()).st_size
        if not data:
            raise OSError(f"{path} ends at byte {offset}, expected {end} bytes")
        self.counts["bytes sent"] += len(data)
        head = self._piece(kind, len(data), number, offset, size, self._extent()[0])
        await self._send(connection, head + data)
        return len(data)

    def _piece(self, kind: PieceKind, n_bytes: int, number: int, offset: int, file_bytes: int, sequence: int) -> bytes:
        return Piece(kind, n_bytes, number, offset, file_bytes, sequence, time.time_ns()).encode()

    async def _send(self, connection: socket.socket, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[await self._send_some(connection, rest, self._loop.time() + STALLED_S) :]


def _size(path: Path) -> int | None:
    """Size of a file in bytes; None if it does not exist."""
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return None
