"""The messages: a class for each struct of the schema, made when this module is imported.

``NewOrder(side=BID, price=100, quantity=5).encode()`` gives its bytes, ``NewOrder.decode(data)`` reads them, and
``decode(data)`` any message, by its first byte. What is not given is 0. A message does not change; as a tuple it is
its fields in the order of the wire, the type first. Their types, for type checkers, are in ``messages.pyi``.
"""

from __future__ import annotations

import struct
from collections import namedtuple

import numpy as np

from .errors import MessageError
from .report import NAMES
from .sheet import CODES, SHEET


class Message:
    """What all messages have."""

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
        """Its bytes. MessageError when a field is out of its range."""
        try:
            data = self._pack(*self)
        except struct.error as error:
            raise MessageError(self._why()) from error
        if self._bytes and any(len(getattr(self, name)) > length for name, length in self._bytes):
            raise MessageError(self._why())  # struct would cut it
        return data

    @classmethod
    def decode(cls, data):
        """The message in ``data``, which holds it and nothing else. MessageError when it does not."""
        if len(data) != cls.SIZE or data[0] != cls.TYPE:
            raise MessageError(
                f"{cls.__name__} is {cls.SIZE} bytes of which the first is {cls.TYPE}; "
                f"given are {len(data)}" + (f", the first {data[0]}" if data else "")
            )
        return tuple.__new__(cls, cls._unpack(data))

    @property
    def malformed(self):
        """Whether a field that must be 0 is not: a receiver may refuse such a message."""
        return any(getattr(self, name) for name in self._zeros)

    def _why(self):
        """Which field cannot be encoded."""
        for field in self.LAYOUT.fields:
            value = getattr(self, field.name)
            if field.length:
                if len(value) > field.length:
                    return f"{self.__class__.__name__}.{field.name} has {len(value)} bytes: at most {field.length} fit"
                continue
            try:
                struct.pack(CODES[field.type], value)
            except struct.error:
                return (
                    f"{self.__class__.__name__}.{field.name} is {value!r}: a whole number that fits {field.type} is due"
                )
        return f"{self.__class__.__name__} cannot be encoded"  # pragma: no cover - some field is to blame

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
    """The message that ``data`` is, by its first byte. MessageError when it is none."""
    kind = MESSAGES.get(data[0]) if data else None
    if kind is None:
        raise MessageError(f"no message has the type {data[0]}" if data else "no bytes are no message")
    return kind.decode(data)


#: The class of each type.
MESSAGES = {layout.type: _make(layout) for layout in SHEET.layouts}

#: The size in bytes of each type, 0 where no message has it: 256 bytes.
SIZES = bytes(MESSAGES[number].SIZE if number in MESSAGES else 0 for number in range(256))

#: The size of the largest.
MAX_SIZE = max(SIZES)

#: The NumPy dtype of each class, for many at once.
DTYPES = {kind: _dtype(kind.LAYOUT) for kind in MESSAGES.values()}

globals().update((kind.__name__, kind) for kind in MESSAGES.values())
__all__ = ["DTYPES", "MAX_SIZE", "MESSAGES", "SIZES", "Message", "decode", *(k.__name__ for k in MESSAGES.values())]  # noqa: PLE0604
