# Short names of integer types. Read by the compiler, and by integers.py for the uncompiled form.

ctypedef unsigned char u8
ctypedef unsigned short u16
ctypedef unsigned int u32
ctypedef unsigned long long u64
ctypedef long long i64
