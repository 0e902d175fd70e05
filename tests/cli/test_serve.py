from __future__ import annotations

import signal
import sys
from enum import IntEnum
from pathlib import Path
from types import ModuleType, SimpleNamespace

import click
import pytest

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install 'pricetime[server]'")
pytest.importorskip("structlog", reason="needs the server's packages: pip install 'pricetime[server]'")

from pricetime.cli import main
from pricetime.cli.serve import options, rows, shown
from pricetime.gateway import secrets
from pricetime.gateway.config import GatewayConfig, InstrumentConfig
from pricetime.gateway.errors import CannotStart
from pricetime.gateway.sources import environment_name, flag
from tests.cli.run import bad, good, run
from tests.cli.served import served


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[GatewayConfig]:
    """The settings of servers that were started; none is."""
    found: list[GatewayConfig] = []
    server = ModuleType("pricetime.gateway.server")

    def serve(config: GatewayConfig) -> int:
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
    assert "Write" not in text
    command = main.commands["serve"]
    assert all(
        option.help
        for option in command.get_params(click.Context(command, help_option_names=["-h", "--help"]))
        if isinstance(option, click.Option)
    )


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


def test_settings_are_shown_to_people(started: list[GatewayConfig]) -> None:
    text = good("serve", "--log-format", "console", "--instrument", "id=1,symbol=ABC,self_trade=cancel-both")
    assert "settings of this exchange" in text
    for name in GatewayConfig.model_fields:
        assert name in text
    assert "id=1,self_trade=cancel-both,symbol=ABC" in "".join(text.split())
    assert good("serve", "--log-format", "json") == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "x"], "Error: --port: 'x': input should be a valid integer, unable to parse string as an integer"),
        (["--open", "--host", "0.0.0.0"], "Error: --open: anyone could trade over 0.0.0.0: give a loopback address"),
        (["--config", "none.toml"], "Error: settings file none.toml: No such file or directory: give a file that can"),
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
    def fail(config: GatewayConfig) -> int:
        raise error

    monkeypatch.setitem(sys.modules, "pricetime.gateway.server", SimpleNamespace(run=fail))
    said = "no memory: lower order_capacity and feed_store_reports" if isinstance(error, MemoryError) else str(error)
    assert bad("serve", code=2) == f"Error: {said}"


def test_the_pure_form(started: list[GatewayConfig], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pricetime.COMPILED", False)
    assert bad("serve", code=2).startswith("Error: the server is of the compiled form alone")


@pytest.mark.parametrize("package", ["pydantic_settings", "structlog"])
def test_a_missing_extra(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(main.commands["serve"], "_made", None)
    assert (
        bad("serve", code=2) == f"Error: pricetime serve needs the package {package}: pip install 'pricetime[server]'"
    )


def test_values_as_they_are_shown() -> None:
    assert [shown(value) for value in (None, True, False, 1_048_576, 0.5, "auto", (), (1, 2))] == [
        "none", "yes", "no", "1048576", "0.5", "auto", "none", "1,2",
    ]  # fmt: skip
    assert shown((InstrumentConfig(id=1, symbol="A"), InstrumentConfig(id=2))) == "id=1,symbol=A;id=2"
    assert all(isinstance(value, str) for _, _, value, _ in rows(GatewayConfig()))
    assert not any(isinstance(option.default, IntEnum) for option in options())


@pytest.mark.compiled
def test_a_server_that_runs(tmp_path: Path) -> None:
    """Halted by SIGHUP, ended by SIGTERM, and its ports are taken meanwhile."""
    file = tmp_path / "exchange.toml"
    file.write_text("[[instruments]]\nid = 1\n")
    with served("--open", "--config", str(file)) as running:
        port = str(running.port)
        message = bad("serve", "--open", "--port", port, code=2)
        assert (
            message == f"Error: port: port {port} of 127.0.0.1 is in use: end what listens there, or give another port"
        )
        good("order", *running.orders, "add", "bid", "5@100", "--id", "1")
        file.write_text('[[instruments]]\nid = 1\nstate = "halted"\n')
        running.process.send_signal(signal.SIGHUP)
        assert running.wait_for("instrument state", 10)["state"] == "HALTED"
        assert "(instrument halted)" in run("order", *running.orders, "add", "bid", "5@100").output
        assert "cancelled" in good("order", *running.orders, "cancel", "1")
        running.process.send_signal(signal.SIGTERM)
        assert running.wait_for("stopped", 10)["last_sequence"] == 3


def test_a_secret(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    said = good("secret", "7", "--file", file, "--name", "maker")
    assert said.startswith(f"{file}: owner 7 added.")
    assert secrets.read(file)[7].name == "maker"
    assert secrets.read(file)[7].secret.hex() not in said
    assert "owner 7 is in" in bad("secret", "7", "--file", file)
    assert "is not in the range" in bad("secret", "0", code=2)
