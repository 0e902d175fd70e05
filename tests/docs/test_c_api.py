"""The callers shown in c-api.md compile and run unchanged."""

import importlib.util
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

import pricetime

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "c-api.md"
INCLUDE = Path(pricetime.__file__).parent / "include"

pytestmark = pytest.mark.compiled


def shown(section: str, language: str) -> str:
    """The code of one section of the page."""
    after = PAGE.read_text(encoding="utf-8").split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    code = "".join(re.findall(rf"^```{language}\n(.*?)^```$", after, re.MULTILINE | re.DOTALL))
    return str(code)


def compiler() -> str:
    found = shutil.which((sysconfig.get_config_var("CC") or "cc").split()[0]) or shutil.which("cc")
    if found is None or not Path(sysconfig.get_path("include"), "Python.h").exists():
        pytest.skip("no C compiler, or no Python headers, to build a caller with")
    return found


def build(source: Path, target: Path) -> None:
    python = f"-I{sysconfig.get_path('include')}"
    undefined = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
    command = [
        compiler(),
        "-shared",
        "-fPIC",
        "-Wall",
        f"-I{INCLUDE}",
        python,
        *undefined,
        "-o",
        str(target),
        str(source),
    ]
    subprocess.run(command, check=True)


def run(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(code, names)
    return names


def test_ctypes() -> None:
    names = run(shown("ctypes", "python"))
    assert names["made"] == 3
    assert names["reports"]["kind"].tolist() == [1, 1, 2]
    assert names["reports"][2]["quantity"] == 3


def test_numba() -> None:
    pytest.importorskip("numba", reason="Numba is not installed")
    assert run(shown("Numba", "python"))["best"] == 1099


def test_c(tmp_path: Path) -> None:
    """The function of the page finds what the capsules hold, from a module of its own."""
    import ctypes

    source, library = tmp_path / "caller.c", tmp_path / "caller.so"
    source.write_text(shown("C", "c") + "void *find(const char *name) { return c_function(name); }\n")
    build(source, library)
    find = ctypes.PyDLL(str(library)).find
    find.restype, find.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
    open_books = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint32, ctypes.c_ulonglong, ctypes.c_ulonglong)(
        find(b"open_books")
    )
    close_books = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(find(b"close_books"))
    books = open_books(1, 10, 10)
    assert books is not None
    close_books(books)
    with pytest.raises(KeyError):
        find(b"no_such_function")


def test_cython(tmp_path: Path) -> None:
    pytest.importorskip("Cython", reason="Cython is not installed")
    compiler()
    source, target = tmp_path / "caller.pyx", tmp_path / "caller.so"
    source.write_text(shown("Cython", "cython"))
    path = str(Path(pricetime.__file__).parents[1])
    subprocess.run([sys.executable, "-m", "cython", "--include-dir", path, source.name], cwd=tmp_path, check=True)
    build(source.with_suffix(".c"), target)
    spec = importlib.util.spec_from_file_location("caller", target)
    assert spec is not None
    assert spec.loader is not None
    caller = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(caller)
    assert caller.best_bid_after(100, 5) == 100
    assert caller.best_bid_after(-7, 5) == -7
