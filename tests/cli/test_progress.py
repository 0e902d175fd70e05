"""The bar of a terminal that is narrow: what is left out, and that no amount is cut."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from pricetime.cli.progress import columns

WHAT = "checking against the reference book"


@pytest.mark.parametrize("of_bytes", [False, True])
@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_no_amount_is_cut(width: int, of_bytes: bool) -> None:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    total = 1_234_567
    with Progress(*columns(width, WHAT, total, of_bytes=of_bytes), console=console, auto_refresh=False) as bar:
        bar.update(bar.add_task(WHAT, total=total), completed=765_432, refresh=True)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "…" not in text
    assert ("0.8/1.2 MB" if of_bytes else " 765432/1234567") in text
    assert (WHAT in text) is (width >= 60)
