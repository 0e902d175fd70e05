from __future__ import annotations

import pytest
from click.testing import CliRunner

from benchmarks.joining import ATTACKS, main

pytestmark = pytest.mark.compiled


def test_joiners_are_served_under_every_attack() -> None:
    done = CliRunner().invoke(main, ["--orders", "2000", "--seconds", "0.5"], catch_exceptions=False)
    lines = done.output.splitlines()[-len(ATTACKS) :]
    assert [line.split()[0] for line in lines] == list(ATTACKS)
    assert all(int(line.split()[1]) > 0 for line in lines)
