"""The library of the public benchmark is built from the sources here, and the build names what is missing."""

import sysconfig
from pathlib import Path

import pytest

import pricetime
from benchmarks.build import NotCompiled
from benchmarks.public import build


def test_it_is_built_again_if_a_source_or_the_python_changes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[str] = []

    def record(name: str, used: list[Path], _: object, what: str) -> Path:
        assert {"pricetime_adapter.py", "pricetime_adapter.pxd", "abi.pxd", "book.pxd", "ring.pxd"} <= {
            path.name for path in used
        }
        made.append(what)
        return tmp_path

    monkeypatch.setattr(build, "built", record)
    monkeypatch.setattr(pricetime, "COMPILED", True)
    for python in (Path("libpython3.so"), Path("libpython4.so")):
        monkeypatch.setattr(build, "library_of_python", lambda python=python: python)
        assert build.library() == tmp_path / "pricetime_adapter.so"
    assert len(set(made)) == 2


def test_a_path_as_a_string_of_c() -> None:
    assert build.quoted('a "b" \\c') == r'"a \"b\" \\c"'


def test_a_python_that_is_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"LIBDIR": "/nowhere", "INSTSONAME": "libpython3.a", "Py_ENABLE_SHARED": 0}
    monkeypatch.setattr(sysconfig, "get_config_var", values.get)
    with pytest.raises(NotCompiled, match="apt install libpython3-dev"):
        build.library_of_python()


def test_the_pure_form_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pricetime, "COMPILED", False)
    with pytest.raises(NotCompiled, match="unset PRICETIME_PURE"):
        build.library()
