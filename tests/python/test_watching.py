"""What builds and tests again while one edits: `npm run dev` and `npx jest --watch`, on a terminal."""

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from environment import clean_environment

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are of POSIX", allow_module_level=True)

from terminal import Terminal  # noqa: E402

# A compiler's first look at everything takes as long as the machine is busy.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def terminal():
    opened = []

    def terminal(*arguments):
        opened.append(Terminal(*arguments))
        return opened[-1]

    yield terminal
    for each in opened:
        each.close()


@contextmanager
def edited(file):
    """A line more for a while; a file that is only touched need not be built."""
    before = file.read_bytes()
    file.write_bytes(before + b"// Edited by a test.\n")
    try:
        yield
    finally:
        file.write_bytes(before)


def test_dev_builds_what_is_edited_and_leaves_nothing_when_it_is_stopped(terminal, repository, node):
    # Not the bundle: what is made of it for development is not what the other tests are for.
    dev = terminal([node, "scripts/dev.mjs", "--no-setup", "kernel", "page"], repository)
    dev.wait_for("Watching: kernel, page")
    dev.wait_for("=> the kernel package is built: restart the notebook's kernel")
    with edited(repository / "kernel-bridge/src/index.ts"):
        dev.wait_for("=> the kernel package is built: restart the notebook's kernel")
    dev.wait_for("=> the kernel package is built: restart the notebook's kernel")
    watchers = dev.processes()
    assert len(watchers) == 2
    dev.press("\x03")
    assert dev.wait() == 130
    assert [process for process in watchers if psutil.pid_exists(process.pid)] == []


def test_dev_ends_when_a_watcher_does(terminal, repository, node):
    dev = terminal([node, "scripts/dev.mjs", "--no-setup", "kernel", "page"], repository)
    dev.wait_for("Starting compilation")
    watchers = dev.processes()
    watchers[0].kill()
    dev.wait_for(r'The watcher "(kernel|page)" was ended by SIGKILL')
    assert dev.wait() == 1
    assert [process for process in watchers if psutil.pid_exists(process.pid)] == []


def test_dev_names_what_can_be_watched(repository, node):
    result = subprocess.run(
        [node, "scripts/dev.mjs", "nonsense"],
        cwd=repository,
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert 'There is no watcher "nonsense": choose from kernel, page, bundle' in result.stderr


@pytest.mark.skipif(not (Path(__file__).parents[2] / ".git").exists(), reason="jest asks git what changed")
@pytest.mark.parametrize(
    ("folder", "spec"),
    [(".", "src/routing/limits.spec.ts"), ("kernel-bridge", "src/base/statistics/student-t.spec.ts")],
)
def test_jest_watches(terminal, repository, node, folder, spec):
    place = repository / folder
    jest = terminal([node, str(repository / "node_modules/jest/bin/jest.js"), "--watch", spec], place)
    jest.wait_for("Watch Usage")
    with edited(place / spec):
        jest.wait_for(f"PASS.*{spec}")
        jest.wait_for(r"Tests:\s+[1-9]\d* passed, [1-9]\d* total\s")
        jest.wait_for("Watch Usage")
    assert "naming collision" not in jest.shown
    jest.press("q")
    assert jest.wait() == 0
