"""Hooks for mkdocs: ``make docs``.

The documents are written to be read as files of the repository, so they link to sources, tests and examples, which a
site of documents does not have. Here each of these gets a page of its own, with its text, so that every link leads
somewhere without leaving the site. A notebook is executed and becomes a page (``notebooks.py``). A ``<picture>``
follows what the system prefers; of the site it follows the switch.
"""

from __future__ import annotations

import ast
import html as entities
import os
import re
import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))  # mkdocs runs this file by its path

from tools import notebooks

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import File, Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
HOME = "README.md"
LANGUAGES = {".py": "python", ".pyi": "python", ".pxd": "cython", ".c": "c", ".h": "c", ".lua": "lua", ".toml": "toml"}
LANGUAGES |= {".json": "json", ".yml": "yaml", ".yaml": "yaml", ".sh": "sh"}

CODE = re.compile(r"^(?P<fence>`{3,}).*?^(?P=fence)$|`+[^`\n]+`+", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<=\]\()(?P<to>[^)\s]+)(?=\))")
DARK = r'<source [^>]*dark[^>]*srcset="(?P<dark>[^"]+)"[^>]*>'
SESSION = re.compile(r"^(?P<fence> *```)python\n(?= *>>> )", re.MULTILINE)
PROMPTED = re.compile(r'<div class="language-pycon highlight">(?=<pre>(?P<code>.*?)</pre>)', re.DOTALL)
PICTURE = re.compile(rf"<picture>\s*{DARK}\s*<img (?P<img>[^>]+)>\s*</picture>")


def outside_code(text: str, pattern: re.Pattern[str]) -> list[re.Match[str]]:
    """Return the matches of a pattern outside code."""
    code = [match.span() for match in CODE.finditer(text)]
    return [m for m in pattern.finditer(text) if not any(start <= m.start() < end for start, end in code)]


def target(link: str, origin: Path) -> Path | None:
    """Return the file or folder that a link in ``origin`` leads to, or None for other sites and for anchors."""
    name = link.partition("#")[0]
    if not name or re.match(r"[a-z]+:", name):
        return None
    to = (origin.parent / name).resolve()
    return to if to.exists() and to.is_relative_to(ROOT) else None


def uri(path: Path) -> str:
    """Return the path in the site, as mkdocs names its sources, of a file or folder of the repository."""
    if path.is_relative_to(DOCS):
        return path.relative_to(DOCS).as_posix()
    place = f"source/{path.relative_to(ROOT).as_posix()}"
    return place if path.suffix == ".md" else f"{place}.md"


def first_line(path: Path) -> str:
    """Return the first line of the docstring of a Python file."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) if path.suffix == ".py" else None
    return (text or "").partition("\n")[0]


def page_of(path: Path) -> str:
    """The text of the page for a file or a folder outside docs/."""
    name = path.relative_to(ROOT).as_posix()
    head = f"---\nsearch:\n  exclude: true\nhide: [toc]\n---\n\n# {name}\n\n"
    if path.is_dir():
        return head + "".join(f"- [{file.name}]({file.name}) {first_line(file)}\n" for file in contents(path))
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
    return f"{head}{fence}{LANGUAGES.get(path.suffix, 'text')}\n{text.rstrip()}\n{fence}\n"


def contents(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix in LANGUAGES or file.suffix == ".md")


def linked() -> set[Path]:
    """Return the files that documents link to, other than documents, and the files that these link to."""
    ahead, found = sorted(DOCS.rglob("*.md")), set[Path]()
    while ahead:
        origin = ahead.pop()
        text = origin.read_text(encoding="utf-8")
        links = [target(match["to"], origin) for match in outside_code(text, LINK)]
        for to in {link for link in links if link and not link.is_relative_to(DOCS)} - found:
            found.add(to)
            ahead += [to] if to.suffix == ".md" else []
            found |= set(contents(to)) if to.is_dir() else set()
    return found


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the notebooks, and one for each linked file outside docs/."""
    from mkdocs.structure.files import File, InclusionLevel

    for path in notebooks.paths():
        made = notebooks.page(path, executed=bool(config.extra.get("execute_notebooks", True)))
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=made.text))
        for name, picture in made.pictures.items():
            files.append(File.generated(config, f"notebooks/{name}", content=picture))
    for path in sorted(linked()):
        page: File = File.generated(config, uri(path), content=page_of(path), inclusion=InclusionLevel.NOT_IN_NAV)
        files.append(page)
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Rewrite links to pages of the site, pictures to a light and a dark form, and sessions at a prompt to pycon."""
    here = page.file.src_uri
    markdown = SESSION.sub(r"\g<fence>pycon\n", markdown)
    markdown = notebooks.LINK.sub(r"\g<name>.md", markdown)
    origin = origin_of(here)
    for match in reversed(outside_code(markdown, LINK)):
        to = target(match["to"], origin)
        if to is not None and not (to.is_relative_to(DOCS) and origin.is_relative_to(DOCS)):
            path = os.path.relpath(uri(to), PurePosixPath(here).parent)
            markdown = (
                f"{markdown[: match.start()]}{path}{''.join(match['to'].partition('#')[1:])}{markdown[match.end() :]}"
            )
    return PICTURE.sub(both, markdown)


def on_page_content(html: str, page: Page, **_: object) -> str:
    """Leave out the side bars of the home page, and give the copy button of each session its code.

    Without the side bars the three paths of the home page have the whole width.
    """
    if page.file.src_uri == HOME:
        page.meta["hide"] = ["navigation", "toc"]
    return PROMPTED.sub(with_its_code, html)


def with_its_code(block: re.Match[str]) -> str:
    """Return the start of a session's block, with what is entered at its prompts as the text to copy."""
    lines = entities.unescape(re.sub("<[^>]*>", "", block["code"])).splitlines()
    code = "\n".join(line[4:] for line in lines if line.startswith((">>>", "...")))
    return f'<div class="language-pycon highlight" data-copy="{entities.escape(code)}">'


def origin_of(here: str) -> Path:
    """Return the file that a page was made from; for the page of a folder, a file name inside that folder."""
    if not here.startswith("source/"):
        return DOCS / here
    path = ROOT / here.removeprefix("source/")
    path = path if path.exists() else path.with_suffix("")
    return path / "list" if path.is_dir() else path


def both(picture: re.Match[str]) -> str:
    """Return the light and the dark form of a picture; the theme shows one of them."""
    attributes = dict(re.findall(r'(\w+)="([^"]*)"', picture["img"]))
    words = attributes.get("alt", "")
    return f"![{words}]({attributes['src']}#only-light)\n![{words}]({picture['dark']}#only-dark)"
