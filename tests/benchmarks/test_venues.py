"""The benchmark of the rules of venues runs, and its table has a row for each figure."""

from pathlib import Path

from click.testing import CliRunner

from benchmarks import venues


def test_the_command(tmp_path: Path) -> None:
    small = ["--orders", "2000", "--stops", "50", "--commands", "500", "--rounds", "2", "--output", str(tmp_path)]
    ran = CliRunner().invoke(venues.main, small)
    assert ran.exit_code == 0, ran.output
    written = (tmp_path / "venues.md").read_text(encoding="utf-8")
    for row in ("2,000 GTC orders", "2,000 DAY orders", "50 stop orders", "512 of 2,000 GTD orders", "M commands/s"):
        assert row in written
    assert written.count("| uncross") == 2
