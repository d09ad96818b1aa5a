"""Real kernels, started by jupyter_client from a kernelspec in a Jupyter data folder of the tests' own."""

import json
import subprocess
from pathlib import Path

import pytest
from live_notebook import Notebook

PACKAGE = Path(__file__).parents[2] / "kernel-bridge"


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    """A Jupyter data folder with our kernelspec."""
    kernelspec = PACKAGE / "lib" / "programs" / "kernel" / "kernelspec.js"
    if not kernelspec.exists():
        pytest.fail("the kernel is not built: run `npm run build:kernel`")
    folder = tmp_path_factory.mktemp("jupyter")
    script = f"require({json.dumps(str(kernelspec))}).installKernelspec({{dataDir: {json.dumps(str(folder))}}})"
    subprocess.run(["node", "-e", script], check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_DATA_DIR", str(folder))
        yield folder


@pytest.fixture(scope="module")
def notebook(data_dir, tmp_path_factory):
    """A running kernel that the tests of a file share; its working directory is outside the repository."""
    with Notebook(tmp_path_factory.mktemp("notebooks")) as opened:
        yield opened


@pytest.fixture
def new_notebook(data_dir, tmp_path):
    """A kernel for one test."""
    with Notebook(tmp_path) as opened:
        yield opened
