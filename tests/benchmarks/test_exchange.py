"""The benchmark of the exchange prints latencies, processor times and open pages."""

import re
from importlib.util import find_spec

import pytest
from click.testing import CliRunner

from benchmarks import exchange, stalls

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(find_spec("pydantic_settings") is None, reason="needs the server's packages"),
    pytest.mark.skipif(find_spec("websockets") is None, reason="needs the page's packages: pip install '.[web]'"),
]


def test_a_run_with_open_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stalls, "measure", lambda: stalls.Stalls(1.0, []))
    chosen = ["--rate", "20000", "--seconds", "1", "--sessions", "2", "--preset", "cancel-heavy", "--pages", "3"]
    ran = CliRunner().invoke(exchange.main, chosen)
    assert ran.exit_code == 0, ran.output
    assert "equal to the server's" in ran.output
    for who in ("event loop", "main thread", "other threads", "load generator", "subscriber"):
        found = re.search(rf"processor, {who} *([\d,]+) ns an order", ran.output)
        assert found is not None
        assert int(found[1].replace(",", "")) >= 0
    frames = re.search(r"3: ([\d,]+) frames, ([\d,]+) bytes each", ran.output)
    assert frames is not None
    assert int(frames[1].replace(",", "")) >= 3  # at least one for each page: a busy machine skips frames
    assert int(frames[2].replace(",", "")) > 200
