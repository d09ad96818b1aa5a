"""Programs that are watched: what they leave in the home and the temporary folder, and which addresses they reach."""

import os
import re
import shutil
import subprocess
from functools import cache

import pytest

# Calls that open a socket, or name who is at its other end.
# By a filter in the system, so that a program is only stopped at these calls.
STRACE = ["-f", "-qq", "--seccomp-bpf", "-e", "trace=socket,bind,connect,sendto,sendmsg,sendmmsg"]
# `socket(AF_INET6, SOCK_DGRAM, ...`, `{sa_family=AF_INET, sin_port=..., sin_addr=inet_addr("1.2.3.4")}` and
# `sin6_addr`, which strace writes as `inet_pton(AF_INET6, "::1", &sin6_addr)`.
OPENED = re.compile(r"\bsocket\((AF_\w+)")
ADDRESS = re.compile(r'inet_(?:addr\(|pton\(AF_INET6, )"([^"]+)"')
# Sockets of one machine: to other processes, and to ask the system about itself.
LOCAL_FAMILIES = ("AF_UNIX", "AF_LOCAL", "AF_NETLINK")
LOOPBACK = re.compile(r"127\.|::1$|::ffff:127\.")


@cache
def why_no_strace():
    """Why calls to the system cannot be watched; None where they can."""
    strace = shutil.which("strace")
    if strace is None:
        return "strace is not installed"
    tried = subprocess.run([strace, *STRACE, "-o", os.devnull, "true"], capture_output=True, text=True)
    return None if tried.returncode == 0 else f"strace does not work here: {tried.stderr.strip()}"


needs_strace = pytest.mark.skipif(why_no_strace() is not None, reason=why_no_strace() or "")


class Watch:
    """A home and a temporary folder of their own, and a log of the network calls where strace is there."""

    def __init__(self, folder):
        self.home = folder / "home"
        self.tmp = folder / "tmp"
        self._calls = folder / "calls.txt"
        self.home.mkdir()
        self.tmp.mkdir()

    def argv(self, argv):
        if why_no_strace() is not None:
            return argv
        return ["strace", *STRACE, "-o", str(self._calls), *argv]

    @property
    def env(self):
        """No variable of this process is passed on: on a build machine they keep onnxruntime quiet."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "TMPDIR": str(self.tmp)}

    def left(self):
        """What was left behind, folders too."""
        return sorted(
            str(path.relative_to(root.parent)) for root in (self.home, self.tmp) for path in root.rglob("*")
        )

    def network_families(self):
        """The kinds of sockets that were opened, except those of one machine."""
        families = OPENED.findall(self._calls.read_text(encoding="utf-8", errors="replace"))
        return sorted({family for family in families if family not in LOCAL_FAMILIES})

    def far_addresses(self):
        """The addresses, bound or reached, that are not this machine's own."""
        addresses = ADDRESS.findall(self._calls.read_text(encoding="utf-8", errors="replace"))
        return sorted({address for address in addresses if not LOOPBACK.match(address)})
