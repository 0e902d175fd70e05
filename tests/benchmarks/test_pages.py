"""The cost of live pages is computed from the runs, and a run counts correctly."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from click.testing import CliRunner

pytest.importorskip("websockets", reason="needs the page's packages: pip install '.[web]'")

from benchmarks.pages import Conditions, Turn, main, verdict


def turns(*p99_ns: float, pages: int = 0) -> list[Turn]:
    return [Turn(1.0, ns, 0.1 + 0.02 * pages, 50 * pages, 50_000 * pages) for ns in p99_ns]


@pytest.mark.parametrize(
    ("having", "code", "said"),
    [
        ((100, 104, 99, 101, 105), 0, "within the promised 10%"),
        ((130, 131, 132, 129, 133), 1, "MORE than the promised 10%"),
        ((50, 300, 90, 20, 400), 0, "within"),  # of such a noise nothing can be said
    ],
)
def test_the_verdict(having: tuple[float, ...], code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict(turns(100, 100, 100, 100, 100), turns(*having, pages=20), 20, 5.0) == code
    printed = capsys.readouterr().out
    assert said in printed
    assert "10.0 a second, 1,000 bytes each" in printed
    assert "80 ms a second, all pages" in printed


def test_help() -> None:
    assert "--pages" in CliRunner().invoke(main, ["--help"]).output


@pytest.mark.compiled
@pytest.mark.skipif(find_spec("pydantic_settings") is None, reason="needs the server's packages")
def test_a_turn() -> None:
    conditions = Conditions(20_000.0, 1.0, 2, "cancel-heavy", None, None)
    turn = conditions.take(3)
    assert 0 < turn.p50_ns <= turn.p99_ns
    assert turn.frames >= 3  # at least one for each page: a busy machine skips frames
    assert turn.frame_bytes > 200 * turn.frames
    assert turn.busy_s > 0
