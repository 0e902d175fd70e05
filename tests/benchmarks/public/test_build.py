"""The library of the public benchmark is built from the sources here, and the build names what is missing."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

import pricetime
from benchmarks.build import NotCompiled
from benchmarks.public import build


def test_what_it_is_made_of() -> None:
    names = {path.name for path in build.sources()}
    assert {"pricetime_adapter.py", "pricetime_adapter.pxd", "abi.pxd", "book.pxd", "ring.pxd"} <= names


def test_another_python_is_another_library() -> None:
    assert build.fingerprint(Path("libpython3.so")) != build.fingerprint(Path("libpython4.so"))


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
