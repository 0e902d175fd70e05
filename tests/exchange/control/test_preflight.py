import os
import resource
import socket
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pricetime.exchange.control import preflight as module
from pricetime.exchange.control import secrets
from pricetime.exchange.control.preflight import preflight
from pricetime.exchange.io import sockets
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.settings.errors import CannotStart
from pricetime.extras import MissingExtra


@pytest.fixture(autouse=True)
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of this is compiled itself."""
    monkeypatch.setattr(module, "COMPILED", True)


def free(**settings: object) -> GatewayConfig:
    return GatewayConfig(**{"port": 0, "recovery_port": 0, "open": True, **settings})  # type: ignore[arg-type]


def reason(config: GatewayConfig) -> str:
    """Why a server cannot start: in one line."""
    with pytest.raises(CannotStart) as raised:
        preflight(config)
    text = str(raised.value)
    assert "\n" not in text
    return text


def test_what_is_had(tmp_path: Path) -> None:
    secrets.add(tmp_path / "secrets.toml", 7)
    prepared = preflight(free(open=False, secrets_file=tmp_path / "secrets.toml"))
    with socket.create_connection(prepared.orders.getsockname()):
        connection, _ = prepared.orders.accept()
        connection.close()
    with socket.create_connection(prepared.recovery.getsockname()):
        connection, _ = prepared.recovery.accept()
        connection.close()
    assert prepared.feed.getpeername() == ("239.255.77.1", 7003)
    assert prepared.secrets is not None
    assert 7 in prepared.secrets
    assert prepared.files_missing == 0
    assert not prepared.orders.getblocking()
    prepared.close()
    assert prepared.feed.fileno() == -1


def test_sockets_that_join_receive_the_feed() -> None:
    prepared = preflight(free(feed_port=17003))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
        heard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        heard.bind(("239.255.77.1", 17003))
        join = socket.inet_aton("239.255.77.1") + socket.inet_aton("127.0.0.1")
        heard.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, join)
        heard.settimeout(30)
        prepared.feed.send(b"x" * 48)
        assert heard.recv(100) == b"x" * 48
    prepared.close()


def test_the_pure_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMPILED", False)
    assert reason(free()).startswith("the server needs the compiled form: unset PRICETIME_PURE")


def test_a_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = f"port {port} of 127.0.0.1 is in use: stop the process that uses it, or give a different port"
        assert reason(free(port=port)) == f"port: {message}"
        assert reason(free(recovery_port=port)) == f"recovery_port: {message}"


def test_an_address_that_is_not_here() -> None:
    assert reason(free(open=False, host="192.0.2.77", secrets_file=None)).startswith(
        "secrets_file: without it no client could log in"
    )
    assert reason(free(feed_interface="192.0.2.77")).startswith(
        "feed_interface: 192.0.2.77 is not the address of a network interface"
    )


def test_a_host_that_is_not_here(tmp_path: Path) -> None:
    secrets.add(tmp_path / "s", 1)
    message = reason(free(open=False, host="192.0.2.77", secrets_file=tmp_path / "s"))
    assert (
        message == "host: 192.0.2.77 is not an address of this machine: give one of its addresses, or 0.0.0.0 for all"
    )


def test_a_port_for_metrics() -> None:
    pytest.importorskip("prometheus_client", reason="needs the metrics' package: pip install '.[metrics]'")
    with closing(preflight(free())) as without:
        assert without.metrics is None
    with closing(preflight(free(metrics_port=0))) as prepared:
        assert prepared.metrics is not None
        port = prepared.metrics.getsockname()[1]
        assert reason(free(metrics_port=port)).startswith(f"metrics_port: port {port} of 127.0.0.1 is in use")
    assert reason(free(metrics_port=0, metrics_host="192.0.2.77")).startswith(
        "metrics_host: 192.0.2.77 is not an address of this machine"
    )


def test_metrics_without_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(
        MissingExtra, match=r"metrics_port needs the package prometheus_client \(extra pricetime\[metrics\]\): pip"
    ):
        preflight(free(metrics_port=0))


def test_no_multicast_route(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(made: socket.socket, address: object) -> None:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "socket", type("Socket", (socket.socket,), {"connect": connect}))
    assert reason(free()).startswith("feed_group: there is no multicast route from 127.0.0.1 to 239.255.77.1")


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="of Linux")
def test_a_processor_that_is_not_there() -> None:
    assert reason(free(gateway_cpus=(4095,))).startswith(
        "gateway_cpus: this process may not use processor 4095: give processors from"
    )


def test_secrets_that_cannot_be_read(tmp_path: Path) -> None:
    assert "No such file" in reason(free(open=False, secrets_file=tmp_path / "none"))
    (tmp_path / "empty").touch(0o600)
    assert "contains no owner: `pricetime secret` adds one" in reason(free(open=False, secrets_file=tmp_path / "empty"))
    (tmp_path / "open").touch()
    (tmp_path / "open").chmod(0o644)
    assert f"chmod 600 {tmp_path / 'open'}" in reason(free(open=False, secrets_file=tmp_path / "open"))


def test_the_limit_of_files_is_raised_as_far_as_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = [(100, 1000)]
    monkeypatch.setattr(resource, "getrlimit", lambda which: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda which, new: limits.append(new))
    assert sockets.raise_file_limit(GatewayConfig(max_clients=100, pending_logins=10)) == 0
    assert limits[-1] == (100 + 10 + 64 + 64, 1000)
    assert sockets.raise_file_limit(GatewayConfig(max_clients=1000, pending_logins=10)) == 138
    assert limits[-1] == (1000, 1000)
    unlimited = resource.RLIM_INFINITY
    limits[:] = [(unlimited, unlimited)]
    assert sockets.raise_file_limit(GatewayConfig()) == 0
    assert len(limits) == 1


def test_where_latencies_can_be_written(tmp_path: Path) -> None:
    pytest.importorskip("hdrh", reason="needs hdrhistogram: pip install '.[measure]'")
    preflight(free(latency_log=tmp_path / "run.hlog")).close()
    assert list(tmp_path.iterdir()) == [], "nothing is written before the end"


def test_where_latencies_cannot_be_written(tmp_path: Path) -> None:
    pytest.importorskip("hdrh", reason="needs hdrhistogram: pip install '.[measure]'")
    assert reason(free(latency_log=tmp_path / "none" / "run.hlog")).startswith(
        f"latency_log: {tmp_path}/none is not a writable directory: create it"
    )
    assert reason(free(latency_log=tmp_path)).startswith(f"latency_log: {tmp_path} is a directory: give a file")


def test_latencies_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told at the start, and not when all is measured."""
    monkeypatch.setitem(__import__("sys").modules, "hdrh", None)
    with pytest.raises(MissingExtra, match=r"pricetime\[measure\]"):
        preflight(free(latency_log=tmp_path / "run.hlog"))
    preflight(free()).close()


