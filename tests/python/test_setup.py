"""What the set-up says when something is missing: one sentence, with the way out."""

import os
import shutil
import subprocess
import sys

import pytest
from environment import clean_environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stand-ins are shell scripts")


@pytest.fixture
def clone(repository, tmp_path):
    """A folder with the scripts alone: nothing is installed or built in it."""
    shutil.copytree(repository / "scripts", tmp_path / "clone/scripts")
    shutil.copy(repository / "package.json", tmp_path / "clone")
    return tmp_path / "clone"


@pytest.fixture
def program(path_without_node):
    """Puts a stand-in on PATH."""

    def program(name, script):
        file = os.path.join(path_without_node, name)
        with open(file, "w") as stream:
            stream.write(f"#!/bin/sh\n{script}\n")
        os.chmod(file, 0o755)

    return program


def set_up(clone, node, path, **environment):
    env = clean_environment(**{"PYTHON": "", "PATH": path, **environment})
    result = subprocess.run(
        [node, "scripts/test.mjs", "--only", "lint"],
        cwd=clone,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 1
    return result.stderr.strip()


def test_no_python(clone, node, path_without_node):
    said = set_up(clone, node, path_without_node)
    assert said.count("\n") == 0
    assert said.startswith("Python 3.10 or newer is needed and there is none on PATH: install it")


def test_a_python_that_is_too_old(clone, node, path_without_node, program):
    program("python3", "echo 3.9; echo venv")
    said = set_up(clone, node, path_without_node)
    assert said.count("\n") == 0
    assert "python3 is Python 3.9" in said


def test_a_python_without_venv(clone, node, path_without_node, program):
    program("python3", "echo 3.12")
    said = set_up(clone, node, path_without_node)
    assert said.count("\n") == 0
    assert "has no venv module" in said and "apt-get install python3-venv" in said


def test_python_names_something_else(clone, node, path_without_node):
    said = set_up(clone, node, path_without_node, PYTHON="/no/such/python")
    assert said.startswith("PYTHON names /no/such/python, which does not run")


def test_no_network(clone, node, path_without_node, program):
    """Installers that fail as they do without a network."""
    program("python3", f'exec "{sys.executable}" "$@"')
    program("npm", "echo 'npm error code ENOTFOUND' >&2; exit 1")
    said = set_up(clone, node, path_without_node)
    assert said.startswith("npm ci could not reach its package registry: check the network")
    # What was interrupted is not taken for done.
    assert not (clone / "node_modules").exists()


def test_node_that_is_too_old(clone, node):
    said = subprocess.run(
        [
            node,
            "--input-type=module",
            "-e",
            "const { checkNode } = await import('./scripts/setup/node.mjs');"
            "try { checkNode('18.20.1') } catch (error) { console.log(error.message) }",
        ],
        cwd=clone,
        capture_output=True,
        text=True,
    ).stdout.strip()
    assert said.startswith("Node 20.19 or newer is needed and this is Node 18.20.1: install a current Node")


def test_an_unknown_suite_is_named(clone, node, path_without_node):
    result = subprocess.run(
        [node, "scripts/test.mjs", "--no-setup", "--only", "nonsense"],
        cwd=clone,
        env=clean_environment(PATH=path_without_node),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert result.stderr.strip().startswith('There is no suite "nonsense": choose from lint, ')
