"""A program on a terminal of its own, as a person runs it."""

import os
import pty
import re
import select
import signal
import time

import psutil
import pytest
from environment import clean_environment

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x08\r]")


class Terminal:
    def __init__(self, command, folder):
        self.shown = ""
        self._seen = 0
        self._ended = None
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            # A person at a terminal is no CI service, whatever runs this test: jest's watch mode and others ask "CI".
            os.execvpe(command[0], command, clean_environment(TERM="xterm", CI="false"))

    def wait_for(self, pattern, seconds=100):
        """Waits until the terminal shows something, after what was waited for before."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = re.compile(pattern).search(self.shown, self._seen)
            if found:
                self._seen = found.end()
                return found
            if not self._read():
                break
        pytest.fail(f"never shown: {pattern}\n{self.shown}")

    def press(self, keys):
        os.write(self._terminal, keys.encode())

    def processes(self):
        """What runs on it; processes in groups and sessions of their own included."""
        return psutil.Process(self.pid).children(recursive=True)

    def wait(self, seconds=30):
        """Waits for the program's end; its exit code, or the negative number of the signal that ended it."""
        end = time.monotonic() + seconds
        while self._ended is None and time.monotonic() < end:
            self._read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._ended = os.waitstatus_to_exitcode(status)
        assert self._ended is not None, f"did not end:\n{self.shown}"
        return self._ended

    def close(self):
        if self._ended is None:
            for process in [*self.processes(), psutil.Process(self.pid)]:
                process.send_signal(signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._terminal)

    def _read(self):
        ready, _, _ = select.select([self._terminal], [], [], 0.2)
        if ready:
            try:
                text = os.read(self._terminal, 65536)
            except OSError:  # Linux's way to say that the other side is closed.
                return False
            self.shown += CONTROL.sub("", text.decode("utf-8", "replace"))
        return True
