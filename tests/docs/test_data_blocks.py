"""Every code block names its language, and a test checks it or the block says why it is not run."""

import json
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.docs.blocks import BLOCKS, SHELLS, Block, blocks

#: Blocks that are marked as not run, in all documents. One more is a decision: find a way to run it first.
NOT_RUN = 0

#: Languages, and the tests that take their blocks.
TAKEN = {"python", "toml", "json", "yaml", "html", "mermaid", "c", "cython", "text", ""} | SHELLS


def test_every_language_is_taken_by_a_test() -> None:
    assert {block.language for block in BLOCKS} <= TAKEN


def test_what_is_not_run_is_counted() -> None:
    assert len([block for block in BLOCKS if block.why_not]) == NOT_RUN


def test_a_block_says_that_it_is_not_run(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- not run: it needs a moon -->\n```sh\nmake tides\n```\n\n- in a list\n\n  ```json\n  {}\n  ```\n"
    )
    first, second = blocks(page)
    assert (first.line, first.language, first.why_not, first.commands) == (
        2,
        "sh",
        "it needs a moon",
        [["make", "tides"]],
    )
    assert (second.line, second.language, second.why_not, second.text) == (8, "json", None, "{}\n")


def parsed(block: Block) -> object:
    if block.language == "toml":
        return tomllib.loads(block.text)
    if block.language == "json":
        return json.loads(block.text)
    yaml = pytest.importorskip("yaml", reason="needs PyYAML, which mkdocs brings: pip install '.[docs]'")
    return yaml.safe_load(block.text)


DATA = [block for block in BLOCKS if block.language in {"toml", "json", "yaml"} and not block.why_not]


@pytest.mark.parametrize("block", DATA, ids=lambda block: block.name)
def test_data(block: Block) -> None:
    assert parsed(block)


def test_c_is_of_the_page_whose_test_compiles_it() -> None:
    assert {block.path.name for block in BLOCKS if block.language in {"c", "cython"}} == {"c-api.md"}


class Tags(HTMLParser):
    """Holds every tag to an end of its own, but for those that have none."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in {"img", "source"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "html"], ids=lambda block: block.name)
def test_html(block: Block) -> None:
    tags = Tags()
    tags.feed(block.text)
    tags.close()
    assert not tags.open
