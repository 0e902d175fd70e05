"""The output of callgrind is read function by function, excluding callees."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import instructions

COUNTS = """# callgrind format
version: 1
events: Ir

ob=(1) /pricetime/exchange/io/loop.so
fl=(1) loop.py
fn=(1) __pyx_f_9pricetime_7gateway_4loop_7Gateway_step
0 10
cob=(2) /pricetime/core/book.so
cfn=(2) __pyx_f_9pricetime_4core_4book_5Books_run
calls=3 0
0 900
0 5

fn=(2)
0 600
+2 300

totals: 915
"""


def test_instructions_are_those_of_the_function_itself(tmp_path: Path) -> None:
    counts = tmp_path / "counts"
    counts.write_text(COUNTS, encoding="utf-8")
    assert instructions.instructions_in(counts) == {
        "__pyx_f_9pricetime_7gateway_4loop_7Gateway_step": 15,
        "__pyx_f_9pricetime_4core_4book_5Books_run": 900,
    }


def test_a_missing_valgrind_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    ran = CliRunner().invoke(instructions.main, [])
    assert ran.exit_code == 1
    assert ran.output == "Error: valgrind is missing: install it (Debian: apt install valgrind)\n"


def test_names_of_c_functions_become_those_of_their_sources() -> None:
    assert instructions.readable("__pyx_f_9pricetime_4core_4book_5Books__match") == "core/book.py Books._match"
    assert instructions.readable("__pyx_pw_9pricetime_4core_5check_1check_books") == "core/check.py check_books"
    assert instructions.readable("recvfrom") == "recvfrom"
