"""No float anywhere in ``core/``: prices and quantities are whole numbers on every machine."""

import ast
import re
from pathlib import Path

import pytest

import pricetime

CORE = Path(pricetime.__file__).parent / "core"
SOURCES = sorted(CORE.glob("*.py"))
COMPILED = [path for path in SOURCES if path.with_suffix(".pxd").exists() and path.stem != "layout"]

#: In C: a type, a literal, or one of Python's floating-point operations.
FLOAT_IN_C = re.compile(
    r"\b(float|double)\b|PyFloat|TrueDivide|\b\d+\.\d*|\b\d+e[-+]?\d+\b|\b(fabs|ceil|pow|sqrt|round)\w*\("
)

#: What Cython writes for each of our functions, their argument wrappers included.
FUNCTION = re.compile(
    r"^(?:static |extern )[^;{}=]*\b(__pyx_\w*?9pricetime_4core_\w+)\([^;{}]*\) \{\n(.*?)^\}$", re.M | re.S
)


def is_float(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float | complex)
    if isinstance(node, ast.BinOp | ast.AugAssign):
        return isinstance(node.op, ast.Div)
    if isinstance(node, ast.Import | ast.ImportFrom):
        return re.search(r"\bc?math\b", ast.unparse(node)) is not None
    return isinstance(node, ast.Name | ast.Attribute) and re.search("float|double", ast.unparse(node)) is not None


def floats_in(source: str) -> list[str]:
    return [ast.unparse(node) for node in ast.walk(ast.parse(source)) if is_float(node)]


def without_comments(text: str, comment: str) -> str:
    return re.sub(comment, "", text, flags=re.S)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_source(path: Path) -> None:
    assert floats_in(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", sorted(CORE.glob("*.pxd")), ids=lambda path: path.name)
def test_schema(path: Path) -> None:
    text = without_comments(path.read_text(encoding="utf-8"), r"#[^\n]*")
    assert not re.search(r"\b(float|double|libc\.math)\b", text)


@pytest.mark.compiled
@pytest.mark.parametrize("path", COMPILED, ids=lambda path: path.name)
def test_generated_c(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("Cython", reason="Cython is not installed: pip install '.[dev]'")
    from Cython.Compiler.Main import compile_single
    from Cython.Compiler.Options import CompilationOptions

    options = CompilationOptions(
        output_file=str(tmp_path / f"{path.stem}.c"), include_path=[str(CORE.parents[1])], language_level=3
    )
    result = compile_single(str(path), options, full_module_name=f"pricetime.core.{path.stem}")
    assert result.num_errors == 0
    functions = FUNCTION.findall(Path(result.c_file).read_text(encoding="utf-8"))
    ours = [name for name, _ in functions if f"4core_{len(path.stem)}{path.stem}_" in name]
    assert len(ours) >= len(re.findall(r"^ *def ", path.read_text(encoding="utf-8"), re.M)) // 2
    for name, body in functions:
        code = without_comments(body, r"/\*.*?\*/|\"(?:[^\"\\]|\\.)*\"|^ *#line[^\n]*")
        assert not FLOAT_IN_C.search(code), f"{name}: {FLOAT_IN_C.search(code)}"


def test_floats_would_be_found() -> None:
    assert len(floats_in("import math\nx = 1.5\ny = a / b\na /= 2\nz: cython.double = float(x)")) >= 6
    for code in ("double x;", "(float)y", "x * 0.5", "1e9", "PyFloat_FromDouble(x)", "ceil(x)"):
        assert FLOAT_IN_C.search(code)
    for code in ("__pyx_v_floating + 0x1F5", "PyLong_FromLong(1)", "x >> 6", "__pyx_L1_error:;"):
        assert not FLOAT_IN_C.search(code)
