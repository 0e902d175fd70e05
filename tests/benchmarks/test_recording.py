"""The benchmark of timing finishes, with a row for each rate."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")

from benchmarks import recording


@pytest.mark.compiled
def test_it_prints_every_rate() -> None:
    ran = CliRunner().invoke(recording.main, ["--rounds", "5", "--part", "200"], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    lines = ran.output.splitlines()[-len(recording.RATES) :]
    assert lines[0].split()[0] == "none"
    for every, line in zip(recording.RATES[1:], lines[1:], strict=True):
        assert line.startswith(f"  one of {every} ")
        assert float(line.split()[3]) > 0
