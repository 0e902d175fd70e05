"""``pricetime subscribe`` in a process of its own, whose lines are read as they come: its output never fills up."""

import signal
import subprocess
import sys
import threading
from types import TracebackType
from typing import Self

#: How long what is waited for may take.
PATIENCE_S = 60.0


class Watching:
    """A context manager: where the process has not ended by then it is killed."""

    def __init__(self, *arguments: str) -> None:
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._silent = False  # its output has ended
        command = [sys.executable, "-m", "pricetime", "subscribe", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, name="lines")
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join()

    def has(self, text: str, first: int = 0) -> bool:
        """Does a line that came begin with it, from this one on?"""
        return any(line.startswith(text) for line in self.lines[first:])

    def wait_for(self, text: str, first: int = 0) -> None:
        """Until a line begins with it, from this one on."""
        with self._changed:
            self._changed.wait_for(lambda: self.has(text, first) or self._silent, PATIENCE_S)
        assert self.has(text, first), f"no line begins with {text!r}: {self.lines[first:]}"

    def end(self, code: int = 0) -> str:
        """Wait until it ends with this exit code: all that it said."""
        assert self.process.wait(PATIENCE_S) == code, self.lines
        self._reader.join()
        return "".join(self.lines)

    def interrupt(self, code: int = 0) -> str:
        """Ctrl-C, after which it ends with this exit code: all that it said."""
        self.process.send_signal(signal.SIGINT)
        return self.end(code)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                with self._changed:
                    self.lines.append(line)
                    self._changed.notify_all()
        with self._changed:
            self._silent = True
            self._changed.notify_all()
