from __future__ import annotations

from pathlib import Path

import pytest

from pricetime.cli import exchange_day
from pricetime.cli.exchange_day import BooksDiffer, Day, ReportsDiffer
from pricetime.measure.plan import make_plans
from tests.cli.run import figures, good

pytestmark = pytest.mark.compiled


def test_a_server_is_killed_in_the_middle_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_day, "CHUNK", 8_000)
    text = good("demo", "--exchange", "--orders", "40000", "--rate", "80000")
    found = {name: value.replace(",", "") for name, value in figures(text).items()}
    assert found["orders, cancels, changes sent"] == found["each answered, once"]
    assert int(found["the last of them, asked for again: the same"]) == 4 * exchange_day.REMEMBERED
    assert int(found["reports that the clients had been told"]) > 16_000
    assert "killed with SIGKILL after" in text
    assert float(found["until it took orders again, s"]) > 0
    assert int(found["commands after it that were run again"]) > 8_000


def test_a_report_that_changed_ends_the_demo(tmp_path: Path) -> None:
    first, _ = make_plans("balanced", 1, exchange_day.CLIENTS)
    with Day(str(tmp_path)) as day:
        day.load.send(first)
        day.load.wait_answered()
        recent = day.recent()
        assert day.ask_again(recent) > 1_000
        recent[2]["price"][-1] += 1
        with pytest.raises(ReportsDiffer, match="client 2 was told something else before the kill"):
            day.ask_again(recent)


def test_books_that_differ_end_the_demo() -> None:
    class Subscriber:
        def digest(self) -> int:
            return 1

    assert exchange_day.compared(Subscriber(), f"{1:016x}") == f"{1:016x}"  # type: ignore[arg-type]
    with pytest.raises(BooksDiffer, match="0000000000000001, the exchange's 2"):
        exchange_day.compared(Subscriber(), "2")  # type: ignore[arg-type]
