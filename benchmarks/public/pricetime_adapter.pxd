# The schema of pricetime_adapter.py: the functions that the harness of the public benchmark looks for in an engine.

from libc.stdio cimport fprintf, stderr
from libc.stdint cimport INT64_MAX as NO_ASK, INT64_MIN as NO_BID
from libc.stdlib cimport exit
from posix.dlfcn cimport RTLD_GLOBAL, RTLD_NOW, dlopen

from benchmarks.public.abi cimport (
    CANCEL_REJECT, MODIFY_REJECT, Answer, Cancel, Drain, Modify, NewOrder, Push, Transport,
)
from benchmarks.public.embedding cimport (
    LIBRARY, PROGRAM, PyConfig, PyConfig_Clear, PyConfig_InitPythonConfig, PyConfig_SetBytesString, PyErr_Print, PyEval_SaveThread,
    PyImport_AppendInittab, PyImport_ImportModule, Py_InitializeFromConfig, Py_IsInitialized, PyStatus, PyStatus_Exception, make_module,
)
from benchmarks.public.streaming cimport stream, stream_fence
from pricetime.core.book cimport Books, key_of
from pricetime.core.c_api cimport best_price, run_commands
from pricetime.core.layout cimport (
    ASK, BID, CANCEL_ORDER, GTC, IOC, NEW_ORDER, NIL, REJECTED, REPLACE_ORDER, TRADE,
    Command, Report, i64, u8, u32, u64,
)
from pricetime.native.bits cimport ACQUIRE, RELEASE, load_u64, store_u64
from pricetime.native.memory cimport release, reserve, prefault_pages
from pricetime.native.waiting cimport pause
from pricetime.ring.ring cimport Ring


cdef enum:
    NO_ANSWER = 15
    # Kinds of report as types of answer, four bits each: ACCEPTED, TRADE, CANCELLED, REPLACED, those never made, REJECTED
    TYPES = 0x0003210F


cdef class Engine:
    cdef Books books
    cdef Report *reports                 # of one command
    cdef u64 room                        # how many fit there
    cdef Command command                 # the current one

    # the ring of answers, as its producer sees it
    cdef Ring ring
    cdef Answer *slots
    cdef u64 mask
    cdef u64 tail                        # where the next answer goes
    cdef u64 published                   # answers before this are published
    cdef u64 limit                       # the first slot not known to be free
    cdef u64 together                    # answers that are published together
    cdef const Transport *chosen         # where answers are pushed; NULL if the consumer reads the ring
    cdef void *sink

    cdef int _prefault(self) except -1

    cdef void new_order(self, const NewOrder *order) noexcept nogil
    cdef void cancel(self, const Cancel *cancel) noexcept nogil
    cdef void modify(self, const Modify *modify) noexcept nogil
    cdef inline void _run(self, u64 sequence, u32 reject) noexcept nogil
    cdef inline void _answer(self, const Report *report, u64 sequence, u32 reject) noexcept nogil
    cdef void _make_room(self) noexcept nogil
    cdef void publish(self) noexcept nogil
    cdef void _pass_on(self) noexcept nogil
    cdef u64 quantity_at(self, i64 price, u32 side) noexcept nogil


cdef u8 kind_of(u32 kind) noexcept nogil

# the transport
cdef void *create(u32 capacity) noexcept with gil
cdef void destroy(void *handle) noexcept with gil
cdef int push(Ring ring, const Answer *answer) noexcept nogil
cdef u32 drain(Ring ring, Answer *out, u32 most) noexcept nogil
cdef void flush(void *handle) noexcept nogil

# starting Python
cdef void start() noexcept nogil
cdef void fail(const char *why) noexcept nogil
cdef void open_engine(const Transport *chosen, void *sink) noexcept with gil
cdef void close_engine() noexcept with gil

# what the harness calls
cdef public void engine_init(u64 seed, const Transport *chosen, void *sink) noexcept nogil
cdef public void engine_shutdown() noexcept nogil
cdef public void engine_on_new_order(const NewOrder *order) noexcept nogil
cdef public void engine_on_cancel(const Cancel *cancel) noexcept nogil
cdef public void engine_on_modify(const Modify *modify) noexcept nogil
cdef public void engine_flush() noexcept nogil
cdef public i64 engine_query_best_bid() noexcept nogil
cdef public i64 engine_query_best_ask() noexcept nogil
cdef public u64 engine_query_depth_at(i64 price, u8 side) noexcept nogil
cdef public const Transport *engine_get_transport() noexcept nogil
