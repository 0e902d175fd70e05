"""Every public call on the pages of the reference has an example that a test runs."""

import ast
import doctest
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import pricetime
from tests.docs.blocks import ROOT, blocks

griffe = pytest.importorskip("griffe", reason="needs griffe, which reads sources: pip install '.[docs]'")
yaml = pytest.importorskip("yaml", reason="needs PyYAML, which mkdocs brings: pip install '.[docs]'")

SOURCE = Path(pricetime.__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "reference" / "python").glob("*.md"))

#: Of the schema that compiled callers read, not of Python.
FOR_COMPILED = {"claimed", "claimed_run", "peeked", "peeked_run", "is_closed", "end"}


@pytest.fixture(scope="module")
def package() -> griffe.Module:  # type: ignore[name-defined] # griffe may be missing
    return griffe.load("pricetime", search_paths=[SOURCE], allow_inspection=False)


def shown(page: Path) -> Iterator[tuple[str, list[str] | None]]:
    """The names that a page documents, each with the members that it lists, or None for all."""
    text = page.read_text(encoding="utf-8")
    for match in re.finditer(r"^::: (?P<name>[\w.]+)\n(?P<options>(?: {4}.*\n?)*)", text, re.MULTILINE):
        options = yaml.safe_load(match["options"]) or {}
        yield match["name"], options.get("options", {}).get("members")


def calls(thing: griffe.Object, members: list[str] | None) -> Iterator[griffe.Function]:  # type: ignore[name-defined]
    """The functions and methods that the page shows of a module or class: those of its classes too."""
    for name, member in thing.members.items():
        if name.startswith("_") or name in FOR_COMPILED or (members is not None and name not in members):
            continue
        if member.is_alias and members is None:
            continue  # imported: shown where it is defined
        found = member.final_target if member.is_alias else member
        if found.is_class:
            yield from calls(found, None)
        elif found.is_function and "property" not in found.labels:
            yield found


def called(code: str) -> set[str]:
    """The names that a piece of code calls."""
    targets = [node.func for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    methods = {node.attr for node in targets if isinstance(node, ast.Attribute)}
    return methods | {node.id for node in targets if isinstance(node, ast.Name)}


def in_sessions(text: str) -> set[str]:
    """What the sessions at a prompt in a text call."""
    return set[str]().union(*(called(example.source) for example in doctest.DocTestParser().get_examples(text)))


def on_page(page: Path) -> set[str]:
    """What the examples of a page call."""
    python = [block.text for block in blocks(page) if block.language == "python"]
    return set[str]().union(*(in_sessions(text) if ">>>" in text else called(text) for text in python))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_call_has_an_example(package: griffe.Module, page: Path) -> None:  # type: ignore[name-defined]
    examples, missing = on_page(page), []
    for name, members in shown(page):
        thing = package[name.removeprefix("pricetime.")]
        for function in [thing] if thing.is_function else calls(thing, members):
            own = function.docstring.value if function.docstring else ""
            owner = function.parent.docstring.value if function.parent and function.parent.docstring else ""
            if function.name not in examples | in_sessions(own) | in_sessions(owner):
                missing.append(function.path)
    assert missing == []


def test_a_call_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\n>>> book.add_order(1)\n1\n```\n\n```python\nfeed = Subscriber()\nfeed.poll(1)\n```\n")
    assert on_page(page) == {"add_order", "Subscriber", "poll"}
