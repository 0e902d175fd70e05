"""The stubs of compiled classes have the names and signatures of the classes."""

import subprocess
import sys
from pathlib import Path

import pytest

#: Classes by module, checked together, because mypy is slow to start.
CLASSES = {
    "pricetime.core.order_book": "OrderBook",
    "pricetime.core.engine": "Engine",
    "pricetime.core.builder": "BookBuilder",
    "pricetime.core.passive_book": "PassiveBook",
    "pricetime.execution": "Execution",
}

#: Private names of compiled modules: constants and internal functions.
NOT_PUBLIC = rf"pricetime\.(core\.)?\w+\.(?!({'|'.join(CLASSES.values())}|Trade)$)\w+"


@pytest.mark.compiled
def test_the_stubs_have_every_name_and_signature(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    allowed = tmp_path / "allowed"
    allowed.write_text(NOT_PUBLIC)
    command = [sys.executable, "-m", "mypy.stubtest", "--concise", "--allowlist", str(allowed)]
    ran = subprocess.run([*command, *CLASSES], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
