"""Where the Node package `moe-debugger` lives, and putting it there.

The wheel carries the package itself and a lock file of what it needs (`kernel_package/`). npm fetches the rest
into a folder of this version, which is complete or not there at all: everything happens in a temporary folder
that is renamed at the end.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import platformdirs

from . import __version__
from .errors import UserError
from .node import Node

PACKAGE = Path(__file__).parent / "kernel_package"
CLONE = Path(__file__).parent.parent / "kernel-bridge"
MAIN = Path("node_modules/moe-debugger/lib/programs/cli/main.js")
FILES = ("moe-debugger.tgz", "package.json", "package-lock.json")
TEMPORARY = ".installing-"


def is_clone() -> bool:
    """Whether this Python package runs from a clone, which has the Node package beside it."""
    return (CLONE / "package.json").is_file()


def find_main() -> Path | None:
    """The command line of the Node package; None when it is not installed."""
    if is_clone():
        main = CLONE / "lib/programs/cli/main.js"
        return main if main.is_file() else None
    for home in (environment_home(), user_home()):
        main = home / __version__ / MAIN
        if main.is_file():
            return main
    return None


def environment_home() -> Path:
    return Path(sys.prefix) / "share/moe-debugger"


def user_home() -> Path:
    return Path(platformdirs.user_data_dir("moe-debugger", appauthor=False))


def environment_is_writable() -> bool:
    """Whether this user may install into the environment that Python runs in."""
    place = environment_home()
    while not place.exists():
        place = place.parent
    return os.access(place, os.W_OK)


def install(home: Path, node: Node) -> Path:
    """Install the Node package below `home`; returns its command line. An existing installation is kept."""
    target = home / __version__
    if not all((PACKAGE / name).is_file() for name in FILES):
        raise UserError(
            f"this installation has no kernel package ({PACKAGE}): "
            'install the released wheel, or run "npm start" in a clone'
        )
    if _is_current(target):
        return target / MAIN
    if not node.npm:
        raise UserError(
            f"npm is missing (Node is {node.program}): install npm, "
            'or run "pip install jupyterlab-moe-debugger[node]"'
        )
    try:
        home.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(home)
        folder = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=home))
    except OSError as error:
        raise UserError(
            f"cannot write ({home}: {error.strerror}): "
            'choose your own folder with "moe-debugger kernel install --user"'
        ) from error
    try:
        _fetch(folder, node)
        _put_in_place(folder, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for other in home.iterdir():
        if other != target and not other.name.startswith(TEMPORARY):
            shutil.rmtree(other, ignore_errors=True)
    return target / MAIN


def remove() -> list[Path]:
    """Remove every installed version; returns the folders that were removed."""
    if is_clone():
        return []
    removed = []
    for home in (environment_home(), user_home()):
        if home.is_dir():
            shutil.rmtree(home, ignore_errors=True)
            removed.append(home)
    return removed


def _is_current(target: Path) -> bool:
    lock = "package-lock.json"
    return (
        (target / MAIN).is_file()
        and (target / lock).is_file()
        and (target / lock).read_bytes() == (PACKAGE / lock).read_bytes()
    )


def _fetch(folder: Path, node: Node) -> None:
    for name in FILES:
        shutil.copyfile(PACKAGE / name, folder / name)
    environment = {
        **os.environ,
        # Its install script would download GPU binaries; the CPU binaries are in its package.
        "ONNXRUNTIME_NODE_INSTALL": "skip",
        # The Node that runs npm is also the one for install scripts.
        "PATH": os.pathsep.join([str(Path(node.program).parent), os.environ.get("PATH", "")]),
    }
    command = [*node.npm, "ci", "--omit=dev", "--no-audit", "--no-fund", "--no-progress"]
    result = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if result.returncode != 0:
        _show(result.stdout, "npm error")
        raise UserError(
            f"npm could not install the kernel's packages (npm ci ended with code {result.returncode}): "
            "look at the lines above, check the network and npm's registry setting, and try again"
        )
    check = subprocess.run(
        [node.program, str(folder / MAIN), "--version"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if check.returncode != 0:
        _show(check.stderr)
        raise UserError(
            f"the kernel's packages do not run here (Node {node.version} on {sys.platform}): "
            "look at the lines above, and use 64-bit Linux with glibc, macOS or Windows"
        )


def _show(output: str, telling: str = "") -> None:
    """The lines of a failed program that give the cause; npm prints the cause first and its usage last."""
    lines = [line for line in output.splitlines() if telling in line] or output.splitlines()
    sys.stderr.write("".join(f"    {line}\n" for line in lines[:15]))


def _put_in_place(folder: Path, target: Path) -> None:
    old = None
    try:
        if target.exists():
            old = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=target.parent)) / "old"
            target.rename(old)
        folder.rename(target)
    except OSError as error:
        if old and old.exists() and not target.exists():
            old.rename(target)
        raise UserError(
            f"the new version cannot be put in place ({target}: {error.strerror}): "
            "shut down the notebooks that use the kernel and try again"
        ) from error
    finally:
        if old:
            shutil.rmtree(old.parent, ignore_errors=True)


def _remove_leftovers(home: Path) -> None:
    """Remove leftovers of killed installations: older than a day, so that no running one is affected."""
    for place in home.glob(f"{TEMPORARY}*"):
        if time.time() - place.stat().st_mtime > 86400:
            shutil.rmtree(place, ignore_errors=True)
