"""The files of docs/operate/tls.md, with free ports: orders arrive, and the client rejects a different certificate."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pricetime import BID
from pricetime.client.client import Client
from pricetime.errors import PricetimeError
from pricetime.load.server import ServerProcess, lasting_port
from tests.cli.run import good

pytestmark = pytest.mark.compiled

PAGE = (Path(__file__).parents[2] / "docs" / "operate" / "tls.md").read_text(encoding="utf-8")
STUNNEL = shutil.which("stunnel4") or shutil.which("stunnel")
PATIENCE_S = 60


def block(behind: str) -> str:
    """The first block of the page behind some words."""
    found = re.search(re.escape(behind) + r".*?```\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def certificate(folder: Path) -> None:
    folder.mkdir()
    subprocess.run(["sh", "-ec", block("## A certificate")], cwd=folder, check=True, capture_output=True)


@contextmanager
def tunnel(folder: Path, name: str, text: str, port: int) -> Iterator[None]:
    """A stunnel that listens, until the end of the block."""
    assert STUNNEL is not None
    (folder / name).write_text(text)
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen([STUNNEL, name], cwd=folder, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while process.poll() is None and not listens(port):
            assert time.monotonic() < deadline, "stunnel does not listen"
            time.sleep(0.02)
        assert process.poll() is None, (folder / f"{name}.log").read_text()
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(STUNNEL is None, reason="stunnel is not here: make packages (Debian: apt install stunnel4)")
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here (Debian: apt install openssl)")
def test_orders_go_through_the_tunnel(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    certificate(ours)
    certificate(theirs)
    outer, inner, wrong = lasting_port(), lasting_port(), lasting_port()
    options = ("--open", "--order-capacity", "4096", "--feed-store-reports", "4096", "--no-prefault")
    with ServerProcess(*options) as server:
        server_conf = (
            block("`server.conf`").replace("7443", str(outer)).replace("127.0.0.1:7001", f"127.0.0.1:{server.port}")
        )
        client_conf = block("`client.conf`").replace("exchange.example:7443", f"127.0.0.1:{outer}")
        with (
            tunnel(ours, "server.conf", server_conf, outer),
            tunnel(ours, "client.conf", client_conf.replace("17001", str(inner)), inner),
            tunnel(theirs, "client.conf", client_conf.replace("17001", str(wrong)), wrong),
        ):
            with Client("127.0.0.1", inner, owner=7) as client:
                assert client.add_order(1, BID, 100, 5).result(PATIENCE_S)
            good("order", "--port", str(inner), "--owner", "7", "mass-cancel")
            with pytest.raises((PricetimeError, OSError)), Client("127.0.0.1", wrong, owner=8, retries=0):
                pass
