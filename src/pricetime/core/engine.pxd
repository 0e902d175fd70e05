# Signatures of engine.py, in its order.

from pricetime.core.layout cimport *
from pricetime.core.shared_books cimport SharedBooks, digest_of, owner_with_orders


cdef class Engine(SharedBooks):
    pass
