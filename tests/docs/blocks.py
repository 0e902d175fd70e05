"""The code blocks of the documents, and the inline code of their prose."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

FENCE = re.compile(
    r"(?:^<!-- not run: (?P<why>[^\n]+?) -->\n+)?^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")

#: What a line of a shell begins with, in these documents.
PROGRAMS = {"pricetime", "make", "pip", "python", "kill", "sysctl", "lscpu", "cat", "grep", "taskset", "cc"}
PROGRAMS |= {
    "chmod",
    "systemctl",
    "nats-server",
    "docker",
    "openssl",
    "stunnel",
    "prometheus",
    "grafana-server",
    "perf",
    "valgrind",
    "tshark",
    "curl",
    "cd",
    "ls",
    "apt",
    "export",
    "python3",
    ".",
    "sleep",
    "wait",
}

SHELLS = {"sh", "bash", "shell", "console"}


@dataclass(frozen=True)
class Block:
    """A block of code, as it stands in a document."""

    path: Path
    line: int
    language: str
    text: str
    why_not: str | None  #: it says that it is not run, and why

    @property
    def name(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"

    @property
    def is_shell(self) -> bool:
        """Lines for a shell: it says so, or says nothing and begins as they do."""
        first = next((line for line in self.text.splitlines() if line.strip() and not line.startswith("#")), "")
        words = first.removeprefix("$ ").split()
        return self.language in SHELLS or (not self.language and bool(words) and words[0] in PROGRAMS)

    @property
    def commands(self) -> list[list[str]]:
        """The commands of a shell's block as words, without comments, prompts, pipes and redirections."""
        return [words for line in self.text.replace("\\\n", " ").splitlines() for words in commands_of(line)]


def commands_of(line: str) -> list[list[str]]:
    """The commands in a line for a shell."""
    lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split, lexer.commenters = True, "#"
    found: list[list[str]] = [[]]
    skip = False
    for word in lexer:
        if set(word) <= set("|&;"):
            found.append([])
        elif set(word) <= set("<>"):
            skip = True
        elif not skip:
            found[-1].append(word)
        else:
            skip = False
    return [words for words in found if words]


def blocks(path: Path) -> list[Block]:
    text = path.read_text(encoding="utf-8")
    return [
        Block(
            path,
            text[: match.start("indent")].count("\n") + 1,
            match["language"],
            re.sub(f"^{match['indent']}", "", match["text"], flags=re.MULTILINE),
            match["why"],
        )
        for match in FENCE.finditer(text)
    ]


def inline(path: Path) -> list[str]:
    """What the prose of a document shows as code."""
    return INLINE.findall(FENCE.sub("", path.read_text(encoding="utf-8")))


BLOCKS = [block for path in DOCUMENTS for block in blocks(path)]
