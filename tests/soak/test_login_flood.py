"""10,000 connections that never log in, while clients do: they cost little and keep no client out."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
pytest.importorskip("structlog", reason="needs the server's packages: pip install '.[server]'")

from tests.exchange.control.test_login import flood, opened

CONNECTIONS = 10_000
MOST_BYTES = 16 << 20
PEAK_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024


@contextmanager
def many_files(wanted: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"needs {wanted} descriptors: ulimit -Hn says {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_connections_that_never_log_in_cost_little() -> None:
    with many_files(CONNECTIONS + 1_000), opened() as door:
        flood(door, 100)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        flood(door, CONNECTIONS)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * PEAK_UNIT_BYTES
        assert grown < MOST_BYTES  # of both ends: this process holds the clients as well
