"""The Python that the documents show runs, and prints what they show."""

import contextlib
import doctest
import io
import re
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import pricetime
from tests.docs.blocks import BLOCKS, DOCUMENTS, ROOT, Block

#: Programs, rather than sessions at a prompt. Those of this page are run by test_c_api.py.
PROGRAMS = [
    block
    for block in BLOCKS
    if block.language == "python" and ">>>" not in block.text and not block.why_not and block.path.name != "c-api.md"
]


#: Packages that examples need, by what names them in the text.
NEEDED = {"pricetime.frames": "narwhals", "import read": "narwhals", "import polars": "polars", "plot(": "matplotlib"}
NEEDED |= {"import hlog": "hdrh"}


def skip_without_packages(text: str) -> None:
    """Skip if a package of an extra is missing that this text uses."""
    for words, package in NEEDED.items():
        if words in text and find_spec(package) is None:
            pytest.skip(f"needs {package}: pip install '.[all]'")


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples write their files, if any, to a folder of their own, and draw without a display."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_session_of(path: Path) -> None:
    if path.name == "ring.md" and not pricetime.COMPILED:
        pytest.skip("a ring needs the compiled form")
    skip_without_packages("\n".join(block.text for block in BLOCKS if block.path == path and ">>>" in block.text))
    text = re.sub("^```.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)  # else it ends the output
    examples = doctest.DocTestParser().get_doctest(text, {}, path.name, str(path), 0)
    said: list[str] = []
    outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples, out=said.append)
    assert not outcome.failed, "".join(said)


@pytest.fixture(scope="module")
def exchange() -> Iterator[int]:
    """One that clients and subscribers find whatever address they are given: that of the documents may be taken.

    Yields its port for orders.
    """
    pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
    if not pricetime.COMPILED:
        pytest.skip("an exchange needs the compiled form")
    from pricetime import client as package
    from tests.cli.served import served

    with served("--open") as server, pytest.MonkeyPatch.context() as patch:
        client, async_client, subscriber = package.Client, package.AsyncClient, package.Subscriber

        def here(*_: object, **more: Any) -> Any:
            return client(server.host, server.port, **more)

        def here_too(*_: object, **more: Any) -> Any:
            return async_client(server.host, server.port, **more)

        def listening(*_: object, **more: Any) -> Any:
            return subscriber(server.group, server.feed_port, **more | {"recovery": server.recovery})

        def of_all(kind: Any, partitions: dict[str, Any], **more: Any) -> Any:
            name, first = next(iter(partitions.items()))  # an owner has one session with the one exchange
            return kind({name: first._replace(addresses=[f"{server.host}:{server.port}"])}, **more)

        patch.setattr(package, "PartitionedClient", partial(of_all, package.PartitionedClient))
        patch.setattr(package, "AsyncPartitionedClient", partial(of_all, package.AsyncPartitionedClient))
        patch.setattr(package, "Client", here)
        patch.setattr(package, "AsyncClient", here_too)
        patch.setattr(package, "Subscriber", listening)
        patch.setattr(package, "fetch_instruments", partial(package.fetch_instruments, *server.recovery))
        yield server.port


@pytest.mark.compiled
@pytest.mark.parametrize("block", PROGRAMS, ids=lambda block: block.name)
def test_the_program(block: Block, request: pytest.FixtureRequest) -> None:
    """It ends by itself, and what it prints is what a comment behind the call says."""
    skip_without_packages(block.text)
    text = block.text
    if "pricetime.client" in text:
        request.getfixturevalue("exchange")
    elif "import socket" in text:
        text = text.replace("7001", str(request.getfixturevalue("exchange")))
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(text, block.name, "exec"), {"secret": b""})
    for wanted in re.findall(r"^ *print\(.*\)  # (.*)$", block.text, re.MULTILINE):
        assert wanted in out.getvalue().splitlines()
