"""What a build without a C compiler does, and what a failing one says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import copy_checkout

BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    pytest.importorskip("setuptools")
    pytest.importorskip("Cython")
    copy_checkout(tmp_path / "checkout")
    return tmp_path / "checkout"


def build_wheel(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Build a wheel into the folder of the checkout, as pip does after it has installed setuptools and Cython."""
    inherited = {name: value for name, value in os.environ.items() if name != "PRICETIME_BUILD"}
    command = [sys.executable, "-c", BUILD, str(checkout)]
    return subprocess.run(
        command, cwd=checkout, env=inherited | environment, capture_output=True, text=True, check=False
    )


def test_without_a_compiler_the_wheel_is_pure_and_the_build_says_so(checkout: Path) -> None:
    built = build_wheel(checkout, CC="no-such-compiler")
    assert built.returncode == 0, built.stderr
    assert [wheel.name.split("-", 2)[2] for wheel in checkout.glob("*.whl")] == ["py3-none-any.whl"]
    assert "no working C compiler with the Python headers" in built.stderr
    assert "no-such-compiler" in built.stderr
    assert built.stderr.count("installing the uncompiled form") == 1


def test_a_compiler_without_the_python_headers_counts_as_none(checkout: Path) -> None:
    compiler = checkout / "cc"
    compiler.write_text("#!/bin/sh\necho 'Python.h: No such file or directory' >&2\nexit 1\n", encoding="utf-8")
    compiler.chmod(0o755)
    built = build_wheel(checkout, CC=str(compiler))
    assert built.returncode == 0, built.stderr
    assert "Python headers: Python.h: No such file" in built.stderr
    assert list(checkout.glob("*-py3-none-any.whl"))


def test_a_module_that_does_not_compile_fails_the_build(checkout: Path) -> None:
    """A wheel with only some of the modules compiled would not run."""
    setup = checkout / "setup.py"
    text = setup.read_text(encoding="utf-8")
    assert "*modules()," in text
    setup.write_text(text.replace("*modules(),", '"pricetime.native.memory",'), encoding="utf-8")
    compiler = checkout / "cc"
    compiler.write_text("#!/bin/sh\ncase $* in *-fsyntax-only*) exit 0; esac\nexit 1\n", encoding="utf-8")
    compiler.chmod(0o755)
    built = build_wheel(checkout, CC=str(compiler))
    assert built.returncode != 0
    assert "set PRICETIME_BUILD=pure" in built.stderr
    assert not list(checkout.glob("*.whl"))


def test_an_unknown_build_is_named(checkout: Path) -> None:
    built = build_wheel(checkout, PRICETIME_BUILD="fast")
    assert "PRICETIME_BUILD=fast is unknown: use release, develop or pure" in built.stderr
