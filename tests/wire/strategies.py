"""What Hypothesis draws for the wire: fields, messages, streams in pieces."""

from typing import Any

from hypothesis import strategies as st

from pricetime.wire.messages import MESSAGES, Message
from pricetime.wire.sheet import SIZES, Field

KINDS = list(MESSAGES.values())


def ends(field: Field) -> tuple[int, int]:
    """The lowest and the highest number that fits."""
    bits = 8 * SIZES[field.type]
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if field.type.startswith("i") else (0, (1 << bits) - 1)


def values(field: Field) -> st.SearchStrategy[Any]:
    if field.length:
        return st.binary(min_size=field.length, max_size=field.length)
    low, high = ends(field)
    return st.integers(low, high) | st.sampled_from([low, high, 0, 1])


def _messages_of(kind: type[Message]) -> st.SearchStrategy[Message]:
    fields = {field.name: values(field) for field in kind.LAYOUT.fields if field.name in kind.FIELDS}
    return st.fixed_dictionaries(fields).map(lambda given: kind(**given))


#: Of each kind, made once: Hypothesis looks a strategy through before it draws from it.
MESSAGES_OF = {kind: _messages_of(kind) for kind in KINDS}

messages = st.sampled_from(KINDS).flatmap(lambda kind: MESSAGES_OF[kind])


@st.composite
def pieces(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """The same bytes, cut anywhere."""
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
