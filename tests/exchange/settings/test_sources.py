from pathlib import Path
from typing import Any

import pytest

from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.settings.errors import CannotStart
from pricetime.exchange.settings.sources import environment_name, flag, load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "exchange.toml"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in GatewayConfig.model_fields:
        monkeypatch.delenv(environment_name(name), raising=False)


def test_nothing_said() -> None:
    assert load().model_dump() == GatewayConfig().model_dump()


def test_flags_over_environment_over_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("port = 1001\nmtu = 1001\nmax_clients = 1001\n[[instruments]]\nid = 5\n")
    monkeypatch.setenv("PRICETIME_MTU", "1002")
    monkeypatch.setenv("PRICETIME_MAX_CLIENTS", "1002")
    config = load(file, {"max_clients": "1003"})
    assert (config.port, config.mtu, config.max_clients) == (1001, 1002, 1003)
    assert config.instruments[0].id == 5


def test_every_setting_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {
        "PRICETIME_INSTRUMENTS": "id=8,symbol=X,tick_size=5,high_price=-5;id=9,phase=halted",
        "PRICETIME_GATEWAY_CPUS": "0,1",
        "PRICETIME_KEEP_SEGMENTS": "1",
        "PRICETIME_SECRETS_FILE": "some.toml",
        "PRICETIME_DROP": "0.25",
    }
    for name, text in wanted.items():
        monkeypatch.setenv(name, text)
    config = load()
    assert [instrument.id for instrument in config.instruments] == [8, 9]
    assert config.instruments[0].high_price == -5
    assert (config.gateway_cpus, config.keep_segments, config.drop) == ((0, 1), True, 0.25)
    assert config.secrets_file == Path("some.toml")


def test_settings_are_read_again(file: Path) -> None:
    file.write_text("mtu = 2000\nport = 1\n")
    config = load(file, {"port": 2})
    file.write_text("mtu = 3000\nport = 3\n")
    again = config.reread()
    assert (again.mtu, again.port) == (3000, 2)
    assert again.reread().model_dump() == again.model_dump()
    file.unlink()
    with pytest.raises(CannotStart, match="No such file"):
        config.reread()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"port": "70000"}, "--port: '70000': input should be less than or equal to 65535"),
        ({"prot": 1}, "--prot: there is no setting 'prot': did you mean 'port'?"),
        ({"zzz": 1}, "--zzz: there is no setting 'zzz'"),
        ({"ring_capacity": "100"}, "--ring-capacity: '100': not a power of two: give 64 or 128"),
        ({"idle": "x"}, "--idle: 'x': input should be 'spin', 'pause', 'yield' or 'block'"),
        (
            {"open": True, "host": "0.0.0.0"},
            "--open: every host that reaches 0.0.0.0 could trade: give a loopback address, or a secrets_file",
        ),
        ({"heartbeat_ms": 4000}, "timeout_ms: 5000 is less than 2 * heartbeat_ms"),
        ({"instruments": ["id=1", "id=1"]}, "--instrument: the id 1 is used twice"),
        ({"instruments": ["id=1", "id=2,phase=shut"]}, "--instrument 2, phase: 'shut': give one of continuous, halted"),
        ({"instruments": ["id=1,sybol=X"]}, "--instrument: there is no setting 'sybol': did you mean 'symbol'?"),
        ({"instruments": ["symbol=X"]}, "--instrument 1, id: field required"),
        (
            {"instruments": ["id=1,profile=lse"]},
            "--instrument 1, profile: 'lse': give one of cme, xetra, euronext, nasdaq, coinbase, asx, hkex, bnb",
        ),
        (
            {"instruments": ["id=1,schedule=08:00 closed|9:00 open"]},
            "--instrument 1, schedule 2: '9:00 open': write a row as [DAYS] HH:MM[:SS] [uncross] PHASE [within",
        ),
        ({"instruments": ["id=1,static_range=x"]}, "--instrument 1, static_range: 'x': input should be a valid int"),
        ({"instruments": ["one"]}, "--instrument 1: 'one': write it as id=1,symbol=ABC,tick_size=5"),
        ({"gateway_cpus": "1,x"}, "--gateway-cpus 2: 'x': input should be a valid integer"),
        ({"secrets_file": "x" * 99, "port": "y" * 99}, "--port: 'yyyyyyyyyyy"),
    ],
    ids=str,
)
def test_a_flag_that_is_wrong(flags: dict[str, Any], message: str) -> None:
    with pytest.raises(CannotStart) as raised:
        load(flags=flags)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_where_it_was_given(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("mtu = 1")
    with pytest.raises(CannotStart, match=r"exchange\.toml: mtu: 1: input should be greater"):
        load(file)
    monkeypatch.setenv("PRICETIME_MTU", "2")
    with pytest.raises(CannotStart, match="PRICETIME_MTU: '2': input should be greater"):
        load(file)
    with pytest.raises(CannotStart, match="--mtu: 3: input should be greater"):
        load(file, {"mtu": 3})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"port 1", "is not TOML"),
        (b"\xff", "is not TOML"),
        (b"[gateway]\nport = 1", "exchange.toml: gateway: there is no setting 'gateway'"),
        (b"instruments = 3", "exchange.toml: instruments: 3: input should be a valid tuple"),
    ],
)
def test_a_file_that_is_wrong(file: Path, content: bytes, message: str) -> None:
    file.write_bytes(content)
    with pytest.raises(CannotStart) as raised:
        load(file)
    assert message in str(raised.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"none\.toml: No such file or directory: give a readable file"):
        load(tmp_path / "none.toml")
    with pytest.raises(CannotStart, match="Is a directory"):
        load(tmp_path)


def test_names() -> None:
    assert flag("feed_port") == "--feed-port"
    assert flag("instruments") == "--instrument"
    assert environment_name("feed_port") == "PRICETIME_FEED_PORT"
