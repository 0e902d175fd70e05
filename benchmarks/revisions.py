"""Build two revisions of pricetime, each from its own copy of the sources into its own folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]

#: Lines of a failed build that are shown.
TAIL = 20


class CannotBuild(RuntimeError):
    """A revision does not exist, does not build, or does not run."""


@dataclass(frozen=True)
class Revision:
    name: str
    folder: Path  #: where ``import pricetime`` finds it


def build_base(revision: str, scratch: Path) -> Revision:
    """Build a commit. Raises CannotBuild."""
    commit = git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").decode().strip()
    if not commit:
        raise CannotBuild(f"{revision} is not a revision of {REPOSITORY.name}: give a commit, branch or tag")
    sources = scratch / "base-sources"
    sources.mkdir()
    subprocess.run(["tar", "-x", "-C", str(sources)], input=git("archive", commit), check=True)
    return install(f"{revision} ({commit[:12]})", sources, scratch / "base")


def build_current(scratch: Path) -> Revision:
    """Build the work tree, uncommitted changes included. Raises CannotBuild."""
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
        raise CannotBuild(f"{name} does not build; make build shows more. The end of pip's output:\n{last}")
    return Revision(name, folder)


def git(*arguments: str) -> bytes:
    """Return the output of git, empty if it fails."""
    return subprocess.run(["git", "-C", str(REPOSITORY), *arguments], capture_output=True, check=False).stdout
