import io
import json

from pricetime.exchange.settings.fields import LogFormat, LogLevel
from pricetime.exchange.settings.server_log import LimitedLog, make_log
from tests.exchange.loops import Events


def test_an_event_is_a_line_of_json() -> None:
    stream = io.StringIO()
    make_log(stream=stream).info("serving", port=7001, path="a\nb", odd={1, 2}.__class__)
    (line,) = stream.getvalue().splitlines()
    found = json.loads(line)
    assert (found["event"], found["level"], found["port"], found["path"]) == ("serving", "info", 7001, "a\nb")
    assert found["timestamp"].endswith("Z")


def test_an_event_is_a_line_for_people() -> None:
    stream = io.StringIO()
    log = make_log(form=LogFormat.CONSOLE, stream=stream)
    log.info("serving", port=7001)
    log.warning("odd", text="a\nb")
    first, second = stream.getvalue().splitlines()
    assert "serving" in first
    assert "port=7001" in first
    assert r"text='a\nb'" in second


def test_what_is_below_the_level_is_not_written() -> None:
    events = Events(LogLevel.WARNING)
    events.log.info("one")
    events.log.warning("two")
    assert [found["event"] for found in events.all()] == ["two"]


def test_events_of_remote_hosts_are_limited() -> None:
    events, now = Events(), 100.0
    limited = LimitedLog(events.log, each_second=2, clock=lambda: now)
    for _ in range(10):
        limited.info("knock", connection=1)
    limited.info("ring")  # each kind for itself
    assert len(events.of("knock")) == 2
    assert len(events.of("ring")) == 1
    now = 101.0
    limited.info("knock", connection=2)
    limited.info("knock", connection=3)
    first, second = events.of("knock")[2:]
    assert (first["connection"], first["left_out"]) == (2, 8)
    assert "left_out" not in second
