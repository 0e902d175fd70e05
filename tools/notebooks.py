"""Executes the notebooks of ``docs/notebooks`` and turns them into pages of the site.

The files have no outputs, so none can be out of date: ``make docs`` executes each notebook and shows what it printed.
One notebook: ``python -m tools.notebooks docs/notebooks/1-first-book.ipynb`` prints it as Markdown.
"""

from __future__ import annotations

import base64
import os
import re
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

NOTEBOOKS = Path(__file__).parents[1] / "docs" / "notebooks"

#: Seconds that one cell may take.
CELL_S = 300

ANSI = re.compile(r"\x1b\[[0-9;]*m")

#: A link to a notebook. On the site it leads to the page.
LINK = re.compile(r"(?<=\]\()(?P<name>[\w./-]+)\.ipynb(?=[)#])")


class Notebook(NamedTuple):
    """A notebook as Markdown, and the pictures that belong to it, by name."""

    text: str
    pictures: dict[str, bytes]


def paths() -> list[Path]:
    """The notebooks, in the order in which they are read."""
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def page(path: Path, *, executed: bool) -> Notebook:
    """The page of a notebook. Raises CellExecutionError if a cell fails."""
    return _page(path.stem, path.read_text(encoding="utf-8"), executed)


@cache  # "make docs-serve" builds the site again after every change
def _page(name: str, source: str, executed: bool) -> Notebook:
    import nbformat

    reads: Any = nbformat.reads
    notebook = reads(source, as_version=4)
    if executed:
        execute(notebook)
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(LINK.sub(r"\g<name>.md", cell.source))
            continue
        parts.append(f"```python\n{cell.source}\n```")
        parts += [shown(output, f"{name}-{len(pictures) + 1}.png", pictures) for output in cell.outputs]
    parts.append(f"[Download this notebook]({name}.ipynb)")
    return Notebook("\n\n".join(part for part in parts if part) + "\n", pictures)


def execute(notebook: Any) -> None:
    """Execute a notebook in place, in a kernel and a folder of its own."""
    from nbclient import NotebookClient

    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    with TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=CELL_S, kernel_name="python3", resources=resources).execute()


def shown(output: Any, picture: str, pictures: dict[str, bytes]) -> str:
    """An output of a cell as Markdown. A picture goes into ``pictures`` under its name."""
    data = output.get("data", {})
    if "image/png" in data:
        pictures[picture] = base64.b64decode(data["image/png"])
        return f"![]({picture})"
    if "text/html" in data:
        lines = [line.strip() for line in data["text/html"].splitlines()]
        return f'<div class="output">{"".join(lines)}</div>'
    text = ANSI.sub("", output.get("text", "") or data.get("text/plain", ""))
    return f"```text\n{text.rstrip()}\n```" if text.strip() else ""


if __name__ == "__main__":
    sys.stdout.write(page(Path(sys.argv[1]), executed=True).text)
