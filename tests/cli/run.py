"""The command line, run in this process."""

from pathlib import Path

from click.testing import CliRunner, Result

from pricetime.cli import main


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="pricetime")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def good(*arguments: str | Path) -> str:
    """What a command prints that ends well."""
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def bad(*arguments: str | Path, code: int = 1) -> str:
    """The one line with which a command ends that cannot do what it is asked."""
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output.splitlines()[-1]


def figures(text: str) -> dict[str, str]:
    """The rows of a printed table: what, and how many."""
    rows = [line.strip().rsplit("  ", 1) for line in text.splitlines()]
    return {row[0].strip(): row[1].strip() for row in rows if len(row) == 2}
