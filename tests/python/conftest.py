"""Places and programs that the tests of the Python package share."""

import json
import shutil
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def repository():
    return REPOSITORY


@pytest.fixture(scope="session")
def version():
    """The one version of the project, stated in package.json."""
    return json.loads((REPOSITORY / "package.json").read_text(encoding="utf-8"))["version"]


@pytest.fixture(scope="session")
def node():
    program = shutil.which("node")
    assert program, "Node runs these tests: it must be on PATH"
    return program


@pytest.fixture
def path_without_node(tmp_path):
    """A PATH that has the basics of the system, but neither Node nor npm."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "env", "uname", "dirname", "sed"):
        program = shutil.which(name)
        if program:
            (folder / name).symlink_to(program)
    return str(folder)
