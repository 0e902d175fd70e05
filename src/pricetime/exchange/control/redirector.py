"""Answers logins at a node of a cluster that does not lead: the rejection names the order entry of the leader.

A login is read and rejected as ``LoginHandler`` does it, but its proof is not checked: the leader checks it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import NamedTuple

from ...wire.messages import Login, LoginRejected
from ...wire.types import ADDRESS_BYTES, SessionReason
from ..settings.config import GatewayConfig
from ..settings.server_log import LimitedLog
from .acceptor import Client
from .login import LoginHandler, is_known
from .secrets import Secrets


class Leader(NamedTuple):
    """Who leads, as a node knows it."""

    address: str  #: of its order entry as ``HOST:PORT``, at most 64 bytes; "" if it is unknown
    term: int  #: the highest term that the node knows, 0 for none


class Redirector(LoginHandler):
    """Runs in the event loop, from ``open`` to ``close``, on the port for orders. ``leader``: returns who leads now."""

    def __init__(
        self, listener: socket.socket, config: GatewayConfig, leader: Callable[[], Leader], log: LimitedLog
    ) -> None:
        super().__init__(listener, config, Secrets(), _admit_none, log)
        self._leader = leader

    def _check_login(self, client: Client, login: Login, nonce: bytes) -> None:  # noqa: ARG002 - see the module
        client.owner = login.owner
        client.reason = SessionReason.NOT_LEADER if is_known(login) else SessionReason.BAD_VERSION

    def _rejection(self, client: Client) -> LoginRejected:
        if client.reason is not SessionReason.NOT_LEADER:
            return super()._rejection(client)
        leader = self._leader()
        address = leader.address.encode()
        return LoginRejected(
            reason=client.reason,
            owner=client.owner,
            term=leader.term,
            leader=address if len(address) <= ADDRESS_BYTES else b"",
        )


def _admit_none(_fd: int, _owner: int, _flags: int, _next_sequence: int) -> bool:
    return False
