"""The messages: a class for each struct of the schema, made when this module is imported.

``NewOrder(side=BID, price=100, quantity=5).encode()`` returns the bytes of a message, ``NewOrder.decode(data)`` reads
them, and ``decode(data)`` reads any message by its first byte. Fields that are not given are 0. A message is immutable,
and a tuple of its fields in the order of the wire, the type first. ``messages.pyi`` has the types for type checkers.
"""

from __future__ import annotations

import struct
from collections import namedtuple

import numpy as np

from .errors import MessageError
from .report import NAMES
from .sheet import CODES, SHEET


class Message:
    """Base class of all messages."""

    __slots__ = ()

    def __new__(cls, **fields):
        values = cls._defaults | fields
        if len(values) != len(cls._defaults) or values["type"] != cls.TYPE:
            unknown = fields.keys() - cls._defaults.keys() or {"type"}
            raise TypeError(f"{cls.__name__} takes no {', '.join(sorted(unknown))}: it has {', '.join(cls.FIELDS)}")
        for name, length in cls._bytes:
            values[name] = bytes(values[name]).ljust(length, b"\0")
        return tuple.__new__(cls, values.values())

    def encode(self):
        """Return the bytes of the message. Raises MessageError if a field is out of range."""
        try:
            data = self._pack(*self)
        except struct.error as error:
            raise MessageError(self._why()) from error
        if self._bytes and any(len(getattr(self, name)) > length for name, length in self._bytes):
            raise MessageError(self._why())  # struct would cut it
        return data

    @classmethod
    def decode(cls, data):
        """Return the message that ``data`` is. Raises MessageError if the length or the type is wrong."""
        if len(data) != cls.SIZE or data[0] != cls.TYPE:
            raise MessageError(
                f"{cls.__name__} has {cls.SIZE} bytes and the first is {cls.TYPE}; "
                f"got {len(data)} bytes" + (f", the first {data[0]}" if data else "")
            )
        return tuple.__new__(cls, cls._unpack(data))

    @property
    def malformed(self):
        """Whether a field that must be 0 is not 0. A receiver may reject such a message."""
        return any(getattr(self, name) for name in self._zeros)

    def _why(self):
        """Return which field cannot be encoded, and why."""
        for field in self.LAYOUT.fields:
            value = getattr(self, field.name)
            if field.length:
                if len(value) > field.length:
                    return f"{self.__class__.__name__}.{field.name} has {len(value)} bytes, at most {field.length} fit"
                continue
            try:
                struct.pack(CODES[field.type], value)
            except struct.error:
                return f"{self.__class__.__name__}.{field.name} is {value!r}: give an int that fits {field.type}"
        return f"{self.__class__.__name__} cannot be encoded"  # pragma: no cover - one field fails above

    def __repr__(self):
        shown = [f"{name}={getattr(self, name)!r}" for name in self.FIELDS]
        shown += [f"{name}={getattr(self, name)!r}" for name in self._zeros if getattr(self, name)]
        return f"{self.__class__.__name__}({', '.join(shown)})"

    def __getnewargs_ex__(self):
        return (), self._asdict()


def _make(layout):
    names = [field.name for field in layout.fields]
    body = struct.Struct("<" + "".join(field.code for field in layout.fields))
    blank = {field.name: bytes(field.length) if field.length else 0 for field in layout.fields}
    return type(
        layout.name,
        (*([NAMES[layout.name]] if layout.name in NAMES else []), Message, namedtuple(layout.name, names)),
        {
            "__slots__": (),
            "__module__": __name__,
            "__doc__": f"{layout.direction}: {layout.purpose} {layout.size} bytes.",
            "LAYOUT": layout,
            "TYPE": layout.type,
            "SIZE": body.size,
            "FIELDS": tuple(field.name for field in layout.fields if field.name != "type" and not field.is_zero),
            "_defaults": blank | {"type": layout.type},
            "_bytes": tuple((field.name, field.length) for field in layout.fields if field.length),
            "_zeros": tuple(field.name for field in layout.fields if field.is_zero),
            "_pack": body.pack,
            "_unpack": body.unpack,
        },
    )


def _dtype(layout):
    numbers = {"u8": "u1", "u16": "<u2", "u32": "<u4", "u64": "<u8", "i64": "<i8"}
    return np.dtype(
        [(f.name, numbers[f.type], (f.length,)) if f.length else (f.name, numbers[f.type]) for f in layout.fields]
    )


def decode(data):
    """Return the message that ``data`` is, by its first byte. Raises MessageError if it is not a message."""
    kind = MESSAGES.get(data[0]) if data else None
    if kind is None:
        raise MessageError(f"no message has the type {data[0]}" if data else "no bytes: a message has at least one")
    return kind.decode(data)


#: The class of each type.
MESSAGES = {layout.type: _make(layout) for layout in SHEET.layouts}

#: The size in bytes of each type, 0 for an unknown type: 256 bytes.
SIZES = bytes(MESSAGES[number].SIZE if number in MESSAGES else 0 for number in range(256))

#: The size in bytes of the largest message.
MAX_SIZE = max(SIZES)

#: The NumPy dtype of each class, for arrays of messages.
DTYPES = {kind: _dtype(kind.LAYOUT) for kind in MESSAGES.values()}

globals().update((kind.__name__, kind) for kind in MESSAGES.values())
__all__ = ["DTYPES", "MAX_SIZE", "MESSAGES", "SIZES", "Message", "decode", *(k.__name__ for k in MESSAGES.values())]  # noqa: PLE0604
