"""Start, hostile frames, shutdown, and what becomes of a kernel whose parent dies."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import zmq
from jupyter_client.session import Session
from live_notebook import Notebook

MODELS = Path(__file__).parents[2] / "models"
# A kernel that is shut down ends within a second; a loaded machine may take longer.
SHUTDOWN_SECONDS = 10


def shutdown(notebook, restart=False):
    """Asks a kernel to end; its reply, and how long its process took."""
    started = time.monotonic()
    reply = notebook.reply(
        notebook.send("shutdown_request", {"restart": restart}, channel="control"), "control"
    )
    notebook.manager.provisioner.process.wait(SHUTDOWN_SECONDS)
    return reply, time.monotonic() - started


def test_shutdown_is_answered_and_the_process_ends(new_notebook):
    assert shutdown(new_notebook)[0] == {"status": "ok", "restart": False}
    assert new_notebook.manager.provisioner.process.returncode == 0


def test_open_timers_workers_and_servers_do_not_delay_shutdown(new_notebook):
    new_notebook.ok(
        "import { Worker } from 'node:worker_threads';\nimport { createServer } from 'node:http';\n"
        "setInterval(() => undefined, 1000); setTimeout(() => undefined, 1e6);\n"
        "new Worker('setInterval(() => {}, 1000)', { eval: true }); createServer().listen(0, '127.0.0.1');\nundefined"
    )
    assert shutdown(new_notebook, restart=True)[0] == {"status": "ok", "restart": True}


@pytest.mark.parametrize("code", ["while (true) {}", "await null; while (true) {}"])
def test_a_busy_kernel_shuts_down(new_notebook, code):
    running = new_notebook.start("console.log('running'); " + code)
    new_notebook.wait_for("stream", running)
    assert shutdown(new_notebook)[0]["status"] == "ok"


def test_exit_listeners_run(new_notebook):
    new_notebook.ok(
        "import { writeFileSync } from 'node:fs';\nprocess.on('exit', () => writeFileSync('said-goodbye', ''));"
    )
    shutdown(new_notebook)
    assert (new_notebook.folder / "said-goodbye").exists()


EXITS = {
    "at once": "process.exit(3)",
    "while a model loads": """import { loadModel } from 'moe-debugger';
void loadModel(DEMO); setTimeout(() => process.exit(3), 50); undefined""",
    "while a cell waits": "setTimeout(() => process.exit(3), 50); await new Promise(() => undefined)",
}


@pytest.mark.parametrize("code", EXITS.values(), ids=EXITS.keys())
def test_a_cell_that_ends_the_kernel_says_so(new_notebook, code):
    ended = new_notebook.start(code.replace("DEMO", json.dumps(str(MODELS / "demo"))))
    said = new_notebook.until(lambda m: m["content"].get("name") == "stderr", parent=ended)[-1]
    assert said["content"]["text"] == (
        "The kernel ended, because process.exit(3) was called. Variables and loaded models are lost.\n"
    )
    assert new_notebook.manager.provisioner.process.wait(30) == 3
    assert (new_notebook.folder / "kernel.log").read_text() == ""


def restart_after_death(notebook):
    """What Jupyter does when a kernel has died: it starts another with the same connection file."""
    notebook.manager.provisioner.process.wait(60)
    notebook.manager.restart_kernel(now=True)
    notebook.client.wait_for_ready(timeout=60)


OUT_OF_MEMORY = "const all: string[][] = []; while (true) all.push(new Array(1e6).fill('x'))"
DEATHS = {
    "killed": ("process.kill(process.pid, 'SIGKILL')", "was killed or crashed", {"cause": "killed"}),
    "process.exit": ("process.exit(5)", r"process.exit\(5\) was called", {"cause": "exit", "code": 5}),
    "out of memory": (OUT_OF_MEMORY, "crashed: JavaScript ran out of memory", {"cause": "memory"}),
}


@pytest.mark.parametrize(("code", "said", "told"), DEATHS.values(), ids=DEATHS.keys())
def test_the_next_kernel_says_how_the_last_one_ended(data_dir, tmp_path, monkeypatch, code, said, told):
    monkeypatch.setenv("NODE_OPTIONS", "--max-old-space-size=300")
    with Notebook(tmp_path) as notebook:
        notebook.start(code)
        restart_after_death(notebook)
        first = notebook.ok("1 + 1")
        assert re.match(f"The kernel before this one .*{said}.* Variables and loaded models are lost", first.stderr)
        assert notebook.ok("2 + 2").stderr == ""
        opened = notebook.send(
            "comm_open", {"comm_id": "panel", "target_name": "moe-debugger", "data": {"version": 1}}
        )
        hello = notebook.wait_for("comm_msg", opened)["content"]["data"]
        assert hello["type"] == "hello"
        assert hello["previousEnd"] == told


@pytest.mark.parametrize("code", ["1", "while (true) {}"])
def test_a_restart_that_was_asked_for_is_no_death(new_notebook, code):
    running = new_notebook.start("console.log('running'); " + code)
    new_notebook.wait_for("stream", running)
    new_notebook.manager.restart_kernel(now=False)
    new_notebook.client.wait_for_ready(timeout=60)
    assert new_notebook.ok("1 + 1").stderr == ""


def test_a_kernel_leaves_no_record_of_itself(new_notebook):
    connection = Path(new_notebook.manager.connection_file)
    left = connection.parent / "kernel-of-a-machine-that-lost-power.moe-kernel.json"
    left.write_text("{}")
    new_notebook.manager.restart_kernel(now=False)
    new_notebook.client.wait_for_ready(timeout=60)
    own = connection.with_suffix(".moe-kernel.json")
    assert own.exists()
    assert not left.exists()
    shutdown(new_notebook)
    # The folder is shared with kernels of other tests, which may run, or were killed: their records stay.
    assert not own.exists()


HOSTILE = {
    "a prototype": "Array.prototype.flatMap = () => { throw 1 }; throw new Error('seen')",
    "a message that throws": "throw Object.defineProperty(new Error('x'), 'message', { get() { throw 1 } })",
    "an object that cannot be shown": "throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 1 } })",
    "a result that cannot be shown": "new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 1 } })",
}


@pytest.mark.parametrize("code", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_cell_that_breaks_error_messages_does_not_end_the_kernel(new_notebook, code):
    cell = new_notebook.run(code)
    assert cell.reply["status"] == "error"
    assert cell.error["traceback"] != []
    assert new_notebook.run("setTimeout(() => { throw new Error('later') }, 0)").reply["status"] == "ok"
    assert new_notebook.ok("20 + 22").result == "42"


def test_child_processes_end_with_the_kernel(new_notebook):
    read, write = os.pipe()
    os.set_inheritable(write, True)
    # The pipe stays open as long as anyone holds its other end.
    path = f"/proc/{os.getpid()}/fd/{write}"
    new_notebook.ok(
        "import { spawn } from 'node:child_process';\nimport { openSync } from 'node:fs';\n"
        f"const child = spawn('sleep', ['1000'], {{ stdio: ['ignore', openSync({json.dumps(path)}, 'w'), 'ignore'] }});\n"
        "child.pid !== undefined"
    )
    os.close(write)
    shutdown(new_notebook)
    assert os.read(read, 1) == b""
    os.close(read)


def test_the_heartbeat_goes_on_while_a_cell_is_busy(new_notebook):
    running = new_notebook.start("console.log('running'); while (true) {}")
    new_notebook.wait_for("stream", running)
    connection = new_notebook.manager.get_connection_info()
    socket = zmq.Context.instance().socket(zmq.REQ)
    socket.linger = 0
    socket.connect(f"tcp://{connection['ip']}:{connection['hb_port']}")
    socket.send(b"ping")
    assert socket.poll(30_000) and socket.recv() == b"ping"
    socket.close()


# The parent runs a kernel and is killed; the pipe that the kernel has inherited tells when it is gone, too.
PARENT = """
import sys
from jupyter_client.manager import KernelManager
manager = KernelManager(kernel_name="tslab-moe")
manager.start_kernel(cwd=sys.argv[1])
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=60)
client.execute(sys.argv[2])
while True:
    message = client.get_iopub_msg(timeout=60)
    if message["msg_type"] == "stream":
        break
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("then", ["", "while (true) {}", "setInterval(() => undefined, 1000)"])
def test_no_kernel_survives_its_parent(data_dir, tmp_path, then):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), "console.log('running'); " + then],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert parent.stdout.readline() == b"ready\n"
    parent.send_signal(signal.SIGKILL)
    parent.communicate(timeout=30)


