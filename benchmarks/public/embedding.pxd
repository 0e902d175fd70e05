# Functions with which a library in a process without Python starts one.

from cpython.pystate cimport PyThreadState
from libc.stddef cimport wchar_t

cdef extern from "Python.h" nogil:
    ctypedef struct PyStatus:
        const char *err_msg

    ctypedef struct PyConfig:
        wchar_t *program_name            # decides where Python looks for its modules
        int install_signal_handlers

    void PyConfig_InitPythonConfig(PyConfig *config) noexcept
    PyStatus PyConfig_SetBytesString(PyConfig *config, wchar_t **field, const char *value) noexcept
    PyStatus Py_InitializeFromConfig(const PyConfig *config) noexcept
    void PyConfig_Clear(PyConfig *config) noexcept
    int PyStatus_Exception(PyStatus status) noexcept
    int Py_IsInitialized() noexcept
    int PyImport_AppendInittab(const char *name, void *(*make)() noexcept) noexcept
    void *PyImport_ImportModule(const char *name) noexcept
    void PyErr_Print() noexcept
    PyThreadState *PyEval_SaveThread() noexcept

cdef extern from * nogil:
    """
    PyMODINIT_FUNC PyInit_pricetime_adapter(void);
    """
    void *make_module "PyInit_pricetime_adapter"() noexcept
    const char *PROGRAM "PRICETIME_PYTHON"          # the Python that pricetime is installed in; given when this is compiled
    const char *LIBRARY "PRICETIME_LIBPYTHON"       # the library that this Python is
