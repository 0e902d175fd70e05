"""Print the form that this machine can build, "compiled" or "pure"; name what is missing on stderr.

Exits 1 if not even the pure form can be set up. Runs on any Python 3, so that an old one gets a message.
"""

import os
import shlex
import shutil
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

OLDEST = (3, 11)
VERSION = "{}.{}".format(*sys.version_info)


def say(what, remedy):
    print(f"pricetime: {what}\n           {remedy}", file=sys.stderr)


def can_set_up():
    if sys.version_info < OLDEST:
        say(
            f"{sys.executable} is Python {VERSION}; pricetime needs {OLDEST[0]}.{OLDEST[1]} or newer.",
            "Install it (Debian: apt install python3 python3-venv python3-dev), or name it: make PYTHON=python3.13",
        )
        return False
    if not (
        find_spec("venv") and find_spec("ensurepip")
    ):  # Debian packages them separately, and venv would fail half-way
        say(
            f"{sys.executable} has no venv module.",
            f"Install it (Debian: apt install python{VERSION}-venv).",
        )
        return False
    return True


def can_compile():
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
    header = Path(sysconfig.get_path("include"), "Python.h")
    if not shutil.which(compiler):
        missing, package = f"no C compiler ({compiler})", "gcc libc6-dev"
    elif not header.exists():
        missing, package = f"no Python headers ({header})", f"python{VERSION}-dev"
    else:
        return True
    say(
        f"{missing}: setting up the uncompiled form, with the same results, 100 to 400 times slower.",
        f"For the fast form install it (Debian: apt install {package}; macOS: xcode-select --install), and make build.",
    )
    return False


if not can_set_up():
    sys.exit(1)
print("compiled" if can_compile() else "pure")
