"""Run two revisions alternately, workload by workload, each in its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

from .revisions import REPOSITORY, CannotBuild, Revision

#: By workload: ns per order in each round, of the base and of the work tree.
Times: TypeAlias = dict[str, tuple[list[float], list[float]]]


def take_turns(
    revisions: Sequence[Revision], names: Sequence[str], flows: Path, rounds: int, advance: Callable[[], None]
) -> Times:
    """Measure every workload in every round, one revision after the other, in alternating order.

    Processes are fresh in each round, because a process keeps its memory layout. Raises CannotBuild if a revision does
    not run.
    """
    times: Times = {}
    for done in range(rounds):
        with ExitStack() as stack:
            runners = [stack.enter_context(Runner(revision, flows)) for revision in revisions]
            for index, name in enumerate(names):
                first = (done + index) % 2
                for which in (first, 1 - first):
                    for what, ns in runners[which].ask(name).items():
                        times.setdefault(what, ([], []))[which].append(ns)
        advance()
    return times


class Runner:
    """A process of ``benchmarks.one_round`` for one revision."""

    def __init__(self, revision: Revision, flows: Path) -> None:
        self.revision = revision
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.one_round", str(flows)],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(revision.folder), "PRICETIME_PURE": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Runner:
        try:
            self.check()
        except CannotBuild:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def check(self) -> None:
        """Check that the process imported its revision of pricetime."""
        hello = self.answer()
        if not Path(hello["path"]).is_relative_to(self.revision.folder):
            raise CannotBuild(f"{self.revision.name} should be measured, but {hello['path']} was imported")
        if not hello["compiled"]:
            raise CannotBuild(f"{self.revision.name} is not compiled: make build names what is missing")

    def ask(self, name: str) -> dict[str, float]:
        """Return ns per order of a workload."""
        assert self.process.stdin
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise CannotBuild(f"{self.revision.name} does not run:\n{self.process.communicate()[1]}")
        said: dict[str, Any] = json.loads(line)
        return said
