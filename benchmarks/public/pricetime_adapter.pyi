# Nothing here is for Python: its functions are those of the library that is built of it.
