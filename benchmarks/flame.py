"""Draw stacks as a flame graph, a self-contained SVG. ``flameprof`` draws the rectangles that this file computes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

WIDTH, ROW, FONT = 1200, 17, 11

#: Width in pixels above which the path of a file fits.
WIDE = 200

#: Smaller fractions of the whole are not drawn.
LEAST = 0.001


@dataclass
class Node:
    """A function in one call path, and the functions that it called."""

    name: str
    count: int = 0
    children: dict[str, Node] = field(default_factory=dict)


def tree_of(stacks: dict[tuple[str, ...], int]) -> Node:
    root = Node("all")
    for stack, count in stacks.items():
        node = root
        node.count += count
        for name in stack:
            node = node.children.setdefault(name, Node(name))
            node.count += count
    return root


def rectangles(node: Node, whole: int, x: int = 0, level: int = 0) -> list[dict[str, Any]]:
    """Yield the rectangles of a node and of its callees, the most frequent first."""
    share = node.count / whole
    found = [
        {
            "color": int(node.name.startswith("kernel: ")),
            "level": level,
            "name": node.name if share * WIDTH > WIDE else node.name.partition(".py ")[2] or node.name,
            "hash_name": node.name,
            "full_name": f"{node.name}: {share:.1%}, {node.count} samples",
            "w": node.count,
            "x": x,
        }
    ]
    for child in sorted(node.children.values(), key=lambda child: -child.count):
        if child.count >= LEAST * whole:
            found += rectangles(child, whole, x, level + 1)
            x += child.count
    return found


def drawn(stacks: dict[tuple[str, ...], int]) -> str:
    """Return the SVG. Raises ImportError without flameprof."""
    import flameprof

    root = tree_of(stacks)
    blocks = rectangles(root, root.count)
    colors = [flameprof.COLORS, flameprof.CCOLORS]
    elements, height = flameprof.render_svg_section(blocks, root.count, colors, h=ROW, fsize=FONT, width=WIDTH)
    return str(flameprof.SVG.format("\n".join(elements), width=WIDTH, height=height))


def threads(stacks: dict[tuple[str, ...], int]) -> dict[str, int]:
    """Return the samples of each thread, the busiest first."""
    found: dict[str, int] = {}
    for stack, count in stacks.items():
        found[stack[0]] = found.get(stack[0], 0) + count
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def shares(stacks: dict[tuple[str, ...], int], thread: str) -> dict[str, tuple[float, float]]:
    """Return the share of a thread's samples by function and system call: (in itself, including callees)."""
    total = threads(stacks).get(thread, 0)
    own: dict[str, int] = {}
    whole: dict[str, int] = {}
    for stack, count in stacks.items():
        named = [name for name in stack[1:] if not is_line(name)]
        if stack[0] != thread or not named:
            continue
        own[named[-1]] = own.get(named[-1], 0) + count
        for name in set(named):
            whole[name] = whole.get(name, 0) + count
    found = {name: (own.get(name, 0) / total, count / total) for name, count in whole.items()}
    return dict(sorted(found.items(), key=lambda item: -item[1][1]))


def is_line(name: str) -> bool:
    """Return True for ``book.py:423 text`` and False for ``core/book.py Books.run``."""
    return re.search(r"\.\w+:", name.partition(" ")[0]) is not None
