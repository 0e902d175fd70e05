from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
pytest.importorskip("structlog", reason="needs the server's packages: pip install '.[server]'")

from pricetime.cli import place, watch
from pricetime.client.feed_state import EventKind, FeedEvent, FeedState
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.load.server import free_udp_port, lasting_port
from pricetime.market.operator import request
from tests.cli.run import bad, figures, good, run
from tests.cli.served import SMALL, Served, served
from tests.cli.watching import Watching
from tests.end_to_end.test_bad_network import last_sequence

END = ("--until-idle", "0.5")

#: So often a file of orders is sent at most: the chance that no datagram of it is lost is small each time.
MOST_FILES = 100


@pytest.fixture
def exchange() -> Iterator[Served]:
    with served("--open", "--instrument", "id=1,symbol=ABC", "--instrument", "id=2,symbol=XYZ,phase=halted") as running:
        good("order", *running.orders, "add", "bid", "5@100", "--order-id", "1")
        good("order", *running.orders, "add", "ask", "7@1234", "--order-id", "2")
        good("order", *running.orders, "add", "bid", "1@100", "--order-id", "3")
        yield running


@pytest.mark.compiled
def test_the_ladder_of_one_who_joins_late(exchange: Served) -> None:
    text = good("subscribe", *exchange.feed, *END)
    assert "snapshot at report 3" in text
    assert "ABC (1), 3 orders" in text
    assert "XYZ (2, halted), 0 orders" in text
    assert ["2", "6", "100", "1234", "7", "1"] in [line.split() for line in text.splitlines()]
    assert "the books are complete" in text
    assert figures(text)["last sequence"] == "3"
    one = good("subscribe", *exchange.feed, *END, "--instrument", "2")
    assert "XYZ" in one
    assert "ABC" not in one


@pytest.mark.compiled
def test_the_ladder_of_a_call_phase(tmp_path: Path) -> None:
    socket = tmp_path / "admin"
    with served(
        "--open", "--instrument", "id=1,symbol=ABC,phase=opening-auction", "--admin-socket", str(socket)
    ) as one:
        good("order", *one.orders, "add", "bid", "7@102", "--order-id", "1")
        good("order", *one.orders, "add", "ask", "5@100", "--order-id", "2")
        with Watching(*one.feed, "--until-idle", "2") as watching:
            watching.wait_for("snapshot at report")
            request(socket, "indicate", instrument=1)
            text = watching.end()
        assert "ABC (1, opening auction), 2 orders" in text
        assert "\nindicative 5 at 102, surplus 2 to buy\n" in text
        with Watching(*one.feed, "--until-idle", "2") as watching:
            watching.wait_for("snapshot at report")
            request(socket, "uncross", instrument=1, phase="continuous")
            text = watching.end()
        assert "ABC (1), 1 orders" in text
        assert "\nauction 5 at 102\n" in text


@pytest.mark.compiled
def test_an_instrument_that_is_not_there(exchange: Served) -> None:
    told = bad("subscribe", *exchange.feed, "--instrument", "1", "--instrument", "9", "--seconds", "60", code=2)
    assert told == "Error: --instrument 9: this exchange has no such instrument. It has 1, 2"


@pytest.mark.compiled
def test_lines_as_it_happens(exchange: Served) -> None:
    with Watching(*exchange.feed, "--plain", "--reports", "2") as watching:
        watching.wait_for("# snapshot")
        good("order", *exchange.orders, "cancel", "1")
        good("order", *exchange.orders, "--owner", "2", "add", "bid", "9@50", "--order-id", "4")
        text = watching.end()
    assert "4 cancelled instrument 1 order " in text
    assert "5 accepted instrument 1 order " in text
    assert "# complete: at 5, 2 reports," in text


@pytest.mark.compiled
def test_it_says_what_it_misses_and_when_it_is_whole_again(tmp_path: Path) -> None:
    """Every second datagram is lost; the recovery server has them all."""
    file = tmp_path / "orders.csv"
    rows = [f"add,bid,1,{n},{n}" for n in range(1, 101)]
    file.write_text("\n".join(["action,side,quantity,price,order_id", *rows]))
    with (
        served("--open", "--drop", "0.5", "--feed-heartbeat-ms", "5") as running,
        Watching(*running.feed, "--plain") as watching,
    ):
        watching.wait_for("# complete again")  # with the snapshot that it begins with
        joined = len(watching.lines)
        for _ in range(MOST_FILES):
            good("order", *running.orders, "file", file)
            good("order", *running.orders, "mass-cancel")
            if watching.has("# missing: "):
                break
        watching.wait_for("# missing: ")
        last = last_sequence(running)
        watching.wait_for(f"{last} ")
        watching.wait_for("# complete again at report ", joined)
        assert f"# complete: at {last:,}, {last:,} reports, " in watching.interrupt()


