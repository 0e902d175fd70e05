"""A flame graph shows every stack, as wide as its share of the samples."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from benchmarks.flame import WIDTH, drawn, rectangles, shares, threads, tree_of

STACKS = {
    ("gateway's thread", "core/book.py Books.run", "core/book.py Books._match", "book.py:7 a < b"): 60,
    ("gateway's thread", "exchange/io/loop.py Gateway._read", "libc recv", "kernel: recvfrom"): 30,
    ("others", "python"): 9_910,
}


def test_widths_are_counts_and_children_lie_on_their_callers() -> None:
    root = tree_of(STACKS)
    assert root.count == 10_000
    by_name = {block["hash_name"]: block for block in rectangles(root, root.count)}
    assert by_name["core/book.py Books._match"]["w"] == 60
    assert by_name["core/book.py Books._match"]["level"] == 3
    ours, caller = by_name["exchange/io/loop.py Gateway._read"], by_name["gateway's thread"]
    assert caller["x"] <= ours["x"] <= ours["x"] + ours["w"] <= caller["x"] + caller["w"]
    assert by_name["kernel: recvfrom"]["color"] == 1
    assert by_name["core/book.py Books._match"]["name"] == "Books._match"  # there is no room for more


def test_what_is_hardly_there_is_not_drawn() -> None:
    blocks = rectangles(tree_of({("a",): 1, ("b",): 9_999}), 10_000)
    assert [block["name"] for block in blocks] == ["all", "b"]


def test_shares_are_of_functions_of_a_thread() -> None:
    assert list(threads(STACKS).items()) == [("others", 9_910), ("gateway's thread", 90)]
    found = shares(STACKS, "gateway's thread")
    assert found["core/book.py Books.run"] == pytest.approx((0, 60 / 90))
    assert found["core/book.py Books._match"] == pytest.approx((60 / 90, 60 / 90))
    assert found["kernel: recvfrom"] == pytest.approx((30 / 90, 30 / 90))
    assert "book.py:7 a < b" not in found


def test_the_picture_is_svg_that_needs_nothing_else() -> None:
    pytest.importorskip("flameprof")
    picture = drawn(STACKS)
    root = ET.fromstring(picture)
    assert root.get("width") == str(WIDTH)
    titles = [title.text or "" for title in root.iter("{http://www.w3.org/2000/svg}title")]
    assert "book.py:7 a < b: 0.6%, 60 samples" in titles
    assert "href" not in picture.replace("xmlns:xlink", "")
