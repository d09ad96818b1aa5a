"""`moe-debugger`: installs the Node package with the kernel; every other command is the Node package's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from . import installation
from .errors import UserError
from .node import Node, find_node


def main(arguments: list[str] | None = None) -> int:
    """The console script; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return _run(arguments)
    except UserError as error:
        print(f"moe-debugger: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _run(arguments: list[str]) -> int:
    command = [argument for argument in arguments if not argument.startswith("-")][:2]
    asks_for_help = "--help" in arguments or "-h" in arguments
    if command == ["kernel", "install"] and not asks_for_help:
        return _install(arguments)
    node = find_node()
    main_file = installation.find_main()
    if main_file is None:
        raise UserError(
            'the kernel package is not installed yet: run "moe-debugger kernel install"'
            if not installation.is_clone()
            else f'the clone is not built yet ({installation.CLONE}): run "npm start" or "npm run build:kernel" in it'
        )
    if command == ["kernel", "remove"] and not asks_for_help:
        code = _pass_on(node, main_file, with_place(arguments))
        for folder in installation.remove():
            print(f"Removed {folder}", file=sys.stderr)
        return code
    return _become(node, main_file, arguments)


def _install(arguments: list[str]) -> int:
    node = find_node()
    if installation.is_clone():
        main_file = installation.find_main()
        if main_file is None:
            raise UserError(
                f'the clone is not built yet ({installation.CLONE}): run "npm start" or "npm run build:kernel" in it'
            )
    else:
        home = (
            installation.user_home()
            if _wants_user(arguments)
            else installation.environment_home()
        )
        print(f"Installing the kernel's packages into {home} (a minute or so) ...", file=sys.stderr)
        main_file = installation.install(home, node)
    return _pass_on(node, main_file, with_place(arguments))


def with_place(arguments: list[str]) -> list[str]:
    """The arguments with the location of the kernelspec. Default: next to this Python's other kernels."""
    here = ["--prefix", sys.prefix]
    if arguments[-1] == "--sys-prefix":
        # The Node program would look for an active environment; ours is the one that this Python runs in.
        return [*arguments[:-1], *here]
    if _names_place(arguments):
        return arguments
    return [*arguments, *(["--user"] if _wants_user(arguments) else here)]


def _wants_user(arguments: list[str]) -> bool:
    if _names_place(arguments):
        return "--user" in arguments
    return not installation.environment_is_writable()


def _names_place(arguments: list[str]) -> bool:
    options = ("--prefix", "--sys-prefix", "--user")
    return any(argument.split("=")[0] in options for argument in arguments)


def _pass_on(node: Node, main_file: Path, arguments: list[str]) -> int:
    return subprocess.run([node.program, str(main_file), *arguments]).returncode


def _become(node: Node, main_file: Path, arguments: list[str]) -> int:
    """Replace this process with the Node command line, so that signals reach it directly."""
    if os.name == "nt":
        return _pass_on(node, main_file, arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    return os.execv(node.program, [node.program, str(main_file), *arguments])


if __name__ == "__main__":
    sys.exit(main())
