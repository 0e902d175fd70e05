"""An exchange at its maximum rate for MINUTES: all books agree at the end, and its memory does not grow."""

from __future__ import annotations

import os
import time

import pytest

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")

SECONDS = 60 * float(os.environ.get("MINUTES", "0.1")) / 2
pytestmark = pytest.mark.compiled


def test_an_exchange_stays_right_and_no_larger() -> None:
    from tests.exchange.blast import Blast, resident_bytes

    with Blast(owners=4, commands=200_000) as blast:
        end = time.monotonic() + SECONDS
        blast.send(5)
        early = resident_bytes()
        while time.monotonic() < end:
            blast.send(5)
        answered, reports = blast.finish()
        grown = resident_bytes() - early
        print(f"{answered:,} commands, {reports:,} reports, {grown / 2**20:.1f} MiB more")
        assert answered == blast.sent
        assert grown < 8 << 20
        assert not blast.exchange.follower.failure
        assert blast.exchange.digest() == blast.exchange.follower.snapshot().digest
