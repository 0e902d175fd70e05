# The interface between the public benchmark and an engine: our declarations, with the layout of its header.
# Everything is little-endian, and all padding is named.

from pricetime.core.layout cimport i64, u8, u32, u64

cdef enum:
    # types of an answer
    ORDER_ACK = 0
    TRADE_ANSWER = 1
    CANCEL_ACK = 2
    MODIFY_ACK = 3
    CANCEL_REJECT = 4
    MODIFY_REJECT = 5

# A new order: 32 bytes.
ctypedef struct NewOrder:
    u64 order_id
    u64 sequence         # of the message; every answer to it carries it
    i64 price            # ticks
    u32 quantity         # lots
    u8 side              # 0 buy, 1 sell
    u8 ioc               # 1: what does not trade at once is cancelled
    u8 zero[2]

# A cancel: 16 bytes.
ctypedef struct Cancel:
    u64 order_id
    u64 sequence

# A modify, which removes the order and enters it again: 32 bytes.
ctypedef struct Modify:
    u64 order_id
    u64 sequence
    i64 price
    u32 quantity
    u8 side
    u8 zero[3]

# What the harness takes out of a transport: 64 bytes.
ctypedef struct Answer:
    u8 type
    u8 side
    u8 zero[6]
    u64 sequence
    u64 order_id         # 0 in a trade
    i64 price            # of a trade: the maker's
    u32 quantity
    u32 zero2
    u64 maker_id         # 0 but in a trade
    u64 taker_id         # 0 but in a trade
    u64 zero3

# How answers travel from the engine's thread to the harness's.
ctypedef void *(*Create)(u32 capacity) noexcept nogil
ctypedef int (*Push)(void *handle, const Answer *answer) noexcept nogil
ctypedef u32 (*Drain)(void *handle, Answer *out, u32 most) noexcept nogil
ctypedef void (*Flush)(void *handle) noexcept nogil
ctypedef void (*Destroy)(void *handle) noexcept nogil

ctypedef struct Transport:
    Create create
    Push push
    Drain drain
    Flush flush
    Destroy destroy
