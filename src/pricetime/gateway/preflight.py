"""What a server must have before it starts: all of it is had, or one line says what is missing."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import NamedTuple

from .. import COMPILED
from ..address import text
from ..extras import require
from ..measure import hlog
from . import secrets, sockets
from .admin_socket import AdminSocket
from .config import GatewayConfig
from .errors import CannotStart
from .feed_listener import FeedListener
from .secrets import Secrets, SecretsError


class Preflight(NamedTuple):
    """What was had. Whoever took it closes it."""

    orders: socket.socket  #: listens for clients
    recovery: socket.socket  #: listens for subscribers
    feed: socket.socket  #: connected to the multicast group
    listener: FeedListener | None  #: hears other publishers there; None: nothing listens
    journal: socket.socket | None  #: listens for those who follow the journal; None: nobody may
    metrics: socket.socket | None  #: listens for Prometheus; None: there are no metrics
    page: socket.socket | None  #: listens for browsers; None: there is no page
    admin: AdminSocket | None  #: listens for the operator; None: there is no socket for that
    secrets: Secrets | None  #: None: any login is taken
    files_missing: int  #: descriptors that the system does not allow, of those that full use would need

    def places(self, config: GatewayConfig) -> Iterator[tuple[str, str]]:
        """What listens where, for people: a name, and an address or a URL."""
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
        made_here = (
            self.orders,
            self.recovery,
            self.feed,
            self.listener,
            self.journal,
            self.metrics,
            self.page,
            self.admin,
        )
        for made in made_here:
            if made is not None:
                made.close()


def preflight(config: GatewayConfig) -> Preflight:
    """Check what can be checked, and open the sockets. Raises CannotStart and MissingExtra; nothing is open then."""
    check_form(compiled=COMPILED)
    check_processors(config)
    check_latency_log(config)
    owners = read_secrets(config)
    check_page(config, owners)
    with ExitStack() as opened:
        orders = opened.enter_context(sockets.listen(config.host, config.port, "port"))
        recovery = opened.enter_context(sockets.listen(config.host, config.recovery_port, "recovery_port"))
        feed = opened.enter_context(sockets.feed(config))
        listener = None
        if config.feed_listen_ms:
            listener = opened.enter_context(closing(FeedListener(config, feed)))
        journal = None
        if config.journal_port is not None:
            journal = opened.enter_context(sockets.listen(config.host, config.journal_port, "journal_port"))
        metrics = None
        if config.metrics_port is not None:
            require("prometheus_client", "metrics", "metrics_port")
            where = config.metrics_host, config.metrics_port
            metrics = opened.enter_context(sockets.listen(*where, "metrics_port", "metrics_host"))
        page = None
        if config.http_port is not None:
            page = opened.enter_context(sockets.listen(config.http_host, config.http_port, "http_port", "http_host"))
        admin = None if config.admin_path is None else AdminSocket(config.admin_path)
        opened.pop_all()
    files_missing = sockets.raise_file_limit(config)
    return Preflight(orders, recovery, feed, listener, journal, metrics, page, admin, owners, files_missing)


def check_page(config: GatewayConfig, owners: Secrets | None) -> None:
    """The live page has its packages, and its sandbox an owner who may trade. Raises CannotStart and MissingExtra."""
    if config.http_port is None:
        return
    for package in ("starlette", "uvicorn", "websockets"):
        require(package, "web", "http_port")
    if owners is not None and config.http_owner is not None and owners.get(config.http_owner) is None:
        raise CannotStart(
            f"http_owner: no owner {config.http_owner} who trades is in {config.secrets_file}: `pricetime secret "
            f"{config.http_owner}` adds one, for the sandbox alone"
        )


def check_form(*, compiled: bool) -> None:
    """The threads that carry orders are of the compiled form alone."""
    if sys.platform != "linux":
        raise CannotStart("the server is of Linux alone: run it there, in a container or a virtual machine")
    if not compiled:
        raise CannotStart(
            "the server is of the compiled form alone: unset PRICETIME_PURE, or install a wheel or a C compiler"
        )


def check_processors(config: GatewayConfig) -> None:
    """Every processor that a thread is to run on is one that this process may use."""
    if not hasattr(os, "sched_getaffinity"):
        if config.gateway_cpus or config.matcher_cpus:
            raise CannotStart("gateway_cpus and matcher_cpus are of Linux alone: leave them out")
        return
    allowed = os.sched_getaffinity(0)
    for name in ("gateway_cpus", "matcher_cpus"):
        if not_allowed := set(getattr(config, name)) - allowed:
            raise CannotStart(
                f"{name}: no processor {min(not_allowed)} for this process: give some of {sorted(allowed)}"
            )


def check_latency_log(config: GatewayConfig) -> None:
    """What is measured can be written in the end, for all that is known now."""
    path = config.latency_log
    if path is None:
        return
    hlog.package("codec")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise CannotStart(
            f"latency_log: {path.parent} is no directory that can be written to: make it, or give another"
        )
    if path.is_dir():
        raise CannotStart(f"latency_log: {path} is a directory: give a file, {path / 'server.hlog'} say")


def read_secrets(config: GatewayConfig) -> Secrets | None:
    """The owners who may log in, None when anyone may. Raises CannotStart."""
    if config.open:
        return None
    if config.secrets_file is None:
        raise CannotStart(
            "secrets_file: nobody could log in: give a file that `pricetime secret` wrote, or --open on loopback"
        )
    try:
        found = secrets.read(config.secrets_file)
    except SecretsError as error:
        raise CannotStart(str(error)) from error
    if not len(found):
        raise CannotStart(f"secrets_file: {config.secrets_file} names nobody: `pricetime secret` adds an owner")
    return found
