"""Build two revisions of pricetime, each from its own copy of the sources, and run each in its own processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]

#: Lines of a failed build that are shown.
TAIL = 20


class CannotRun(RuntimeError):
    """A revision does not exist, does not build, or does not run."""


@dataclass(frozen=True)
class Revision:
    name: str
    folder: Path  #: where ``import pricetime`` finds it
    flows: Path  #: where its workloads are

    def command(self, *arguments: str) -> subprocess.Popen[str]:
        """Start ``benchmarks.one_round`` with this revision."""
        return subprocess.Popen(
            [sys.executable, "-m", "benchmarks.one_round", *arguments],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(self.folder), "PRICETIME_PURE": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def make_flows(self, names: Sequence[str], count: int) -> None:
        """Write the workloads. Raises CannotRun."""
        process = self.command("make", str(self.flows), str(count), *names)
        _, said = process.communicate()
        if process.returncode:
            raise CannotRun(f"{self.name} makes no flows:\n{said}")


def build_base(revision: str, scratch: Path) -> Revision:
    """Build a commit. Raises CannotRun."""
    commit = git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").decode().strip()
    if not commit:
        raise CannotRun(f"{revision} is not a revision of {REPOSITORY.name}: give a commit, branch or tag")
    sources = scratch / "base-sources"
    sources.mkdir()
    subprocess.run(["tar", "-x", "-C", str(sources)], input=git("archive", commit), check=True)
    return install(f"{revision} ({commit[:12]})", sources, scratch / "base")


def build_current(scratch: Path) -> Revision:
    """Build the work tree, uncommitted changes included. Raises CannotRun."""
    sources = scratch / "current-sources"
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in {Path(os.fsdecode(name)) for name in listed.split(b"\0") if name}:
        if Path(REPOSITORY, name).is_file():  # otherwise deleted but not committed
            Path(sources, name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(REPOSITORY, name), Path(sources, name))
    return install("work tree", sources, scratch / "current")


def install(name: str, sources: Path, folder: Path) -> Revision:
    """Build as for a release, with the tools of this environment and without downloads."""
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--no-deps"]
    command = [*pip, "--no-build-isolation", "--target", str(folder), str(sources)]
    environment = {**os.environ, "PRICETIME_BUILD": "release"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-TAIL:])
        raise CannotRun(f"{name} does not build; make build shows more. The end of pip's output:\n{last}")
    return Revision(name, folder, folder.with_name(f"{folder.name}-flows"))


def git(*arguments: str) -> bytes:
    """Return the output of git, empty if it fails."""
    return subprocess.run(["git", "-C", str(REPOSITORY), *arguments], capture_output=True, check=False).stdout


class Runner:
    """A process that measures one revision once."""

    def __init__(self, revision: Revision) -> None:
        self.revision = revision
        self.process = revision.command("measure", str(revision.flows))

    def __enter__(self) -> Runner:
        try:
            self.check()
        except CannotRun:
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
            raise CannotRun(f"{self.revision.name} should be measured, but {hello['path']} was imported")
        if not hello["compiled"]:
            raise CannotRun(f"{self.revision.name} is not compiled: make build names what is missing")

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
            raise CannotRun(f"{self.revision.name} does not run:\n{self.process.communicate()[1]}")
        said: dict[str, Any] = json.loads(line)
        return said
