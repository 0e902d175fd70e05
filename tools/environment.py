"""Set up the virtual environment in .venv. An environment that is complete and was made here is kept.

The stamp, .venv/installed, is written last. It records the path and the interpreter of the environment. Scripts in an
environment and the editable installation hold absolute paths, so an environment that was moved does not work. The
compiled modules in src belong to one interpreter too, and are removed with the environment.

Runs on any Python 3, so that an old one can name what is missing.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: Prints prefix and version of an interpreter; in an environment, of the interpreter that made it.
IDENTITY = "import json, os, sys; print(json.dumps([os.path.realpath(sys.base_prefix), sys.version]))"


class Environment:
    """The environment in ``folder`` for the project in ``root``, made with ``python``."""

    def __init__(self, folder, python, root=ROOT):
        self.folder, self.python, self.root = folder, python, root
        self.stamp = folder / "installed"
        self.own_python = str(folder / "bin" / "python")

    def fault(self, chosen):
        """Return why it cannot be used, or None. ``chosen``: it must have been made with ``python``."""
        try:
            made = json.loads(self.stamp.read_text(encoding="utf-8"))
            path, interpreter = made["path"], made["interpreter"]
        except (OSError, ValueError, KeyError, TypeError):
            return "its setup did not finish"
        if path != os.path.realpath(str(self.folder)):
            return "it was made in {}".format(path)
        own = identity(self.own_python)
        if own is None:
            return "its interpreter, from {}, no longer runs".format(interpreter[0])
        if own != interpreter:
            return "its interpreter was {} and is now {}".format(short(interpreter), short(own))
        if chosen and interpreter != identity(self.python):
            return "it was made with {}, not with {}".format(short(interpreter), self.python)
        return None

    def is_old(self):
        """Return True if pyproject.toml changed after the installation."""
        return self.stamp.stat().st_mtime < (self.root / "pyproject.toml").stat().st_mtime

    def remove(self):
        """Remove it, and the modules compiled for it."""
        if self.stamp.exists():
            self.stamp.unlink()  # first: a removal may be interrupted too
        if self.folder.exists():
            shutil.rmtree(str(self.folder))
        for module in self.root.glob("src/pricetime/*/*.so"):
            module.unlink()

    def create(self):
        subprocess.check_call([self.python, "-m", "venv", str(self.folder)])

    def install(self):
        options = ["--quiet", "--disable-pip-version-check", "--no-compile"]
        subprocess.check_call(
            [self.own_python, "-m", "pip", "install"] + options + ["--editable", ".[dev]"],
            cwd=str(self.root),
            env=dict(os.environ, PRICETIME_BUILD="pure"),
        )

    def finish(self):
        """Write the stamp atomically: the environment is complete."""
        made = {"path": os.path.realpath(str(self.folder)), "interpreter": identity(self.own_python)}
        temporary = self.stamp.with_name("installed.temporary")
        temporary.write_text(json.dumps(made) + "\n", encoding="utf-8")
        temporary.replace(self.stamp)

    def prepare(self, chosen=False, can_set_up=lambda: True):
        """Make it or update it if needed. Returns False if this machine cannot."""
        fault = self.fault(chosen)
        if fault is None and not self.is_old():
            return True
        if not can_set_up():
            return False
        if fault is None:
            say("updating .venv, because pyproject.toml changed")
            self.stamp.unlink()  # until the installation is complete
        else:
            if self.folder.exists():
                say("recreating .venv: {}".format(fault))
            say("setting up .venv with {}, which takes one or two minutes the first time".format(self.python))
            self.remove()
            self.create()
        self.install()
        self.finish()
        return True


def identity(python):
    """Return prefix and version of an interpreter, for an environment those of its base; None if it does not run."""
    try:
        return json.loads(subprocess.check_output([python, "-c", IDENTITY], stderr=subprocess.DEVNULL).decode())
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None


def short(interpreter):
    """Return an identity as text."""
    return "Python {} from {}".format(interpreter[1].split()[0], interpreter[0])


def say(what):
    print("pricetime: {}".format(what), flush=True)


def can_set_up():
    """Run check_machine and show its message if nothing can be set up."""
    command = [sys.executable, str(ROOT / "tools" / "check_machine.py")]
    checked = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if checked.returncode:
        sys.stderr.write(checked.stderr.decode())
    return checked.returncode == 0


def main():
    parser = argparse.ArgumentParser(description="Set up .venv with the Python that runs this, unless it is complete.")
    parser.add_argument("--chosen", action="store_true", help="recreate .venv if it was made with a different Python")
    chosen = parser.parse_args().chosen
    # in an activated environment "python3" is the environment's own, which may be removed here
    python = getattr(sys, "_base_executable", None) or sys.executable
    try:
        return 0 if Environment(ROOT / ".venv", python).prepare(chosen, can_set_up) else 1
    except subprocess.CalledProcessError as error:
        say("{} failed with exit code {}".format(" ".join(error.cmd[1:4]), error.returncode))
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
