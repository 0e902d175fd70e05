"""The shell sessions in the documents run as a whole, line by line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import pricetime
from tests.docs.blocks import ROOT, blocks

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
pytestmark = pytest.mark.compiled

if pricetime.COMPILED:
    from pricetime.measure.server import free_udp_port, lasting_port

QUIET = {"PRICETIME_PREFAULT": "0", "PRICETIME_LOG_FORMAT": "json"}
TIMEOUT_S = 60


def lines(document: str, start: str) -> list[list[str]]:
    """The commands of pricetime in the blocks of a document, those that begin so, each as words."""
    found = [words for block in blocks(ROOT / document) if block.is_shell for words in block.commands]
    taken = [words for words in found if " ".join(words).startswith(start)]
    assert taken, f"{document} shows no {start!r} any more"
    return taken


class Shell:
    """A folder, and ports of its own in the environment, as a reader may set them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PRICETIME_")}
        tcp, recovery, udp = str(lasting_port()), str(lasting_port()), str(free_udp_port())
        ports = {"PRICETIME_PORT": tcp, "PRICETIME_RECOVERY_PORT": recovery, "PRICETIME_FEED_PORT": udp}
        self.environment = clean | QUIET | ports

    def begin(self, words: list[str]) -> subprocess.Popen[str]:
        assert words[0] == "pricetime"
        return subprocess.Popen(
            [sys.executable, "-m", *words], cwd=self.folder, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, words: list[str], *more: str) -> str:
        """What a command prints that ends well."""
        process = self.begin([*words, *more])
        try:
            said, _ = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
            raise AssertionError(f"{words} did not end: {said}") from None
        assert process.returncode == 0, f"{words} ended with {process.returncode}: {said}"
        return said

    def serve(self, words: list[str]) -> subprocess.Popen[str]:
        """A server that is ready. Its log goes on into the pipe, which holds the little that is left of it."""
        process = self.begin(words)
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("{") and json.loads(line)["event"] == "serving":
                return process
        raise AssertionError(f"{words} ended with {process.wait(TIMEOUT_S)}: {''.join(said)}")

    def stop(self, server: subprocess.Popen[str]) -> None:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=TIMEOUT_S)
        assert server.returncode == 0


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_of_the_readme(shell: Shell) -> None:
    """A server, an order, and a subscriber that sees it."""
    serve, *_ = lines("README.md", "pricetime serve --open")
    server = shell.serve(serve)
    try:
        (order,) = lines("README.md", "pricetime order add")
        assert "accepted" in shell.run(order)
        (subscribe,) = lines("README.md", "pricetime subscribe")
        assert "101" in shell.run(subscribe, "--until-idle", "1")
    finally:
        shell.stop(server)


def given(words: list[str], **values: str) -> list[str]:
    """A command with other values of these options, which it has."""
    words = [*words]
    for name, value in values.items():
        words[words.index("--" + name.replace("_", "-")) + 1] = value
    return words


def test_of_measuring(shell: Shell) -> None:
    """A server with its page and its metrics, load on it, and a report of the run: in a second instead of ten."""
    for package in ("starlette", "uvicorn", "prometheus_client", "hdrh", "jinja2", "matplotlib"):
        pytest.importorskip(package, reason="needs what 'pricetime[all]' brings")
    (serve,) = lines("README.md", "pricetime serve --open --http-port")
    server = shell.serve(given(serve, http_port="0", metrics_port="0"))
    try:
        (load,) = lines("README.md", "pricetime load")
        shell.run(given(load, rate="2000", seconds="1"))
    finally:
        shell.stop(server)
    assert json.loads((shell.folder / "run.json").read_text(encoding="utf-8"))["result"]["complete"]
    assert (shell.folder / "run.hlog").stat().st_size
    (report,) = lines("README.md", "pricetime report")
    shell.run(report)
    assert list(shell.folder.glob("*.html"))


def test_of_run(shell: Shell) -> None:
    """A secret, a file of settings, a journal: then an order of the owner, after the server was started anew."""
    (settings,) = [block for block in blocks(ROOT / "docs/operate/run.md") if "secrets_file" in block.text]
    (shell.folder / "exchange.toml").write_text(settings.text, encoding="utf-8")
    for secret in lines("docs/operate/run.md", "pricetime secret 7"):
        shell.run(secret)
    with_journal = [*lines("docs/operate/run.md", "pricetime serve --config exchange.toml --journal")[0]]
    with_journal[with_journal.index("--journal") + 1] = "DIR"
    order = ["pricetime", "order", "--owner", "7", "--secrets-file", "secrets.toml", "add", "bid", "5@9500"]
    for _ in range(2):
        server = shell.serve(with_journal)
        try:
            assert "accepted" in shell.run(order)
        finally:
            shell.stop(server)
    looked_at(shell)


def looked_at(shell: Shell) -> None:
    """What recover.md does with a journal, in the folder that it calls DIR."""
    for command in ("inspect", "verify", "export"):
        for words in lines("docs/operate/recover.md", f"pricetime journal {command} DIR"):
            shell.run(words)
    replay, *_ = lines("docs/operate/recover.md", "pricetime replay DIR")
    assert "digest of the books" in shell.run(replay)


def test_of_tune(shell: Shell) -> None:
    """The first commands on a machine."""
    for words in lines("docs/operate/tune.md", "pricetime info"):
        assert "form" in shell.run(words)
