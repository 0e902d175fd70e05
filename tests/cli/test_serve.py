import contextlib
import itertools
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from enum import IntEnum
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import click
import pytest

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
pytest.importorskip("structlog", reason="needs the server's packages: pip install '.[server]'")

from pricetime.cli import main, place
from pricetime.cli.serve import options, rows, shown
from pricetime.environment import VARIABLES
from pricetime.exchange.control import secrets
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.settings.errors import CannotStart
from pricetime.exchange.settings.instrument import InstrumentConfig
from pricetime.exchange.settings.sources import environment_name, flag
from pricetime.load.server import free_udp_port
from tests.cli.run import bad, good, run
from tests.cli.served import SMALL, served


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[GatewayConfig]:
    """The settings of servers that were started; none is."""
    found: list[GatewayConfig] = []
    server = ModuleType("pricetime.exchange.server")

    def serve(config: GatewayConfig, make_page: object, show_places: object) -> int:
        found.append(config)
        return config.max_clients - 1024

    vars(server)["run"] = serve
    monkeypatch.setitem(sys.modules, server.__name__, server)
    monkeypatch.setattr("pricetime.COMPILED", True)
    for name in GatewayConfig.model_fields:
        monkeypatch.delenv(environment_name(name), raising=False)
    return found


def test_help_names_every_setting() -> None:
    text = good("serve", "--help")
    for name in GatewayConfig.model_fields:
        assert flag(name) in text
    assert "--config" in text
    groups = {str(extra["group"]) for extra in extras()}
    assert groups <= {line.removesuffix(":") for line in text.splitlines()}
    command = main.commands["serve"]
    assert all(
        option.help
        for option in command.get_params(click.Context(command, help_option_names=["-h", "--help"]))
        if isinstance(option, click.Option)
    )


def extras() -> list[dict[str, Any]]:
    """What the settings have beside their types: the group that each is shown in."""
    return [field.json_schema_extra for field in GatewayConfig.model_fields.values()]  # type: ignore[misc]


def test_what_is_given_reaches_the_server(started: list[GatewayConfig], tmp_path: Path) -> None:
    file = tmp_path / "exchange.toml"
    file.write_text("mtu = 9000\nport = 1\n")
    good(
        "serve", "--config", file, "--port", "2", "--open", "--no-cancel-on-disconnect", "--idle", "spin",
        "--instrument", "id=5,symbol=A", "--instrument", "id=6", "--gateway-cpus", "0,1", "--drop", "0.5",
    )  # fmt: skip
    (config,) = started
    assert (config.mtu, config.port, config.open, config.cancel_on_disconnect) == (9000, 2, True, False)
    assert ([i.id for i in config.instruments], config.gateway_cpus, config.drop) == ([5, 6], (0, 1), 0.5)
    assert config.reread().port == 2


def test_nothing_given(started: list[GatewayConfig], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRICETIME_MTU", "9000")
    good("serve")
    assert started[0].model_dump() == GatewayConfig(mtu=9000).model_dump()


def test_the_exit_code_is_that_of_the_server(started: list[GatewayConfig]) -> None:
    assert run("serve", "--max-clients", "1025").exit_code == 1
    assert run("serve", "--max-clients", "1024").exit_code == 0


def test_settings_are_shown_when_asked_for(started: list[GatewayConfig]) -> None:
    assert "settings" not in good("serve", "--log-format", "console")
    text = good("serve", "--show-settings", "--instrument", "id=1,symbol=ABC,self_trade=cancel-both")
    assert "settings of this exchange" in text
    for name in GatewayConfig.model_fields:
        assert name in text
    assert "id=1,self_trade=cancel-both,symbol=ABC" in "".join(text.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "x"], "Error: --port: 'x': input should be a valid integer, unable to parse string as an integer"),
        (
            ["--open", "--host", "0.0.0.0"],
            "Error: --open: every host that reaches 0.0.0.0 could trade: give a loopback address",
        ),
        (
            ["--open", "--secrets-file", "owners.toml"],
            "Error: --open: the server would accept every login and ignore owners.toml: give either open or",
        ),
        (["--config", "none.toml"], "Error: settings file none.toml: No such file or directory: give a readable file"),
        (["--idle", "sleep"], "Error: Invalid value for '--idle'"),
        (["--prot", "1"], "Error: No such option '--prot'"),
    ],
)
def test_what_is_wrong_is_one_line(started: list[GatewayConfig], arguments: list[str], message: str) -> None:
    assert bad("serve", *arguments, code=2).startswith(message)
    assert started == []


