"""The types that a type checker reads for the compiled classes are those of the classes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pricetime import Engine, OrderBook
from pricetime.feed import BookBuilder

#: What else a compiled module holds: constants and the functions of the core among themselves.
NOT_PUBLIC = r"pricetime\.core\.\w+\.(?!OrderBook$|Engine$|BookBuilder$)\w+"


@pytest.mark.compiled
def test_the_stubs_have_every_name_and_signature(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    allowed = tmp_path / "allowed"
    allowed.write_text(NOT_PUBLIC)
    command = [sys.executable, "-m", "mypy.stubtest", "--concise", "--allowlist", str(allowed)]
    modules = [OrderBook.__module__, Engine.__module__, BookBuilder.__module__]
    ran = subprocess.run([*command, *modules], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
