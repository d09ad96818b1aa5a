"""Changes wait in changes/ until a release gathers them into CHANGELOG.md."""

import re
import shutil
import subprocess
import sys

import pytest


@pytest.fixture
def clone(repository, tmp_path):
    """What towncrier needs of a clone; no git, which it would tell of what it writes."""
    for name in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy(repository / name, tmp_path)
    shutil.copytree(repository / "changes", tmp_path / "changes")
    return tmp_path


def fragments(clone):
    return sorted(file.name for file in (clone / "changes").glob("*.md") if file.name != "README.md")


def write(clone, name, text):
    (clone / "changes" / name).write_text(text, encoding="utf-8")


def gather(clone, version, *arguments):
    command = [sys.executable, "-m", "towncrier", "build", "--version", version, "--date", "2030-01-02", *arguments]
    return subprocess.run(command, cwd=clone, capture_output=True, text=True)


def test_every_fragment_is_a_list_of_a_known_kind(repository, clone):
    for name in fragments(repository):
        assert re.fullmatch(r"[a-z0-9-]+\.(new|changed|fixed)\.md", name)
        assert (repository / "changes" / name).read_text(encoding="utf-8").startswith("- "), name
    # In the changelog, and nothing else, is what they say.
    assert gather(clone, "9.8.7", "--yes").returncode == 0
    said = (clone / "CHANGELOG.md").read_text(encoding="utf-8")
    lost = [
        line
        for name in fragments(repository)
        for line in (repository / "changes" / name).read_text(encoding="utf-8").splitlines()
        if line not in said
    ]
    assert lost == []


def test_a_release_gathers_them_by_kind_above_the_last_one(clone):
    for name in fragments(clone):
        (clone / "changes" / name).unlink()
    write(clone, "parquet.new.md", "- Write Parquet,\n  also of 16 bits.\n- Read it.\n")
    assert gather(clone, "1.0.0", "--yes").returncode == 0
    write(clone, "zip.new.md", "- Open ZIP files.\n")
    write(clone, "crash.fixed.md", "- No crash.\n")
    assert gather(clone, "1.1.0", "--yes").returncode == 0

    before, marker, after = (clone / "CHANGELOG.md").read_text(encoding="utf-8").partition(
        "<!-- towncrier release notes start -->\n"
    )
    assert before.startswith("# Changelog\n") and marker
    assert after.split("\n") == [
        "",
        "## 1.1.0 (2030-01-02)",
        "",
        "### New",
        "",
        "- Open ZIP files.",
        "",
        "### Fixed",
        "",
        "- No crash.",
        "",
        "## 1.0.0 (2030-01-02)",
        "",
        "### New",
        "",
        "- Write Parquet,",
        "  also of 16 bits.",
        "- Read it.",
        "",
    ]
    assert fragments(clone) == []


def test_an_unknown_kind_is_refused(clone):
    write(clone, "parquet.feature.md", "- Parquet.\n")
    refused = gather(clone, "1.0.0", "--yes")
    assert refused.returncode != 0
    assert "parquet.feature.md" in refused.stdout + refused.stderr