@pytest.mark.parametrize("error", [CannotStart("port: port 1 is in use"), MemoryError()])
def test_a_server_that_cannot_start(
    started: list[GatewayConfig], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(config: GatewayConfig, make_page: object, show_places: object) -> int:
        raise error

    monkeypatch.setitem(sys.modules, "pricetime.exchange.server", SimpleNamespace(run=fail))
    said = (
        "not enough memory: lower order_capacity or feed_store_reports"
        if isinstance(error, MemoryError)
        else str(error)
    )
    assert bad("serve", code=2) == f"Error: {said}"


def test_the_pure_form(started: list[GatewayConfig], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pricetime.COMPILED", False)
    assert bad("serve", code=2).startswith("Error: the server needs the compiled form")


@pytest.mark.parametrize("package", ["pydantic_settings", "structlog"])
def test_a_missing_extra(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(main.commands["serve"], "_made", None)
    wanted = f"Error: pricetime serve needs the package {package} (extra pricetime[server]): pip install "
    assert bad("serve", code=2).startswith(wanted)


def test_values_as_they_are_shown() -> None:
    assert [shown(value) for value in (None, True, False, 1_048_576, 0.5, "auto", (), (1, 2))] == [
        "none", "yes", "no", "1048576", "0.5", "auto", "none", "1,2",
    ]  # fmt: skip
    assert shown((InstrumentConfig(id=1, symbol="A"), InstrumentConfig(id=2))) == "id=1,symbol=A;id=2"
    assert all(isinstance(value, str) for _, _, value, _ in rows(GatewayConfig()))
    assert not any(isinstance(option.default, IntEnum) for option in options())


def test_a_typing_error_in_the_environment(started: list[GatewayConfig], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRICETIME_PROT", "3")
    told = "Error: PRICETIME_PROT: there is no setting 'prot': did you mean 'port'?"
    for command in (("serve",), ("order", "cancel", "1"), ("subscribe",), ("load",), ("follow", "nowhere")):
        assert bad(*command, code=2) == told
    assert started == []
    monkeypatch.delenv("PRICETIME_PROT")
    for name in ("PRICETIME_OWNER", "PRICETIME_DATA", "PRICETIME_CONFIG", "PRICETIME_ORDER_CAPACITY"):
        monkeypatch.setenv(name, "77")
        place.check_environment()


def test_every_option_with_a_variable_is_known_to_the_check() -> None:
    named = {
        parameter.envvar
        for command in [*main.commands.values(), *main.commands["order"].commands.values()]  # type: ignore[attr-defined]
        for parameter in command.params
        if parameter.envvar
    }
    assert named <= VARIABLES | {environment_name(name) for name in GatewayConfig.model_fields}
    assert {environment_name(name) for name in place.SHARED} <= VARIABLES | set(
        map(environment_name, GatewayConfig.model_fields)
    )


@pytest.mark.compiled
def test_it_says_where_it_listens() -> None:
    """In one block, before anything is logged; each address is one that answers."""
    pytest.importorskip("uvicorn", reason="needs the page's packages: pip install '.[web]'")
    pytest.importorskip("prometheus_client", reason="needs the metrics' package: pip install '.[metrics]'")
    ports = ("--port", "0", "--recovery-port", "0", "--http-port", "0", "--metrics-port", "0", "--journal-port", "0")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pricetime", "serve", "--open", *SMALL, *ports, "--journal", folder]
        command += ["--feed-port", str(free_udp_port()), "--log-format", "console"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        with process.stdout as lines:
            block = list(itertools.takewhile(str.strip, lines))
            before = list(itertools.takewhile(lambda line: " serving " not in line, lines))
            process.send_signal(signal.SIGTERM)
            lines.read()
        assert process.wait(60) == 0
    assert "settings" not in "".join(before)
    found = dict(line.strip().split("  ", 1) for line in block[1:])
    where = {name.strip(): value.strip() for name, value in found.items()}
    assert set(where) == {"orders", "recovery", "feed", "journal", "metrics", "live page"}
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", where["live page"])
    assert re.fullmatch(r"127\.0\.0\.1:\d+", where["orders"])


@pytest.mark.compiled
@pytest.mark.parametrize("host", ["::1", "localhost"])
def test_by_name_and_by_ipv6(host: str) -> None:
    """Orders, load, recovery, the page and the metrics: the server listens there, and each client connects."""
    pytest.importorskip("uvicorn", reason="needs the page's packages: pip install '.[web]'")
    pytest.importorskip("prometheus_client", reason="needs the metrics' package: pip install '.[metrics]'")
    if host == "::1" and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    pages = ("--http-port", "0", "--metrics-port", "0", "--http-host", host, "--metrics-host", host)
    with served("--open", "--host", host, "--http-owner", "9", *pages) as running:
        there = ("--host", host)
        assert "accepted" in good("order", "add", "bid", "5@100", *there, *running.orders)
        assert "the books are complete" in good("subscribe", *there, *running.feed, "--until-idle", "0.5")
        assert "orders sent" in run("load", *there, *running.load, "--seconds", "0.05", "--owner", "20").output
        serving = running.last("serving")
        for port, path, text in (("http_port", "/", "pricetime"), ("metrics_port", "/metrics", "pricetime_")):
            place = f"[{host}]" if ":" in host else host
            with urllib.request.urlopen(f"http://{place}:{serving[port]}{path}", timeout=30) as answer:
                assert text in answer.read().decode()


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


@pytest.mark.compiled
def test_a_server_that_runs(tmp_path: Path) -> None:
    """Halted by SIGHUP, ended by SIGTERM, and its ports are taken meanwhile."""
    file = tmp_path / "exchange.toml"
    file.write_text("[[instruments]]\nid = 1\n")
    with served("--open", "--config", str(file)) as running:
        port = str(running.port)
        message = bad("serve", "--open", "--port", port, code=2)
        assert message.startswith(f"Error: port: port {port} of 127.0.0.1 is in use: stop the process that uses it")
        good("order", *running.orders, "add", "bid", "5@100", "--order-id", "1")
        file.write_text('[[instruments]]\nid = 1\nphase = "halted"\n')
        running.process.send_signal(signal.SIGHUP)
        assert running.wait_for("instrument phase", 10)["phase"] == "HALTED"
        assert "(instrument halted)" in run("order", *running.orders, "add", "bid", "5@100").output
        assert "cancelled" in good("order", *running.orders, "cancel", "1")
        running.process.send_signal(signal.SIGTERM)
        assert running.wait_for("stopped", 10)["last_sequence"] == 3


@pytest.mark.compiled
@pytest.mark.parametrize(("mebibytes", "journal"), [(300, False), (512, True), (1024, False), (1400, True)])
def test_too_little_memory_is_one_line_that_names_the_setting(tmp_path: Path, mebibytes: int, journal: bool) -> None:
    """As with ``ulimit -v``: the defaults need 2 GiB of address space."""
    options = ["--journal", str(tmp_path / "journal")] if journal else []
    limit = mebibytes * 2**20
    ended = subprocess.run(
        [sys.executable, "-m", "pricetime", "serve", "--open", "--port", "0", "--recovery-port", "0", *options],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    (line,) = ended.stderr.splitlines()
    assert line.startswith("Error: no room for ")
    assert re.search("lower .*(order_capacity|feed_store_reports|stream_reports)", line)


def test_a_secret(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    said = good("secret", "7", "--secrets-file", file, "--name", "maker")
    assert said.startswith(f"{file}: owner 7 added.")
    assert secrets.read(file)[7].name == "maker"
    assert secrets.read(file)[7].secret.hex() not in said
    assert "owner 7 is already in" in bad("secret", "7", "--secrets-file", file)
    assert "is not in the range" in bad("secret", "0", code=2)
