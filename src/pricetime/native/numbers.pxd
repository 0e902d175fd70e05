cdef unsigned long long as_u64(object value) except? 0
cdef long long as_i64(object value) except? -1
