# Short names of integer types. Read by the compiler, and by integers.py for the uncompiled form.

ctypedef unsigned char u8
ctypedef unsigned short u16
ctypedef unsigned int u32
ctypedef unsigned long long u64
ctypedef long long i64

cdef extern from *:
    """
    __extension__ typedef __int128 pricetime_i128;
    __extension__ typedef unsigned __int128 pricetime_u128;
    """
    ctypedef long long i128 "pricetime_i128"              # sums of quantities, of any number of orders
    ctypedef unsigned long long u128 "pricetime_u128"
