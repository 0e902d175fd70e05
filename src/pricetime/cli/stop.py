"""The error of a command that cannot run: one line, and exit code 2."""

from __future__ import annotations

import click


class CannotRun(click.ClickException):
    """The command needs something that is missing or wrong: a journal, a server, a setting, memory."""

    exit_code = 2
