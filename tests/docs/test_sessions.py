"""The sessions that the documents show in a shell: each line is taken from the page, and run as a reader would.

The processes have only the packages that the page installs before.
"""

import json
import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

import pricetime
from pricetime.farm import Script, Work, grid, in_this_process, journals, parse_values, run_tasks, sweep_tasks
from tests.docs.blocks import ROOT, blocks
from tests.docs.installed import asked_for, hide_the_rest

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
pytestmark = pytest.mark.compiled

if pricetime.COMPILED:
    from pricetime.load.server import free_udp_port, lasting_port

QUIET = {"PRICETIME_PREFAULT": "0", "PRICETIME_LOG_FORMAT": "json"}
TIMEOUT_S = 180


def lines(document: str, start: str) -> list[list[str]]:
    """The commands of pricetime in the blocks of a document, those that begin so, each as words."""
    found = [words for block in blocks(ROOT / document) if block.is_shell for words in block.commands]
    taken = [words for words in found if " ".join(words).startswith(start)]
    assert taken, f"{document} shows no {start!r} any more"
    return taken


class Shell:
    """A folder, and ports of its own in the environment, as a reader may set them."""

    def __init__(self, folder: Path, page: str = "") -> None:
        self.folder = folder
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PRICETIME_")}
        tcp, recovery, udp = str(lasting_port()), str(lasting_port()), str(free_udp_port())
        ports = {"PRICETIME_PORT": tcp, "PRICETIME_RECOVERY_PORT": recovery, "PRICETIME_FEED_PORT": udp}
        self.environment = clean | QUIET | ports
        if page:
            hidden = folder / "hidden"
            hidden.mkdir()
            path = [hide_the_rest(hidden, asked_for(blocks(ROOT / page))), os.environ.get("PYTHONPATH", "")]
            self.environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))

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


@pytest.fixture
def reader(tmp_path: Path, request: pytest.FixtureRequest) -> Shell:
    """The shell of a reader who has installed what the page, the parameter, says."""
    return Shell(tmp_path, request.param)


of_page = partial(pytest.mark.parametrize, "reader", indirect=True, ids=lambda page: Path(page).stem)


@of_page(["README.md"])
def test_of_the_readme(reader: Shell) -> None:
    """A server, an order, and a subscriber that sees it."""
    shell = reader
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


@of_page(["README.md"])
def test_of_measuring(reader: Shell) -> None:
    """A server with its page and its metrics, load on it, and a report of the run: in a second instead of ten."""
    shell = reader
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


@of_page(["README.md", "docs/how-to/trade-against-a-synthetic-market.md"])
def test_of_the_market(reader: Shell, request: pytest.FixtureRequest) -> None:
    """A market that ends by itself, without a browser."""
    page = request.node.callspec.params["reader"]
    for words in lines(page, "pricetime market"):
        assert "The market is open" in reader.run(given(words), "--no-browser", "--seconds", "0.1")


@of_page(["docs/how-to/run-with-a-journal.md"])
def test_of_a_journal(reader: Shell) -> None:
    """An order of a server that is killed is there after the next start; then each command that reads the journal."""
    page = "docs/how-to/run-with-a-journal.md"
    serve, again = lines(page, "pricetime serve")
    server = reader.serve(serve)
    try:
        (order,) = lines(page, "pricetime order add")
        assert "accepted" in reader.run(order)
    finally:
        server.kill()
        server.communicate(timeout=TIMEOUT_S)
    server = reader.serve(again)
    try:
        (listed,) = lines(page, "pricetime order list")
        assert "100" in reader.run(listed)
    finally:
        reader.stop(server)
    for command in ("journal inspect", "journal verify", "replay"):
        for words in lines(page, f"pricetime {command}"):
            reader.run(words)


@of_page(["docs/how-to/replay-many-journals.md"])
def test_of_many_journals(reader: Shell) -> None:
    """Two journals of servers, verified on a Ray of its own; then the scripts of the page, without Ray."""
    pytest.importorskip("ray", reason="needs Ray: pip install '.[farm]'")
    page = "docs/how-to/replay-many-journals.md"
    for serve, order in zip(lines(page, "pricetime serve"), lines(page, "pricetime order add"), strict=True):
        server = reader.serve(serve)
        try:
            assert "accepted" in reader.run(order)
        finally:
            reader.stop(server)
    verify, *_ = lines(page, "pricetime farm verify")
    verified = reader.run(verify, "--workers", "1")
    assert [line.split()[-1] for line in verified.splitlines() if "day " in line] == ["good", "good"]
    for block in blocks(ROOT / page):
        name = "quote.py" if "generate" in block.text else "volume.py"
        if block.language == "python":
            (reader.folder / name).write_text(block.text, encoding="utf-8")
    found = Work(in_this_process).run(
        run_tasks(Script.load(reader.folder / "volume.py"), journals([reader.folder / "journals"]))
    )
    assert [result.errors for result in found] == [[], []]
    assert all(result.result and result.result["commands"] for result in found)
    (sweep,) = lines(page, "pricetime farm sweep")
    values = dict(parse_values(words) for words in sweep if "=" in words)
    tasks = sweep_tasks(Script.load(reader.folder / "quote.py"), grid(values))
    assert len(tasks) == 30
    assert Work(in_this_process).run(tasks[:1])[0].errors == []


PAGES = [ROOT / "README.md", ROOT / "docs" / "start.md", *sorted((ROOT / "docs" / "how-to").glob("*.md"))]
WITH_SESSIONS = [str(page.relative_to(ROOT)) for page in PAGES if ">>>" in page.read_text(encoding="utf-8")]


@of_page(WITH_SESSIONS)
def test_python_with_what_the_page_installs(reader: Shell, request: pytest.FixtureRequest) -> None:
    """The sessions at a prompt need no package that the page has not told to install."""
    path = ROOT / request.node.callspec.params["reader"]
    text = re.sub("^```.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (reader.folder / "page.txt").write_text(text, encoding="utf-8")
    code = "import doctest, sys; sys.exit(doctest.testfile('page.txt', module_relative=False).failed)"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=reader.folder, env=reader.environment, timeout=TIMEOUT_S,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_package_that_is_not_installed_is_missed(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": hide_the_rest(tmp_path, set())}
    code = "import numpy, click, rich\ntry: import pytest\nexcept ModuleNotFoundError as error: print(error)"
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, timeout=TIMEOUT_S, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "the reader has not installed pytest\n"


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
