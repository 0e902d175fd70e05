"""What imports what, and what is written about it."""

from graphlib import CycleError
from pathlib import Path

import pytest

from tools import structure


def test_every_module_is_in_a_part() -> None:
    assert {structure.part_of(module) for module in structure.modules()} == set(structure.PARTS)


def test_no_import_goes_up_the_list() -> None:
    assert structure.upward() == []


def test_no_files_import_each_other() -> None:
    assert set(structure.in_order()) == structure.modules()


def test_both_kinds_of_import_are_seen() -> None:
    assert {"native.bits", "core.layout"} <= structure.imports(structure.SOURCE / "core" / "book.pxd")  # cimports
    assert "core.engine" in structure.imports(structure.SOURCE / "__init__.py")
    assert "errors" in structure.imports(structure.SOURCE / "checks.py")  # from . import errors
    assert "core.layout" in structure.module_imports()["wire.layout"]  # of a schema that has no .py


def test_an_import_up_the_list_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        structure, "module_imports", lambda: {"native.bits": {"core.book"}, "core.book": {"native.bits"}}
    )
    assert structure.upward() == ["native.bits imports core.book"]
    with pytest.raises(CycleError):
        structure.in_order()


def test_list_and_picture_are_current() -> None:
    contributing = (structure.ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert structure.with_list(contributing) == contributing, "run: make structure"
    assert structure.picture() == structure.PICTURE.read_text("utf-8"), "run: make structure"


def test_a_package_without_a_part_is_named() -> None:
    with pytest.raises(ValueError, match=r"tools/structure\.py"):
        structure.part_of("nowhere.file")


def test_a_part_without_a_docstring_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structure, "SOURCE", tmp_path)
    (tmp_path / "bare.py").write_text("x = 1\n")
    with pytest.raises(ValueError, match="no docstring"):
        structure.described("bare")
