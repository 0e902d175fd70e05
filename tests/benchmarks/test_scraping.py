from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
pytest.importorskip("prometheus_client", reason="needs the metrics' package: pip install '.[metrics]'")

from benchmarks.scraping import main

pytestmark = pytest.mark.compiled


def test_it_says_what_scrapes_cost() -> None:
    little = ["--rate", "10000", "--seconds", "0.3", "--rounds", "1", "--every", "0.05"]
    ran = CliRunner().invoke(main, [*little, "--", "--no-prefault", "--order-capacity", "100000"])
    assert ran.exit_code == 0, ran.output
    scrapes = re.search(r"were (\d+), took", ran.output)
    assert scrapes is not None
    assert int(scrapes[1]) > 0
    assert re.findall(r"^  (p\S+) +without .* ratio \d+\.\d+$", ran.output, re.MULTILINE) == ["p50", "p99", "p99.9"]
