"""No text of the project uses a word that the style guide bans."""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: A pattern for each banned word or phrase, and what to write instead. Patterns match whole words in lower case.
BANNED = {
    # Who does what: name the client, the server, the subscriber, the operator, the engine.
    r"nobody": "no client, no process; or turn the sentence round",
    r"somebody": "a client, a user, a process",
    r"everybody": "all clients, all users",
    r"whoever": "name the actor, or 'any client that'",
    r"he|himself|herself": "name the actor",
    r"another": "a second, a different, one more, the other",
    r"those who": "clients that, users that",
    r"it came": "name what arrived",
    # Inverted or elliptical phrases.
    r"none but": "only",
    r"(?<!there\s)is none": "is not one; or say what is wrong with it",
    r"(?<!there\s)is no(?!\slonger\b)": "is not a",
    r"what was asked": "name it: the request, the command, the options",
    r"(?:is|are|was|were|be|been|being) told": "the server sends, logs, prints",
    r"(?:is|are|was|were|be|been|being|has|have) let go": "is closed, is released",
    r"as it is": "unchanged",
    r"the way of (?:an|the) order": "the path of an order",
    r"to the bit": "bit for bit, or 'identical'",
    r"in step(?!\s\d)": "up to date",
    r"turn and turn about": "alternating runs",
    r"(?:a|an|each|every|one|this|per|short|long) turns?": "iteration",
    r"without a word": "by default",
    r"of (?:its|their) own accord": "by itself",
    # Figures of speech and archaic words.
    r"door|doors": "C API",
    r"lobby": "login handler",
    r"guests?": "pending connection",
    r"keepers?": "journal service",
    r"askers?": "recovery client",
    r"wish|wishes|wished": "options; wants",
    r"seats?": "connection",
    r"heads": "headers",
    r"tickets?": "order form",
    r"transcripts?": "report checksum",
    r"swift|swiftly": "chunked; fast",
    r"doubt|doubts|doubtful": "unsynced range; unverified",
    r"data sheets?": "schema",
    r"frank|frankly": "honest, exact",
    r"young|younger|youngest": "new, newer, newest",
    r"befalls?|befell": "happens to",
    r"naps?": "idle wait",
    r"floors?": "layer; or 'harness' in tests",
    # Terms with a name of their own.
    r"(?:a|the|each|every|per|two|first|last|next) looks?(?!\sup\b|\slike\b)": "sample; plot style",
    r"(?:a|the) touch|touch(?:es|ed)? of": "best prices; prefault",
    r"take up memory|takes up memory": "prefault",
    r"owner chains?|chains? of (?:an|the) owner|owner's chain|chained": "the owner's order list",
}

#: Uses that are right: file, word as found, and the reason.
EXCEPTIONS = {
    ("tests/docs/test_words.py", "*"): "the list itself",
}

#: What a person reads, by folder. Only comments and strings of Python, Cython and C files are read.
FOLDERS = ["src/pricetime", "docs", "tests", "benchmarks", "tools", "examples", "deploy", ".ci", ".github"]
FILES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile", "setup.py", "pyproject.toml", "mkdocs.yml"]
WHOLE = {".md", ".html", ".js", ".css", ".yml", ".yaml", ".toml", ".lua", ""}
CODE = {".py", ".pyi", ".pxd"}

#: Files that a command of the repository generates or records.
SKIPPED = re.compile(r"\.build/|/__pycache__/|^docs/runs/|^docs/pictures/|\.(?:so|png|svg|json|hlog|gif)$")

#: Matches lower-case text. A phrase may go over the end of a line, into the next line of a comment.
PATTERN = re.compile(
    r"\b(?:" + "|".join(f"(?P<w{i}>{phrase})" for i, phrase in enumerate(BANNED)).replace(" ", r"[\s#]+") + r")\b"
)
INSTEAD = list(BANNED.values())


def texts() -> list[str]:
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    names = [str(path.relative_to(ROOT)) for path in found if path.suffix in WHOLE | CODE]
    return sorted(name for name in [*names, *FILES] if not SKIPPED.search(name))


def prose(name: str) -> Iterator[tuple[int, str]]:
    """The lines of a file that people read, with their numbers."""
    text = (ROOT / name).read_text(encoding="utf-8")
    if Path(name).suffix not in CODE:
        hidden = r"`[^`\n]*`|\]\([^)\n]*\)" if name.endswith(".md") else r"(?!)"  # code and targets of links
        yield from enumerate(re.sub(hidden, " ", text).splitlines(), 1)
        return
    kinds = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in kinds:
            for number, line in enumerate(token.string.splitlines(), token.start[0]):
                yield number, re.sub(r"``[^`\n]*``|`[^`\n]*`", " ", line)


def banned(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str, str]]:
    """Line, word and replacement of each banned word."""
    numbered = list(lines)
    text = "\n".join(line for _, line in numbered).replace("None", "null").lower()
    for match in PATTERN.finditer(text):
        assert match.lastgroup is not None
        yield numbered[text.count("\n", 0, match.start())][0], match[0], INSTEAD[int(match.lastgroup[1:])]


@pytest.mark.parametrize("name", texts())
def test_words(name: str) -> None:
    if (name, "*") in EXCEPTIONS:
        return
    found = [
        f"{name}:{line}: {word!r}: write {instead}"
        for line, word, instead in banned(prose(name))
        if (name, word) not in EXCEPTIONS
    ]
    assert not found, "\n" + "\n".join(found)


def test_every_exception_is_used() -> None:
    known = texts()
    for name, word in EXCEPTIONS:
        assert name in known, name
        assert word == "*" or word in {found for _, found, _ in banned(prose(name))}, (name, word)


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("Nobody fails over to it by himself.", ["nobody", "himself"]),
        ("Its quantity is none that an order has.", ["is none"]),
        ("That is no error.", ["is no"]),
        ("There is no error. The file is no longer open. It notes the theme. The value is None.", []),
        ("Results are the same to the\nbit.", ["to the bit"]),
        ("Look at the head of the queue, in turn.", []),
    ],
)
def test_the_patterns(sentence: str, words: list[str]) -> None:
    assert [re.sub(r"\s+", " ", word) for _, word, _ in banned(enumerate(sentence.splitlines(), 1))] == words