@pytest.mark.compiled
def test_ctrl_c_ends_it_well(exchange: Served) -> None:
    with Watching(*exchange.feed) as watching:
        watching.wait_for("complete again")
        assert "the books are complete" in watching.interrupt()


@pytest.mark.compiled
def test_a_server_that_is_killed_is_silence() -> None:
    ports = ("--port", str(lasting_port()), "--recovery-port", str(lasting_port()))
    with Served(*SMALL, "--open", *ports) as running, Watching(*running.feed, "--plain") as watching:
        good("order", *running.orders, "add", "bid", "5@100", "--order-id", "1")
        watching.wait_for("# complete again at report ")
        running.kill()
        watching.wait_for("# silent: no heartbeat after report 1. Does the server run?")
        with running.again():
            watching.wait_for("# heartbeats are received")
            watching.wait_for("# the feed restarted with a new epoch")
            watching.wait_for("# complete again at report 0")
            first = len(watching.lines)
        watching.wait_for("# silent: ", first)
        assert "# maybe outdated: the feed is silent: at 0, " in watching.interrupt(code=1)


@pytest.mark.compiled
def test_a_group_that_nothing_comes_from(exchange: Served) -> None:
    port = str(free_udp_port())
    where = ("--feed-group", "239.1.1.1", "--feed-port", port, "--recovery-port", str(exchange.recovery[1]))
    done = run("subscribe", *where, "--levels=5", "--seconds", "2.5")
    assert done.exit_code == 1
    text = " ".join(done.output.split())
    assert f"no datagram received on 239.1.1.1:{port} on 127.0.0.1: check the group and whether the server runs" in text
    assert "maybe outdated: the feed is silent" in text


@pytest.mark.compiled
def test_the_feed_of_another_exchange(exchange: Served) -> None:
    with served("--open") as other:
        where = ("--feed-port", str(other.feed_port), "--recovery-port", str(exchange.recovery[1]))
        done = run("subscribe", *where, "--plain", "--seconds", "3")
    assert done.exit_code == 1
    assert "127.0.0.1, but none of this exchange: check the group" in done.output


@pytest.mark.parametrize("form", ["--plain", "--levels=5"])
def test_why_recovery_does_not_answer(form: str) -> None:
    port = str(lasting_port())
    done = run("subscribe", "--feed-port", str(free_udp_port()), "--recovery-port", port, form, "--seconds", "0.5")
    assert done.exit_code == 1
    text = " ".join(done.output.split())
    assert f"recovery server 127.0.0.1:{port}: [Errno 111] Connection refused" in text
    assert text.count("Connection refused") == 2, "once as it happens, however often, and once in the end"


def test_nobody_sends() -> None:
    arguments = ("--feed-port", str(free_udp_port()), "--no-recovery", "--seconds", "0.05")
    done = run("subscribe", *arguments, "--plain")
    assert done.exit_code == 1
    assert done.output == "# maybe outdated: the feed is silent: at 0, 0 reports, 0 gaps, 0 reports retransmitted\n"


@pytest.mark.parametrize(
    ("option", "value"), [("--feed-port", "0"), ("--levels", "0"), ("--reports", "0"), ("--seconds", "-1")]
)
def test_what_is_asked_for_wrongly(option: str, value: str) -> None:
    assert "is not in the range" in bad("subscribe", option, value, code=2)


def test_an_interface_that_is_not_here() -> None:
    assert "192.0.2.77" in bad("subscribe", "--feed-interface", "192.0.2.77")


def test_every_event_and_state_has_words() -> None:
    assert {state.name for state in FeedState} == set(watch.STATES)
    for kind in EventKind:
        assert watch.event_text(FeedEvent(kind, 1_000, 2)) != kind.name.lower()
    assert watch.event_text(FeedEvent(EventKind.GAP, 1_000, 2)) == "missing: at least 2 reports, from 1,000 on"


def test_the_places_are_those_of_the_server() -> None:
    config = GatewayConfig()
    assert str(config.host) == place.HOST
    assert (config.port, config.recovery_port, config.feed_port) == (place.PORT, place.RECOVERY_PORT, place.FEED_PORT)
    assert (str(config.feed_group), str(config.feed_interface)) == (place.FEED_GROUP, place.INTERFACE)