def test_hostile_frames_are_dropped_with_a_line_on_stderr(new_notebook):
    connection = new_notebook.manager.get_connection_info()
    good = Session(key=connection["key"])
    header, parent, metadata, content = (
        json.dumps(part, default=str).encode()
        for part in (good.msg_header("execute_request"), {}, {}, {"code": "throw new Error()"})
    )
    signed = lambda *parts: [b"<IDS|MSG>", good.sign(list(parts)), *parts]  # noqa: E731
    frames = {
        "no delimiter": [b"nothing"],
        "4 parts": [b"<IDS|MSG>", b"", header, parent, metadata],
        "signature is wrong": [b"<IDS|MSG>", b"0" * 64, header, parent, metadata, content],
        "not JSON\n": signed(b"{", parent, metadata, content),
        "not a JSON object": signed(b"[]", parent, metadata, content),
        "no msg_type": signed(b"{}", parent, metadata, content),
    }
    for channel in ("shell", "control"):
        socket = zmq.Context.instance().socket(zmq.DEALER)
        socket.linger = 0
        socket.connect(f"tcp://{connection['ip']}:{connection[f'{channel}_port']}")
        for parts in frames.values():
            socket.send_multipart(parts)
        # Answered only after what came before it.
        request = good.msg("kernel_info_request")
        good.send(socket, request)
        assert socket.poll(30_000)
        socket.close()
    log = (new_notebook.folder / "kernel.log").read_text()
    for reason in frames:
        assert log.count(reason) == 2, (reason, log)
    assert new_notebook.ok("'alive'").result == "alive"


def test_requests_with_nonsense_in_them_do_no_harm(new_notebook):
    for msg_type, content in (
        ("execute_request", {}),
        ("execute_request", {"code": 7, "user_expressions": "none"}),
        ("complete_request", {"code": "", "cursor_pos": 1e9}),
        ("complete_request", {}),
        ("inspect_request", {"code": None, "cursor_pos": "x"}),
        ("history_request", {"hist_access_type": 3, "n": -1}),
        ("comm_info_request", {"target_name": {}}),
        ("is_complete_request", {}),
    ):
        new_notebook.request(msg_type, content)
    for msg_type in ("comm_open", "comm_msg", "comm_close", "input_reply", "no_such_type"):
        new_notebook.until_idle(new_notebook.send(msg_type, {"comm_id": {}}))
    assert new_notebook.ok("'alive'").result == "alive"


def test_a_restart_forgets_everything(new_notebook):
    new_notebook.ok("const before = 1;")
    new_notebook.manager.restart_kernel()
    new_notebook.client.wait_for_ready(timeout=60)
    assert "Cannot find name 'before'" in new_notebook.run("before").error["evalue"]
