"""The benchmark of an expiry on a server runs, and its table has both rows of a round."""

from pathlib import Path

from click.testing import CliRunner

from benchmarks import expiry


def test_the_command(tmp_path: Path) -> None:
    small = ["--orders", "3000", "--lead", "5", "--rounds", "1", "--output", str(tmp_path)]
    ran = CliRunner().invoke(expiry.main, small)
    assert ran.exit_code == 0, ran.output
    written = (tmp_path / "expiry.md").read_text(encoding="utf-8")
    for row in ("| 1 | nothing expires |", "| 1 | 3,000 orders expire |", "the expiry took"):
        assert row in written


def test_orders_that_take_longer_than_the_lead(tmp_path: Path) -> None:
    ran = CliRunner().invoke(
        expiry.main, ["--orders", "10", "--lead", "0.5", "--rounds", "1", "--output", str(tmp_path)]
    )
    assert ran.exit_code == 1
    assert "give a longer --lead" in ran.output
