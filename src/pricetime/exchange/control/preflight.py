"""Checks before a server starts. They open all sockets, or raise an error of one line that says what is missing."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import NamedTuple

from ... import COMPILED
from ...address import text
from ...extras import require
from ...native import hlog
from ..io import sockets
from ..settings.admin_socket import AdminSocket
from ..settings.config import GatewayConfig
from ..settings.errors import CannotStart
from . import secrets
from .feed_listener import FeedListener
from .secrets import Secrets, SecretsError


class Preflight(NamedTuple):
    """The sockets and secrets of a server that may start. The caller closes them."""

    orders: socket.socket  #: listens for order entry clients
    recovery: socket.socket  #: listens for subscribers
    feed: socket.socket  #: connected to the multicast group
    listener: FeedListener | None  #: listens for a second publisher; None if feed_listen_ms is 0
    journal: socket.socket | None  #: listens for followers of the journal; None without journal_port
    metrics: socket.socket | None  #: listens for Prometheus; None without metrics_port
    page: socket.socket | None  #: listens for browsers; None without http_port
    admin: AdminSocket | None  #: listens for the operator; None without a journal and admin_socket
    secrets: Secrets | None  #: owners that may log in; None: every login is accepted
    files_missing: int  #: file descriptors that the maximum number of clients needs beyond the system's limit
    opened: ExitStack  #: closes them all

    def places(self, config: GatewayConfig) -> Iterator[tuple[str, str]]:
        """Name, and address or URL, of everything that listens, for people."""
        yield "orders", text(self.orders.getsockname())
        yield "recovery", text(self.recovery.getsockname())
        yield "feed", f"{config.feed_group}:{config.feed_port} by {config.feed_interface}"
        if self.journal is not None:
            yield "journal", text(self.journal.getsockname())
        if self.metrics is not None:
            yield "metrics", f"http://{text(self.metrics.getsockname())}/metrics"
        if self.page is not None:
            yield "live page", f"http://{text(self.page.getsockname())}/"

    def close(self) -> None:
        self.opened.close()


def preflight(config: GatewayConfig) -> Preflight:
    """Run all checks and open the sockets. Raises CannotStart and MissingExtra, after closing what it has opened."""
    check_form(compiled=COMPILED)
    check_processors(config)
    check_latency_log(config)
    owners = read_secrets(config)
    check_page(config, owners)
    if config.metrics_port is not None:
        require("prometheus_client", "metrics", "metrics_port")
    with ExitStack() as opened:

        def listen(setting: str, host_setting: str = "host") -> socket.socket:
            where = getattr(config, host_setting), getattr(config, setting)
            return opened.enter_context(sockets.listen(*where, setting, host_setting))

        def listen_if_set(setting: str, host_setting: str = "host") -> socket.socket | None:
            return None if getattr(config, setting) is None else listen(setting, host_setting)

        orders, recovery = listen("port"), listen("recovery_port")
        feed = opened.enter_context(sockets.feed(config))
        listener = opened.enter_context(closing(FeedListener(config, feed))) if config.feed_listen_ms else None
        journal = listen_if_set("journal_port")
        metrics, page = listen_if_set("metrics_port", "metrics_host"), listen_if_set("http_port", "http_host")
        admin = opened.enter_context(closing(AdminSocket(config.admin_path))) if config.admin_path else None
        files_missing = sockets.raise_file_limit(config)
        kept = opened.pop_all()
    return Preflight(orders, recovery, feed, listener, journal, metrics, page, admin, owners, files_missing, kept)


def check_page(config: GatewayConfig, owners: Secrets | None) -> None:
    """Check the packages of the live page, and that its sandbox owner may trade.

    Raises CannotStart and MissingExtra.
    """
    if config.http_port is None:
        return
    for package in ("starlette", "uvicorn", "websockets"):
        require(package, "web", "http_port")
    if owners is not None and config.http_owner is not None and owners.trader(config.http_owner) is None:
        raise CannotStart(
            f"http_owner: {config.secrets_file} has no owner {config.http_owner} that may trade: `pricetime secret "
            f"{config.http_owner}` adds it; use this owner only for the sandbox"
        )


def check_form(*, compiled: bool) -> None:
    """The server needs Linux and the compiled form. Raises CannotStart."""
    if sys.platform != "linux":
        raise CannotStart("the server runs only on Linux: use a Linux container or a virtual machine")
    if not compiled:
        raise CannotStart(
            "the server needs the compiled form: unset PRICETIME_PURE; if it is not set, install a wheel or a C "
            "compiler and install pricetime again"
        )


def check_processors(config: GatewayConfig) -> None:
    """This process may use every processor in ``gateway_cpus``. Raises CannotStart."""
    allowed = os.sched_getaffinity(0)
    if not_allowed := set(config.gateway_cpus) - allowed:
        raise CannotStart(
            f"gateway_cpus: this process may not use processor {min(not_allowed)}: give processors from "
            f"{sorted(allowed)}"
        )


def check_latency_log(config: GatewayConfig) -> None:
    """The file ``latency_log`` can be written when the server stops, as far as that is known now.

    Raises CannotStart.
    """
    path = config.latency_log
    if path is None:
        return
    hlog.package("codec")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise CannotStart(
            f"latency_log: {path.parent} is not a writable directory: create it, or give a different path"
        )
    if path.is_dir():
        raise CannotStart(f"latency_log: {path} is a directory: give a file, such as {path / 'server.hlog'}")


def read_secrets(config: GatewayConfig) -> Secrets | None:
    """The owners that may log in; None if every login is accepted. Raises CannotStart."""
    if config.open:
        return None
    if config.secrets_file is None:
        raise CannotStart(
            "secrets_file: without it no client could log in: give a file that `pricetime secret` wrote, or --open on "
            "a loopback address"
        )
    try:
        found = secrets.read(config.secrets_file)
    except SecretsError as error:
        raise CannotStart(str(error)) from error
    if not len(found):
        raise CannotStart(f"secrets_file: {config.secrets_file} contains no owner: `pricetime secret` adds one")
    return found
