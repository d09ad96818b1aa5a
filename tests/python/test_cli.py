"""The command `moe-debugger`: what it passes on, and what it says when it cannot."""

import subprocess
import sys

import pytest
from environment import clean_environment
from jupyterlab_moe_debugger import cli, installation
from jupyterlab_moe_debugger import node as node_runtime
from jupyterlab_moe_debugger.errors import UserError


@pytest.fixture
def wheel_without_kernel(monkeypatch, tmp_path):
    """As after `pip install`, before `moe-debugger kernel install`."""
    monkeypatch.setattr(installation, "is_clone", lambda: False)
    monkeypatch.setattr(installation, "environment_home", lambda: tmp_path / "environment")
    monkeypatch.setattr(installation, "user_home", lambda: tmp_path / "user")
    return tmp_path


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "jupyterlab_moe_debugger.cli", *arguments],
        capture_output=True,
        text=True,
        env=clean_environment(**environment),
    )


def test_before_the_kernel_is_installed_one_line_says_what_to_run(wheel_without_kernel, capsys):
    assert cli.main(["inspect", "models/demo"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "moe-debugger: error: the kernel package is not installed yet: "
        'run "moe-debugger kernel install"\n'
    )


def test_without_node_one_line_says_how_to_get_it(path_without_node):
    result = run("inspect", "models/demo", PATH=path_without_node)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("moe-debugger: error: Node 20 or newer is needed (there is none on PATH): ")
    assert "jupyterlab-moe-debugger[node]" in result.stderr


def test_a_node_that_is_too_old_is_named(monkeypatch, tmp_path):
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v18.19.0\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(node_runtime, "_wheel_folders", list)
    with pytest.raises(UserError, match=r"is needed \(.*/node is Node 18\.19\.0\)"):
        node_runtime.find_node()


def test_a_wheel_without_the_kernel_package_says_so(wheel_without_kernel, monkeypatch, capsys):
    monkeypatch.setattr(installation, "PACKAGE", wheel_without_kernel / "none")
    assert cli.main(["kernel", "install"]) == 2
    assert "this installation has no kernel package" in capsys.readouterr().err


def test_a_failed_installation_leaves_nothing(wheel_without_kernel, monkeypatch, capsys, node):
    package = wheel_without_kernel / "package"
    package.mkdir()
    (package / "moe-debugger.tgz").write_bytes(b"not an archive")
    (package / "package.json").write_text("{}")
    (package / "package-lock.json").write_text("not JSON")
    monkeypatch.setattr(installation, "PACKAGE", package)
    assert cli.main(["kernel", "install", "--sys-prefix"]) == 2
    assert "npm could not install the kernel's packages" in capsys.readouterr().err
    assert list((wheel_without_kernel / "environment").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "writable", "place"),
    [
        (["kernel", "install"], True, ["--prefix", sys.prefix]),
        (["kernel", "install"], False, ["--user"]),
        (["kernel", "install", "--user"], True, ["--user"]),
        (["kernel", "install", "--sys-prefix"], True, ["--prefix", sys.prefix]),
        (["kernel", "install", "--prefix", "/somewhere"], True, ["--prefix", "/somewhere"]),
    ],
)
def test_the_kernelspec_goes_beside_this_pythons_others(monkeypatch, arguments, writable, place):
    monkeypatch.setattr(installation, "environment_is_writable", lambda: writable)
    assert cli.with_place(arguments) == ["kernel", "install", *place]


def test_the_exit_code_of_the_node_program_is_kept():
    assert run("no-such-command").returncode == 2
    assert run("--version").returncode == 0
