"""``pricetime market`` as a command: what it prints, how it ends, what it refuses."""

import importlib
import re
import signal
import socket
import subprocess
import sys
import webbrowser
from importlib.util import find_spec

import pytest

import pricetime
from tests.cli.run import bad, good

market = importlib.import_module("pricetime.cli.market")  # the package has the command of that name

needs_server = pytest.mark.skipif(
    not pricetime.COMPILED or any(find_spec(name) is None for name in ("pydantic_settings", "structlog", "uvicorn")),
    reason="needs the compiled form and the packages of the page: pip install '.[web]'",
)


@needs_server
def test_it_prints_where_to_look_and_a_summary() -> None:
    first, second, third, last = good("market", "--no-browser", "--seconds", "1").splitlines()
    assert re.fullmatch(r"The market is open: http://127\.0\.0\.1:\d+/", first)
    assert re.search(r"orders on port \d+, feed 239\.255\.77\.1:\d+, recovery on port \d+\.$", second)
    assert third == "Press Ctrl-C to end it."
    assert re.fullmatch(r"The market is closed\. In 1 s the traders sent \d+ commands and \d+ trades were made\.", last)


@needs_server
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it_in_order(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "pricetime", "market", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        assert lines[-1] == "Press Ctrl-C to end it.\n"
        port = int(re.search(r":(\d+)/", lines[0])[1])  # type: ignore[index]
        process.send_signal(number)
        rest = process.stdout.read()
        assert process.wait(60) == 0
    assert rest.startswith("The market is closed.")
    assert "Traceback" not in rest
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


@needs_server
def test_the_browser_is_opened_on_a_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)  # type: ignore[func-returns-value]
    monkeypatch.setenv("DISPLAY", ":99")
    printed = good("market", "--seconds", "0.2")
    assert opened == [printed.splitlines()[0].removeprefix("The market is open: ")]
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    good("market", "--seconds", "0.2")
    assert len(opened) == 1


@needs_server
def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        message = bad("market", "--no-browser", "--http-port", port)
    assert port in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--price-unit", "0"], "price unit '0' is not a number above 0"),
        (["--price-unit", "cent"], "price unit 'cent' is not a number above 0"),
        (["--instrument", "A,B"], "give a name of 1 to 16 bytes without , ; and ="),
        (["--instrument", "A" * 17], "give a name of 1 to 16 bytes"),
        (["--instrument", "A", "--instrument", "A"], "two instruments have the same symbol"),
        ([f"--instrument={number}" for number in range(9)], "9 instruments: give at most 8"),
        (["--rate", "0"], "0.0 is not in the range 1<=x<=2000"),
        (["--seconds", "0"], "is not in the range"),
    ],
)
def test_options_that_cannot_be(options: list[str], message: str) -> None:
    assert message in bad("market", *options, code=2)


def test_the_pure_form_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pydantic_settings")
    pytest.importorskip("uvicorn")
    monkeypatch.setattr(pricetime, "COMPILED", False)
    assert "compiled" in bad("market", code=2)
