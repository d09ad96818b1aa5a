"""`npm start`: JupyterLab answers at the address that is printed, and nothing is left when it is stopped."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from environment import clean_environment

ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|localhost):(\d+)/\S*token=[0-9a-f]+")
SECONDS = 60

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent to a process group")


class Start:
    """`npm start` in a session of its own, as a terminal would run it."""

    def __init__(self, repository, node, folder, *arguments):
        self.log = open(folder / "start.log", "w+")
        home = {name: str(folder / name) for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
        self.process = subprocess.Popen(
            [node, str(repository / "scripts/start.mjs"), "--no-browser", *arguments],
            cwd=repository,
            env=clean_environment(**home),
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def address(self):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            if "JupyterLab is ready" in self.text():
                return ADDRESS.search(self.text())
            time.sleep(0.1)
        pytest.fail(f"JupyterLab did not start:\n{self.text()}")

    def text(self):
        self.log.seek(0)
        return self.log.read()

    def group(self):
        """The processes of its session that still run."""
        found = subprocess.run(["ps", "-eo", "pid=,sid=,stat="], capture_output=True, text=True).stdout
        rows = [line.split() for line in found.splitlines()]
        return [row[0] for row in rows if row[1] == str(self.process.pid) and not row[2].startswith("Z")]

    def close(self):
        if self.group():
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()


@pytest.fixture
def start(repository, node, tmp_path):
    started = []

    def start(*arguments):
        started.append(Start(repository, node, tmp_path, *arguments))
        return started[-1]

    yield start
    for each in started:
        each.close()


def answers(address):
    with urllib.request.urlopen(address, timeout=10) as response:
        return response.status == 200 and b"jupyter" in response.read().lower()


def test_it_answers_on_a_free_port_and_stops_on_ctrl_c(start):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8888))
            taken.listen()
        except OSError:
            pass  # Taken already: as good.
        lab = start()
        found = lab.address()
        assert found.group(1) != "8888"
        assert answers(found.group(0))
    # A terminal sends Ctrl+C to every process in the foreground.
    os.killpg(lab.process.pid, signal.SIGINT)
    lab.process.wait(timeout=30)
    assert lab.group() == []


def test_arguments_go_to_jupyterlab_and_sigterm_to_one_process_stops_all(start):
    lab = start("--ServerApp.base_url=/elsewhere/")
    found = lab.address()
    assert "/elsewhere/" in found.group(0)
    lab.process.send_signal(signal.SIGTERM)
    lab.process.wait(timeout=30)
    assert lab.group() == []
