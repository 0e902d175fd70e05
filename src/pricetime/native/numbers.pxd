# Python ints as machine integers, compiled into the module that uses them.

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object value, int *overflow) noexcept   # an int: it raises nothing
    unsigned long long PyLong_AsUnsignedLongLong(object value) except? 0xFFFFFFFFFFFFFFFF

cdef extern from "<limits.h>":
    long long LEAST "LLONG_MIN"

# The value, or LEAST if it does not fit: no exception, so that a caller need not catch one.
cdef inline long long as_i64(object value) noexcept:
    cdef int overflow = 0
    cdef long long number = PyLong_AsLongLongAndOverflow(value, &overflow)
    return number if overflow == 0 else LEAST

# The value. Raises OverflowError if it does not fit.
cdef inline unsigned long long as_u64(object value) except? 0xFFFFFFFFFFFFFFFF:
    return PyLong_AsUnsignedLongLong(value)