def test_the_page_listens_at_its_address() -> None:
    pytest.importorskip("uvicorn", reason="needs the page's packages: pip install '.[web]'")
    assert preflight_and_close(free()) is None
    address = preflight_and_close(free(http_port=0, http_owner=7))
    assert address is not None
    assert address[0] == "127.0.0.1"
    assert reason(free(http_port=0, http_host="192.0.2.7")).startswith("http_host: 192.0.2.7 is not an address of this")


def preflight_and_close(config: GatewayConfig) -> tuple[str, int] | None:
    """Where the page listens, None when it does not."""
    prepared = preflight(config)
    address: tuple[str, int] | None = None if prepared.page is None else prepared.page.getsockname()
    prepared.close()
    return address


def test_the_sandbox_owner_must_be_able_to_trade(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason="needs the page's packages: pip install '.[web]'")
    file = tmp_path / "secrets.toml"
    secrets.add(file, 7)
    secrets.add(file, 8, follows=True)
    given = {"open": False, "secrets_file": file, "http_port": 0}
    preflight_and_close(free(**given, http_owner=7))
    for owner in (8, 9):
        told = reason(free(**given, http_owner=owner))
        assert told.startswith(f"http_owner: {file} has no owner {owner} that may trade: `pricetime secret {owner}`")


@pytest.mark.parametrize("package", ["starlette", "uvicorn", "websockets"])
def test_a_page_without_its_packages(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=r"http_port needs the package .* \(extra pricetime\[web\]\): pip"):
        preflight(free(http_port=0))
    preflight(free()).close()
