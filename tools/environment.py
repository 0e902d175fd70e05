"""Set up the virtual environment in .venv, or leave it if it is whole and belongs here. Says why it recreates it.

The stamp, .venv/installed, is written last and says where and with which interpreter the environment was made. Scripts
in an environment and the editable installation hold absolute paths, so one that was moved is of no use. The compiled
modules in src are of one interpreter as well: they go with the environment.

Written for any Python 3, so that an old one can say what is missing.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: What an interpreter says of itself. In an environment, of the one that it was made with.
IDENTITY = "import json, os, sys; print(json.dumps([os.path.realpath(sys.base_prefix), sys.version]))"


class Environment:
    """The environment in ``folder`` for the project in ``root``, made with ``python``."""

    def __init__(self, folder, python, root=ROOT):
        self.folder, self.python, self.root = folder, python, root
        self.stamp = folder / "installed"
        self.own_python = str(folder / "bin" / "python")

    def fault(self, chosen):
        """Why it cannot be used, or None. ``chosen``: only with ``python``, not with any that it was made with."""
        try:
            made = json.loads(self.stamp.read_text(encoding="utf-8"))
            path, interpreter = made["path"], made["interpreter"]
        except (OSError, ValueError, KeyError, TypeError):
            return "its setup did not come to an end"
        if path != os.path.realpath(str(self.folder)):
            return "it was made in {}".format(path)
        own = identity(self.own_python)
        if own is None:
            return "its interpreter, from {}, is gone".format(interpreter[0])
        if own != interpreter:
            return "its interpreter was {}, and is {} now".format(short(interpreter), short(own))
        if chosen and interpreter != identity(self.python):
            return "it was made with {}, not with {}".format(short(interpreter), self.python)
        return None

    def is_old(self):
        """Has what it installs changed since?"""
        return self.stamp.stat().st_mtime < (self.root / "pyproject.toml").stat().st_mtime

    def remove(self):
        """Nothing is left of it, nor of what was compiled for it."""
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
        """It is whole: the stamp comes into being at once."""
        made = {"path": os.path.realpath(str(self.folder)), "interpreter": identity(self.own_python)}
        temporary = self.stamp.with_name("installed.temporary")
        temporary.write_text(json.dumps(made) + "\n", encoding="utf-8")
        temporary.replace(self.stamp)

    def prepare(self, chosen=False, can_set_up=lambda: True):
        """Make it, or bring it up to date, if that is needed: is it there then?"""
        fault = self.fault(chosen)
        if fault is None and not self.is_old():
            return True
        if not can_set_up():
            return False
        if fault is None:
            say("installing into .venv what pyproject.toml asks for by now")
            self.stamp.unlink()  # half an installation is none
        else:
            if self.folder.exists():
                say("recreating .venv: {}".format(fault))
            say("setting up .venv with {}, which takes a minute or two the first time".format(self.python))
            self.remove()
            self.create()
        self.install()
        self.finish()
        return True


def identity(python):
    """Prefix and version of an interpreter, or of the one behind an environment's; None if it does not run."""
    try:
        return json.loads(subprocess.check_output([python, "-c", IDENTITY], stderr=subprocess.DEVNULL).decode())
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None


def short(interpreter):
    """An identity in words."""
    return "Python {} from {}".format(interpreter[1].split()[0], interpreter[0])


def say(what):
    print("pricetime: {}".format(what), flush=True)


def can_set_up():
    """What check_machine says, where it says that nothing can be set up."""
    command = [sys.executable, str(ROOT / "tools" / "check_machine.py")]
    checked = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if checked.returncode:
        sys.stderr.write(checked.stderr.decode())
    return checked.returncode == 0


def main():
    parser = argparse.ArgumentParser(description="Set up .venv with the Python that runs this, if it has to be.")
    parser.add_argument("--chosen", action="store_true", help="this Python was asked for: any other will not do")
    chosen = parser.parse_args().chosen
    # in an activated environment "python3" is that of the environment, which may be removed here
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
