from __future__ import annotations

import pytest
from click.testing import CliRunner

from benchmarks import mass_cancel

pytestmark = pytest.mark.compiled


def test_a_round_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mass_cancel, "QUIET_S", 0.2)
    done = CliRunner().invoke(mass_cancel.main, ["--orders", "3000", "--rounds", "1"], catch_exceptions=False)
    lines = done.output.splitlines()[-4:]
    assert [line.split("  ")[0].strip() for line in lines] == [
        "nothing else",
        "mass cancel",
        "nothing else",
        "disconnect",
    ]
    assert all(int(line.split()[-4].replace(",", "")) > 0 for line in lines)
