# Signatures of engine.py, in its order.

from pricetime.core.dump cimport states_of
from pricetime.core.layout cimport *
from pricetime.core.shared_books cimport SharedBooks, checked, digest_of, owner_with_orders
from pricetime.native.arrays cimport Block


cdef class Engine(SharedBooks):
    pass
