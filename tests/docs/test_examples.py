"""The Python sessions in the documents give the results shown."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
from collections.abc import Iterator
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


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_session_of(path: Path) -> None:
    text = re.sub("^```.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)  # else it ends the output
    examples = doctest.DocTestParser().get_doctest(text, {}, path.name, str(path), 0)
    said: list[str] = []
    outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples, out=said.append)
    assert not outcome.failed, "".join(said)


@pytest.fixture(scope="module")
def exchange() -> Iterator[None]:
    """One that a Client and a Subscriber find whatever address they are given: that of the documents may be taken."""
    pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
    if not pricetime.COMPILED:
        pytest.skip("an exchange is of the compiled form alone")
    from pricetime import feed
    from tests.cli.served import served

    with served("--open") as server, pytest.MonkeyPatch.context() as patch:
        client, subscriber = feed.Client, feed.Subscriber

        def here(*_: object, **more: Any) -> Any:
            return client(server.host, server.port, **more)

        def listening(*_: object, **more: Any) -> Any:
            return subscriber(server.group, server.feed_port, **more | {"recovery": server.recovery})

        patch.setattr(feed, "Client", here)
        patch.setattr(feed, "Subscriber", listening)
        yield


@pytest.mark.compiled
@pytest.mark.parametrize("block", PROGRAMS, ids=lambda block: block.name)
def test_the_program(block: Block, request: pytest.FixtureRequest) -> None:
    """It ends by itself, and what it prints is what a comment behind the call says."""
    if "pricetime.feed" in block.text:
        request.getfixturevalue("exchange")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(block.text, block.name, "exec"), {"secret": b""})
    for wanted in re.findall(r"^ *print\(.*\)  # (.*)$", block.text, re.MULTILINE):
        assert wanted in out.getvalue().splitlines()
