"""The types that a type checker reads for compiled classes are those of the classes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pricetime import COMPILED, Engine, OrderBook
from pricetime.feed import BookBuilder
from pricetime.ring import Idle, Ring

#: Their modules are asked together, since mypy takes long to start. Uncompiled, the others show their records too.
CLASSES = [Ring, Idle, *([OrderBook, Engine, BookBuilder] if COMPILED else [])]

#: What else a compiled module holds: constants, and functions among themselves.
NOT_PUBLIC = rf"pricetime\.(core|ring)\.\w+\.(?!({'|'.join(kind.__name__ for kind in CLASSES)})$)\w+"


def test_the_stubs_have_every_name_and_signature(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    allowed = tmp_path / "allowed"
    allowed.write_text(NOT_PUBLIC)
    command = [sys.executable, "-m", "mypy.stubtest", "--concise", "--allowlist", str(allowed)]
    modules = [kind.__module__ for kind in CLASSES]
    ran = subprocess.run([*command, *modules], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
