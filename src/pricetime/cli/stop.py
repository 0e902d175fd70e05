"""How a command ends that cannot do what it is asked: one line, and exit code 2."""

from __future__ import annotations

import click


class CannotRun(click.ClickException):
    """Something outside the command is missing or wrong: a journal, a server, a setting, memory."""

    exit_code = 2
