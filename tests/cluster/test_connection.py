"""Connections to NATS servers: refusals that say what to do, and reconnects."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from pricetime.cluster.connection import Credentials, NatsUnavailable, connect, connected
from pricetime.cluster.servers import LocalServers
from tests.cluster.streams import run

NOWHERE = "nats://127.0.0.1:1"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServers]:
    """One server that asks for a user and a password."""
    with LocalServers(tmp_path_factory.mktemp("guarded"), 1, user="ann", password="secret") as servers:
        yield servers


def refusal(urls: list[str], credentials: Credentials | None = None, timeout_s: float = 10.0) -> str:
    async def test() -> str:
        with pytest.raises(NatsUnavailable) as raised:
            await connect(urls, credentials, timeout_s=timeout_s)
        return str(raised.value)

    return run(test())


def test_no_server() -> None:
    said = refusal([NOWHERE], timeout_s=0.5)
    assert said.startswith("no NATS server answers at nats://127.0.0.1:1: ")
    assert "Connect call failed" in said
    assert said.endswith("Start the servers, or correct their addresses")


def test_not_an_address() -> None:
    assert "invalid connect url" in refusal(["foo:bar"])


def test_a_url_with_a_password_is_not_shown() -> None:
    said = refusal(["nats://ann:secret@127.0.0.1:1"], timeout_s=0.2)
    assert "secret" not in said
    assert "secret" not in repr(Credentials("ann", "secret"))


def test_wrong_credentials(guarded: LocalServers) -> None:
    wrong = refusal(guarded.urls, Credentials("ann", "wrong"))
    assert wrong.endswith("refuse user ann: give the user and password of their configuration")
    assert "a client without a user" in refusal(guarded.urls)


def test_right_credentials(guarded: LocalServers) -> None:
    async def test() -> None:
        async with connected([NOWHERE, *guarded.urls], Credentials("ann", "secret")) as client:
            assert client.is_connected

    run(test())


def test_files_of_tls_that_cannot_be_read(tmp_path: Path) -> None:
    said = refusal([NOWHERE], Credentials(ca_file=tmp_path / "ca.pem"))
    assert said.startswith(f"the TLS files for NATS cannot be read ({tmp_path / 'ca.pem'})")


def test_a_connection_survives_the_server(tmp_path: Path) -> None:
    async def test() -> None:
        happened: list[str] = []
        changed = asyncio.Event()

        def note(what: str) -> None:
            happened.append(what)
            changed.set()

        async def wait_for(what: str) -> None:
            while what not in happened:
                changed.clear()
                await changed.wait()

        with LocalServers(tmp_path, 1) as servers:
            client = await connect(
                servers.urls,
                on_disconnect=lambda: note("disconnected"),
                on_reconnect=lambda: note("connected"),
                on_close=lambda why: note(f"closed: {why}"),
            )
            servers.kill(0)
            await wait_for("disconnected")
            servers.start(0)
            await wait_for("connected")
            assert client.is_connected
            await client.close()
            assert happened[:-1] == ["disconnected", "connected", "disconnected"]
            assert happened[-1].startswith("closed: ")  # and the last error, if an attempt came before the server

    run(test())
