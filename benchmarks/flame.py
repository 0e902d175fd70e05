"""Stacks as a flame graph: an SVG that needs nothing else. Drawn by ``flameprof``, which is given the rectangles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

WIDTH, ROW, FONT = 1200, 17, 11

#: Pixels that have room for the path of a file.
WIDE = 200

#: What is narrower than that part of the whole is not drawn.
LEAST = 0.001


@dataclass
class Node:
    """A function where it was called, and what it called."""

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
    """A node, and on it what it called, the most frequent first."""
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
    """The SVG. Raises ImportError where flameprof is missing."""
    import flameprof

    root = tree_of(stacks)
    blocks = rectangles(root, root.count)
    colors = [flameprof.COLORS, flameprof.CCOLORS]
    elements, height = flameprof.render_svg_section(blocks, root.count, colors, h=ROW, fsize=FONT, width=WIDTH)
    return str(flameprof.SVG.format("\n".join(elements), width=WIDTH, height=height))


def shares(stacks: dict[tuple[str, ...], int]) -> dict[str, float]:
    """The part of all samples that each function ran in itself, or in what is no function of ours below it."""
    total = sum(stacks.values())
    found: dict[str, float] = {}
    for stack, count in stacks.items():
        named = [name for name in stack if ".py " in name and ".py:" not in name.partition(" ")[0]] or [stack[0]]
        inner = f"{named[-1]} ({stack[-1]})" if stack[-1].startswith("kernel: ") else named[-1]
        found[inner] = found.get(inner, 0) + count / total
    return dict(sorted(found.items(), key=lambda item: -item[1]))
