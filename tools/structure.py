"""Writes which package imports which: the list in CONTRIBUTING.md and the picture in docs/internals/structure.md.

``make structure`` writes both from the sources. A test checks that both are current, that no import goes up the list
``PARTS``, and that no files import each other in a circle.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "pricetime"

#: Parts of pricetime. Each imports only from itself and from parts before it. "" is the package's ``__init__``.
PARTS = [
    "types", "phases", "errors", "checks", "extras", "environment", "address",
    "auctions", "prices", "owner_limits", "profiles", "standing", "explanation", "execution", "ladder", "depth",
    "native", "_form", "reference", "core", "", "frames", "ring", "wire", "log", "farm",
    "exchange.state", "exchange.settings", "exchange.io", "exchange.standby", "exchange.exchange",
    "exchange.control", "exchange",
    "client", "tape", "load", "cluster", "web", "market", "cli", "__main__",
]  # fmt: skip

#: Parts that are one file: shown as one node of the picture.
VOCABULARY = "vocabulary"

LIST_BEGINS, LIST_ENDS = "<!-- make structure -->\n", "<!-- end -->\n"
PICTURE = ROOT / "docs" / "internals" / "structure.md"


def name_of(path: Path) -> str:
    """The module of a source file, without ``pricetime.``; "" for the package itself."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> frozenset[str]:
    """All modules, and the schemas that only the compiler reads."""
    return frozenset(name_of(path) for kind in ("py", "pxd") for path in SOURCE.rglob(f"*.{kind}"))


def part_of(module: str) -> str:
    """The part that a module belongs to. Raises ValueError for a module of no part."""
    names = module.split(".")
    for length in (2, 1):
        if (part := ".".join(names[:length])) in PARTS:
            return part
    raise ValueError(f"{module} is in no part: add its package to PARTS in tools/structure.py")


def imports(path: Path) -> set[str]:
    """The modules of pricetime that a file imports or cimports, in any of its lines."""
    found = _cimports(path) if path.suffix == ".pxd" else _imports(path)
    return {module if module in modules() else module.rpartition(".")[0] for module in found} - {name_of(path)}


def _cimports(path: Path) -> Iterator[str]:
    for module, names in re.findall(r"^from pricetime\.([\w.]+) cimport ([\w(*]+)", path.read_text("utf-8"), re.M):
        yield f"{module}.{names}"


def _imports(path: Path) -> Iterator[str]:
    package = path.relative_to(SOURCE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = [*package[: len(package) - node.level + 1], *filter(None, [node.module])]
            names = [".".join(["pricetime", *base, alias.name]) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{str(node.module).removeprefix('cython.cimports.')}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name.partition(".")[2] for name in names if name.split(".")[0] == "pricetime")


@cache
def module_imports() -> dict[str, set[str]]:
    """What each module imports: {module: modules}."""
    found: dict[str, set[str]] = {name: set() for name in modules()}
    for path in (path for kind in ("py", "pxd", "pyi") for path in SOURCE.rglob(f"*.{kind}")):
        found[name_of(path)] |= imports(path) & modules()
    return found


def upward() -> list[str]:
    """The imports that go up the list, as ``module imports module``."""
    place = {part: at for at, part in enumerate(PARTS)}
    return sorted(
        f"{module} imports {other}"
        for module, others in module_imports().items()
        for other in others
        if place[part_of(other)] > place[part_of(module)]
    )


def in_order() -> list[str]:
    """All modules, each after those that it imports. Raises graphlib.CycleError if files import each other."""
    return list(TopologicalSorter(module_imports()).static_order())


def part_imports() -> dict[str, set[str]]:
    """What each package imports directly, without what it imports through one of these: {package: packages}."""
    whole: dict[str, set[str]] = {}
    for module, others in module_imports().items():
        mine = whole.setdefault(_node(module), set())
        mine |= {_node(other) for other in others} - {_node(module)}
    return {part: _direct(part, whole) for part in _in_list_order(whole)}


def _node(module: str) -> str:
    part = part_of(module)
    return VOCABULARY if PARTS.index(part) < PARTS.index("native") else part or "pricetime"


def _in_list_order(names: dict[str, set[str]]) -> list[str]:
    place = {VOCABULARY: -1, **{part or "pricetime": at for at, part in enumerate(PARTS)}}
    return sorted(names, key=place.__getitem__)


def _direct(part: str, whole: dict[str, set[str]]) -> set[str]:
    def reached(start: str) -> set[str]:
        return {start}.union(*(reached(other) for other in whole[start]))

    return {other for other in whole[part] if not any(other in reached(step) for step in whole[part] - {other})}


def described(part: str) -> str:
    """The first sentence of a part's docstring."""
    base = SOURCE.joinpath(*part.split(".")) if part else SOURCE
    path = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    if not text:
        raise ValueError(f"{path} has no docstring")
    return re.split(r"(?<=\.)\s", text, maxsplit=1)[0].rstrip(".:")


def listed() -> str:
    """The numbered list for CONTRIBUTING.md."""
    lines = [f"{at}. `{part or 'pricetime'}`: {described(part)}." for at, part in enumerate(PARTS, 1)]
    return "\n".join(lines) + "\n"


def picture() -> str:
    """The page with the picture, as Mermaid."""
    lines = [f'    {_id(part)}["{part}"]' for part in part_imports()]
    for part, others in part_imports().items():
        lines += [f"    {_id(part)} --> {_id(other)}" for other in sorted(others)]
    return PAGE.format("\n".join(lines))


def _id(part: str) -> str:
    return part.replace(".", "_")


PAGE = """\
# Packages

An arrow leads from a package to one that it imports; what it reaches through a package between has no arrow of its own.
`vocabulary` stands for the files of `pricetime` that import no package, such as `types.py` and `errors.py`.
[CONTRIBUTING](../../CONTRIBUTING.md#layers) says what each package holds. `make structure` writes this page.

```mermaid
flowchart TD
{}
```
"""


def with_list(text: str) -> str:
    """CONTRIBUTING.md with the current list."""
    before, _, rest = text.partition(LIST_BEGINS)
    return before + LIST_BEGINS + "\n" + listed() + "\n" + LIST_ENDS + rest.partition(LIST_ENDS)[2]


def main() -> None:
    contributing = ROOT / "CONTRIBUTING.md"
    contributing.write_text(with_list(contributing.read_text("utf-8")), "utf-8")
    PICTURE.write_text(picture(), "utf-8")


if __name__ == "__main__":
    main()
