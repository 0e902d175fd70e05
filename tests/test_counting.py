"""The counter of allocations sees every allocation and the thread that made it."""

from pathlib import Path

from tests.counting import counted

CODE = """
import mmap, threading
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
go, done = threading.Event(), threading.Event()

def work():
    ready.set()
    go.wait()
    for _ in range(1000):
        libc.free(libc.malloc(100))
    maps.extend(mmap.mmap(-1, 4096) for _ in range(50))
    done.set()
    leave.wait()

maps, ready, leave = [], threading.Event(), threading.Event()
thread = threading.Thread(target=work)
idle = threading.Thread(target=leave.wait)
thread.start()
idle.start()
ready.wait()
before = [allocations_of(t.native_id) for t in (thread, idle)] + [allocations()]
go.set()
done.wait()
after = [allocations_of(t.native_id) for t in (thread, idle)] + [allocations()]
leave.set()
thread.join()
idle.join()
print(json.dumps([before, after, allocations_of(1 << 30)]))
"""


def test_what_is_asked_for_and_who_asked(tmp_path: Path) -> None:
    before, after, unknown = counted(CODE, tmp_path)
    worked, waited, every = (late - early for early, late in zip(before, after, strict=True))
    assert worked >= 1050
    assert waited < 50, "allocations of a different thread do not count"
    assert every >= worked + waited
    assert before[0] > 0
    assert before[1] > 0
    assert unknown == 0
