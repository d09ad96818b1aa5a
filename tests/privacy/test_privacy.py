"""Nothing leaves the machine: no command and no kernel leaves files in the home or the temporary folder, or reaches
an address other than loopback. Models by id (`hf:`) are fetched, and are not among what runs here."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from watched import Watch, needs_strace

REPOSITORY = Path(__file__).parents[2]
DEMO = str(REPOSITORY / "models" / "demo")
MAIN = str(REPOSITORY / "kernel-bridge" / "bin" / "moe-debugger.mjs")
KERNEL = str(REPOSITORY / "kernel-bridge" / "lib" / "programs" / "kernel" / "main.js")
RESPONSE = str(REPOSITORY / "kernel-bridge" / "test" / "fixtures" / "import" / "response.npz")

PROMPTS = ["def fib(n):", "Der Hund ist", "1 + 1 =", "the cat sat"]
PROMPT = ["--prompt", PROMPTS[0]]
IDS = ["--input-ids", "1,2"]

# Each command line, by its command. They run in a folder that has prompts.jsonl and trace.parquet.
COMMANDS = {
    "inspect": [DEMO],
    "trace": [DEMO, *PROMPT, "--out", "traced.parquet"],
    "generate": [DEMO, *PROMPT, "--max-new-tokens", "2", "--ablate", "3:5"],
    "lens": [DEMO, *IDS],
    "steer": [DEMO, "--positive", "prompts.jsonl", "--negative", "prompts.jsonl", "--out", "steering.json"],
    "sweep": [DEMO, *IDS, "--layers", "0", "--experts", "0,1"],
    "diff": [DEMO, *IDS, "--ablate", "3:5"],
    "counterfactual": [DEMO, *IDS, "--ablate", "3:5", "--total"],
    "compare": ["trace.parquet", "trace.parquet"],
    "vocabulary": [DEMO, "--prompts", "prompts.jsonl", "--layer", "0", "--experts", "0", "--no-evidence"],
    "compress": [DEMO, "--prompts", "prompts.jsonl", "--keep", "7"],
    "balance": [DEMO, "--prompts", "prompts.jsonl"],
    "import": ["vllm", RESPONSE, "--out", "imported.parquet"],
    "export": ["trace.parquet", "--format", "html", "--out", "report.html"],
    "diagnose": ["trace.parquet"],
    "analyze": ["trace.parquet"],
    "attribute": [DEMO, *IDS, "--method", "grad-input"],
    "circuit": [DEMO, *IDS, "--corrupted-ids", "1,3", "--nodes-only", "--no-parts", "--steps", "1", "--measure", "1"],
    "heads": [DEMO, "--count", "1", "--length", "3"],
    "formats": [DEMO, "--prompts", "prompts.jsonl", "--kinds", "case", "--out", "formats.svg"],
    "triggers": ["trace.parquet"],
    "pipelines": [DEMO, "--prompts", "prompts.jsonl", "--effect-tokens", "0", "--out", "pipelines.svg"],
    "kernel install": ["--prefix", "prefix"],
    "kernel list": [],
    "kernel remove": ["--prefix", "prefix"],
}


def moe_debugger(watch, folder, command, args):
    return subprocess.run(
        watch.argv(["node", MAIN, *command.split(), *args]),
        cwd=folder,
        env=watch.env,
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    lines = [json.dumps({"text": prompt, "domain": "code" if "fib" in prompt else "text"}) for prompt in PROMPTS]
    (folder / "prompts.jsonl").write_text("\n".join(lines), encoding="utf-8")
    made = moe_debugger(
        Watch(tmp_path_factory.mktemp("made")), folder, "trace", [DEMO, *PROMPT, "--out", "trace.parquet"]
    )
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="session")
def ended(folder, tmp_path_factory):
    """Runs a command once; several tests look at what it did."""
    done = {}

    def run(command):
        if command not in done:
            watch = Watch(tmp_path_factory.mktemp(command.replace(" ", "-")))
            done[command] = (watch, moe_debugger(watch, folder, command, COMMANDS[command]))
        return done[command]

    return run


def commands_of(*group):
    help_text = subprocess.run(
        ["node", MAIN, *group, "--help"], capture_output=True, text=True, check=True
    ).stdout
    listed = help_text.split("Commands:\n")[1].split("\n\n")[0]
    return [name for name in re.findall(r"^  (\w+)", listed, re.MULTILINE) if name != "help"]


def test_every_command_is_tried():
    groups = {name.split()[0] for name in COMMANDS if " " in name}
    listed = [
        f"{name} {part}" if name in groups else name
        for name in commands_of()
        for part in (commands_of(name) if name in groups else [""])
    ]
    assert sorted(listed) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_leaves_no_files(ended, command):
    watch, process = ended(command)
    assert process.returncode == 0, process.stderr
    assert watch.left() == []


@needs_strace
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_opens_no_socket(ended, command):
    watch, _ = ended(command)
    assert watch.network_families() == []


CELL = f"""
import {{ loadModel, readTrace }} from 'moe-debugger';
const model = await loadModel({json.dumps(DEMO)});
const trace = await model.trace('def fib(n):');
const edited = model.with({{ ablate: [{{ layer: 3, expert: 5 }}] }});
await edited.generate('def fib(n):', {{ maxNewTokens: 2 }});
await readTrace('trace.parquet');
trace
"""


@pytest.fixture(scope="session")
def kernel(folder, tmp_path_factory):
    """A kernel that ran a cell and was shut down."""
    watch = Watch(tmp_path_factory.mktemp("kernel"))
    specs = tmp_path_factory.mktemp("kernels")
    (specs / "watched").mkdir()
    (specs / "watched" / "kernel.json").write_text(
        json.dumps(
            {
                "argv": watch.argv(["node", KERNEL, "--config-path", "{connection_file}"]),
                "display_name": "watched",
                "language": "typescript",
            }
        )
    )
    manager = KernelManager(
        kernel_name="watched",
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(specs)], ensure_native_kernel=False),
        connection_file=str(specs / "connection.json"),
    )
    manager.start_kernel(cwd=str(folder), env=watch.env)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        reply = client.execute_interactive(CELL, timeout=100, output_hook=lambda message: None)
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
    assert reply["content"]["status"] == "ok", reply["content"]
    return watch


def test_a_kernel_leaves_no_files(kernel):
    assert kernel.left() == []


@needs_strace
def test_a_kernel_reaches_nothing_but_loopback(kernel):
    assert kernel.far_addresses() == []
    # Its own sockets are seen.
    assert kernel.network_families() == ["AF_INET"]


def test_what_is_left_is_seen(tmp_path):
    watch = Watch(tmp_path)
    program = "import os, tempfile; os.mkdir(os.path.expanduser('~/.cache')); tempfile.mkstemp(prefix='x', suffix='.log')"
    subprocess.run([sys.executable, "-c", program], env=watch.env, check=True)
    assert [re.sub(r"x\w+", "x", path) for path in watch.left()] == ["home/.cache", "tmp/x.log"]


@needs_strace
def test_sockets_are_seen(tmp_path):
    """Addresses that are reserved for documentation. A datagram socket sends nothing when it is connected."""
    watch = Watch(tmp_path)
    program = (
        "import socket\n"
        "socket.socket(socket.AF_UNIX)\n"
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 9))\n"
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.7', 9))\n"
    )
    subprocess.run(watch.argv([sys.executable, "-c", program]), env=watch.env, check=True)
    assert watch.network_families() == ["AF_INET"]
    assert watch.far_addresses() == ["192.0.2.7"]
