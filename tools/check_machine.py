"""What this machine can build: prints "compiled" or "pure", says on stderr what is missing, and how to get it.

Exits 1 where not even the pure form can be set up. Runs on any Python, so that an old one is told so.
"""

from __future__ import print_function

import os
import shlex
import shutil
import sys
import sysconfig

OLDEST = (3, 11)


def say(what, get_it):
    sys.stderr.write("pricetime: %s\n           %s\n" % (what, get_it))


def check_python():
    here = "%s is Python %d.%d" % ((sys.executable,) + tuple(sys.version_info[:2]))
    if sys.version_info < OLDEST:
        say(
            here + ", and %d.%d or newer is needed." % OLDEST,
            "Install one (Debian: apt install python3 python3-venv python3-dev) and name it: make PYTHON=python3.12 ...",
        )
        return False
    try:
        import ensurepip  # noqa: F401 - Debian leaves it out of python3, and venv fails half-way
        import venv  # noqa: F401
    except ImportError:
        say(
            here + ", without the venv module.",
            "Install it (Debian: apt install python%d.%d-venv)." % sys.version_info[:2],
        )
        return False
    return True


def can_compile():
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
    header = os.path.join(sysconfig.get_path("include"), "Python.h")
    if not shutil.which(compiler):
        missing, package = "no C compiler (%s)" % compiler, "gcc libc6-dev"
    elif not os.path.exists(header):
        missing, package = "no Python headers (%s)" % header, "python%d.%d-dev" % sys.version_info[:2]
    else:
        return True
    say(
        missing + ": the pure form is set up, with the same answers, some hundred times slower.",
        "For the fast one install it (Debian: apt install %s; macOS: xcode-select --install) and run make build." % package,
    )
    return False


if not check_python():
    sys.exit(1)
print("compiled" if can_compile() else "pure")
