"""The benchmark of snapshots finishes and restores equal books."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from benchmarks import snapshot


def test_it_prints_every_step(tmp_path: Path) -> None:
    options = ["--orders", "500", "--owners", "7", "--instruments", "3", "--rounds", "2", "--folder", str(tmp_path)]
    ran = CliRunner().invoke(snapshot.main, options, catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    for step in snapshot.STEPS:
        assert f"  {step}" in ran.output
    assert list(tmp_path.iterdir()) == []
