"""A user's type checker sees the types of compiled classes, which are in their sources."""

import subprocess
import sys
from pathlib import Path

import pytest

#: Strict, so that a comment that ignores no error is one.
CODE = """
from typing import assert_type
from pricetime import BID, Execution, OrderBook
from pricetime.native.mapping import Mapping
from pricetime.ring import Idle, Ring

book = OrderBook(1000)
assert_type(book.add_order(1, BID, 100, 5, owner=3), Execution)
assert_type(book.best_bid, int | None)
book.add_order("1", BID, 100, 5)  # type: ignore[arg-type]
ring = Ring(8, idle=Idle("pause"))
assert_type(ring.capacity, int)
assert_type(ring.get_many(10, timeout=1.5), list[bytes])
ring.put("text")  # type: ignore[arg-type]
ring.idle.spins = 3  # type: ignore[misc]
assert_type(ring.check(), None)
memoryview(Mapping(3, 4096))
"""


def test_a_type_checker_sees_signatures(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "code.py").write_text(CODE)
    command = [sys.executable, "-m", "mypy", "--strict", "code.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
