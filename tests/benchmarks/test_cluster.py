"""The benchmarks of a cluster run, and print their figures."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.compiled, pytest.mark.slow]

ROOT = Path(__file__).parents[2]


def printed(*arguments: str) -> str:
    """What a benchmark prints."""
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=120).stdout


def test_failover() -> None:
    said = printed("benchmarks.failover", "--kills", "1")
    assert "1 kills" in said
    assert "p95" in said


def test_throughput() -> None:
    said = printed("benchmarks.cluster", "--rate", "200", "--seconds", "1", "--sessions", "1", "--nodes", "1")
    assert "processor, NATS server 3" in said
