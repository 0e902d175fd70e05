"""Stacks of perf become functions and lines of the sources."""

from __future__ import annotations

import subprocess

import pytest

from benchmarks.stacks import OTHERS, line_of, readable, samples_of, stacks_of, system_call

#: As ``perf script`` prints it: what called last comes first.
TEXT = """python  10/11
\tffffffff8172ff14 do_epoll_wait+0x1a4 ([kernel.kallsyms])
\tffffffff817318ca __x64_sys_epoll_wait+0x5a ([kernel.kallsyms])
\t          108ee0 epoll_wait+0x0 (/usr/lib/libc.so.6)
\t          158ba2 PyObject_Vectorcall+0x32 (/usr/lib/libpython3.11.so.1.0)
\t           fd9c2 _PyEval_EvalFrameDefault+0x2e52 (/usr/lib/libpython3.11.so.1.0)
\t          1098eb clone3+0x2b (/usr/lib/libc.so.6)

python  10/12
\t          108ee0 memcpy@GLIBC_2.14+0x4 (/usr/lib/libc.so.6)
\t          158ba2 main+0x32 (/usr/bin/python3.11)

python  10/12
\t          108ee0 memcpy@GLIBC_2.14+0x8 (/usr/lib/libc.so.6)
\t          158ba2 main+0x32 (/usr/bin/python3.11)

"""


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("__pyx_f_9pricetime_4core_4book_5Books__match", "core/book.py Books._match"),
        ("__pyx_f_9pricetime_4core_4book_key_of", "core/book.py key_of"),
        ("__pyx_pw_9pricetime_8exchange_2io_4loop_7Gateway_21run", "exchange/io/loop.py Gateway.run"),
        (
            "__pyx_f_9pricetime_8exchange_7standby_7replica_7Replica_step.part.0",
            "exchange/standby/replica.py Replica.step",
        ),
        ("memcpy", "memcpy"),
    ],
)
def test_names_of_the_compiler_are_made_readable(symbol: str, name: str) -> None:
    assert readable(symbol) == name


def test_what_is_not_ours_is_told_in_a_word() -> None:
    samples = samples_of(TEXT)
    assert [sample.thread for sample in samples] == [11, 12, 12]
    assert stacks_of(samples) == {
        (OTHERS, "python", "libc epoll_wait", "kernel: epoll_wait"): 1,
        (OTHERS, "python", "libc memcpy"): 2,
    }
    assert system_call("__x64_sys_recvfrom") == "recvfrom"
    assert system_call("do_syscall_64") == ""


@pytest.mark.compiled
def test_an_address_in_a_compiled_module_has_its_function_and_line() -> None:
    from pricetime.core import book

    listed = subprocess.run(["nm", book.__file__], capture_output=True, text=True, check=False)
    symbol = "__pyx_f_9pricetime_4core_4book_5Books_run"
    found = [line.split()[0] for line in listed.stdout.splitlines() if line.endswith(f" t {symbol}")]
    if listed.returncode or not found:
        pytest.skip("this build has no symbols: make build keeps them")
    address = int(found[0], 16)
    text = f"python  1/2\n\t{address:x} {symbol}+0x0 ({book.__file__})\n"
    (stack,) = stacks_of(samples_of(text))
    assert "core/book.py Books.run" in stack
    assert stack[-1].startswith("book.py:")


def test_a_path_may_have_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    file = "/a place/ö/src/pricetime/core/book.so"
    told = "0x10\nf\n/a place/ö/src/pricetime/core/layout.py:1 (discriminator 2)\n"
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, told))
    (stack,) = stacks_of(samples_of(f"python  1/2\n\t10 f+0x0 ({file})\n"))
    assert stack[-1].startswith("layout.py:1 ")


def test_a_line_has_its_text() -> None:
    name, _, text = line_of("core/layout.py:1").partition(" ")
    assert name == "layout.py:1"
    assert text
    assert line_of("??:?") == "??:?"
