"""Shell lines in blocks and prose use commands, options, targets and extras that exist."""

from pathlib import Path

import pytest

from tests.docs.blocks import BLOCKS, DOCUMENTS, PROGRAMS, ROOT, Block, commands_of, inline
from tests.docs.command_lines import Unknown, check, options, options_of_modules

pytest.importorskip("pydantic_settings", reason="the options of the server: pip install '.[server]'")

OPTIONS = options() | options_of_modules()
SHELL = [block for block in BLOCKS if block.is_shell and not block.why_not]


@pytest.mark.parametrize("block", SHELL, ids=lambda block: block.name)
def test_the_block(block: Block) -> None:
    assert block.commands
    for words in block.commands:
        assert words[0] in PROGRAMS or "=" in words[0] or words[0] == "pricetime", f"what is {words[0]}?"
        check(words)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_prose_of(path: Path) -> None:
    """What begins as a command of ours in a sentence exists, as far as the sentence gives it."""
    for code in inline(path):
        first, *more = code.split()
        if more and first in {"pricetime", "make", "python", "pip"}:
            for words in commands_of(code):
                check(words, whole=False)
        if first.startswith("--") and first != "--":
            unknown = {word.partition("=")[0] for word in code.split() if word.startswith("--")} - OPTIONS
            assert not unknown, f"no command has {unknown}"


@pytest.mark.parametrize(
    "line",
    [
        "pricetime nothing", "pricetime serve --no-such-option", "pricetime secret", "pricetime secret seven",
        "pricetime order add sideways 1 1", "pricetime info more", "make nothing", "make NOTHING=1 test",
        "pip install '.[nothing]'", "pip install nothing", "python -m benchmarks.nothing",
        "python -m benchmarks.exchange --nothing 1", "python examples/nothing.py",
    ],
)  # fmt: skip
def test_what_is_not_there_is_found(line: str) -> None:
    (words,) = commands_of(line)
    with pytest.raises(Unknown):
        check(words)


def test_a_line_is_taken_apart() -> None:
    assert commands_of("$ cd a && pricetime serve --open | tee log > file # and so on") == [
        ["cd", "a"], ["pricetime", "serve", "--open"], ["tee", "log"],
    ]  # fmt: skip
