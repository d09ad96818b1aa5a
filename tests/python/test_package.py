"""What Jupyter asks the Python package for."""

import json
import shutil
import subprocess

import jupyterlab_moe_debugger
from environment import clean_environment


def test_the_version_is_that_of_package_json(version):
    assert jupyterlab_moe_debugger.__version__ == version


def test_the_labextension_is_where_the_package_says(repository):
    (place,) = jupyterlab_moe_debugger._jupyter_labextension_paths()
    manifest = repository / "jupyterlab_moe_debugger" / place["src"] / "package.json"
    assert json.loads(manifest.read_text(encoding="utf-8"))["name"] == place["dest"]


def test_the_server_extension_is_enabled_by_its_config_file(repository):
    config = repository / "jupyter-config/server-config/jupyterlab_moe_debugger.json"
    enabled = json.loads(config.read_text(encoding="utf-8"))["ServerApp"]["jpserver_extensions"]
    (point,) = jupyterlab_moe_debugger._jupyter_server_extension_points()
    assert enabled == {point["module"]: True}


def test_node_and_python_package_have_one_version(repository, version):
    kernel = json.loads((repository / "kernel-bridge/package.json").read_text(encoding="utf-8"))
    root = json.loads((repository / "package.json").read_text(encoding="utf-8"))
    assert kernel["version"] == version
    assert root["dependencies"]["moe-debugger"] == version


def places_of(packages, start, name):
    """Where a package of the lock file looks for another, from its own folder upwards."""
    place = start
    while True:
        yield f"{place}/node_modules/{name}".lstrip("/")
        if not place:
            return
        place = place.rpartition("/node_modules/")[0]


def test_the_lock_file_installs_on_every_platform_from_any_registry(repository):
    packages = json.loads((repository / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    resolved = [entry["resolved"] for entry in packages.values() if "resolved" in entry]
    assert resolved == ["kernel-bridge"], "download addresses tie the lock file to one registry"
    missing = [
        f"{name} of {place}"
        for place, entry in packages.items()
        for name in entry.get("optionalDependencies", {})
        if not any(at in packages for at in places_of(packages, place, name))
    ]
    # npm leaves out what the registry does not have, and `npm ci` then refuses: pin a release that is complete.
    assert missing == []


def test_npm_runs_no_install_script_and_warns_of_no_setting(repository):
    # onnxruntime-node's script downloads: offline, a plain `npm ci` of npm 10 would fail.
    asked = subprocess.run(
        [shutil.which("npm"), "config", "get", "ignore-scripts"],
        cwd=repository,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout.strip() == "true"
    assert asked.stderr == ""


def test_a_clone_has_the_command_for_npx(repository, version):
    # npm links a command when it installs, before anything is built.
    command = repository / "node_modules/.bin/moe-debugger"
    shown = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == version
