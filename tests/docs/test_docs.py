"""Every code block of README and docs/ runs as it stands: a page's blocks in order, in a folder of a reader."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from blocks import PAGES, REPOSITORY, Block, blocks_of
from files import lay
from nbclient import NotebookClient

SECONDS_PER_BLOCK = 240
#: Blocks in these languages show something; they are not code.
SHOWN = {"mermaid"}
BLOCKS = {page: blocks_of(page) for page in PAGES}
CODE = [block for blocks in BLOCKS.values() for block in blocks if block.language not in SHOWN]


class Reader:
    """Runs what a page shows, as a reader would: cells in one notebook, commands in a shell beside it."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "tslab-moe", "display_name": "TypeScript (MoE Debugger)"}})
        self._client = NotebookClient(
            self._notebook,
            timeout=SECONDS_PER_BLOCK,
            kernel_name="tslab-moe",
            resources={"metadata": {"path": str(folder)}},
        )
        self._open = None
        #: What the last command printed.
        self.printed = ""

    def close(self):
        if self._open:
            self._open.__exit__(None, None, None)

    def run(self, block: Block):
        runs = {
            "ts": self._run_cell,
            "bash": self._run_commands,
            "json": lambda code: json.loads(code),
            "python": self._run_python,
            "sql": self._run_sql,
            "": self._compare,
        }
        assert block.language in runs, f"{block.page}:{block.line}: a block of an unknown language"
        runs[block.language](block.code)

    def _run_cell(self, code: str):
        if not self._open:
            self._open = self._client.setup_kernel()
            self._open.__enter__()
        cell = nbformat.v4.new_code_cell(code)
        self._notebook.cells.append(cell)
        self._client.execute_cell(cell, len(self._notebook.cells) - 1)
        assert [output for output in cell.outputs if output.output_type == "error"] == []

    def _shell(self, command: list[str], code: str = "") -> str:
        done = subprocess.run(
            command,
            input=code,
            cwd=self._folder,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=SECONDS_PER_BLOCK,
            env={**os.environ, "npm_config_offline": "true", "npm_config_update_notifier": "false"},
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def _run_commands(self, code: str):
        self.printed = "".join(self._shell(["bash", "-e"], line) for line in code.splitlines())

    def _run_python(self, code: str):
        self._shell([sys.executable, "-"], code)

    def _run_sql(self, code: str):
        rows = self._shell(
            [
                "node",
                "-e",
                "require('@duckdb/node-api').DuckDBConnection.create()"
                ".then(c => c.runAndReadAll(require('fs').readFileSync(0, 'utf8')))"
                ".then(r => console.log(r.getRows().length))",
            ],
            code,
        )
        assert int(rows) > 0

    def _compare(self, code: str):
        """A block without a language is what the commands above it print."""
        assert self.printed, "no command stands above this output"
        missing = [line for line in code.splitlines() if line.rstrip() not in self.printed]
        assert missing == []


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    """One reader a page."""
    open_readers: dict[str, Reader] = {}

    def reader(page: str) -> Reader:
        if page not in open_readers:
            for other in open_readers.values():
                other.close()
            open_readers.clear()
            folder = tmp_path_factory.mktemp("reader")
            lay(folder)
            open_readers[page] = Reader(folder)
        return open_readers[page]

    yield reader
    for own in open_readers.values():
        own.close()


@pytest.mark.parametrize("block", CODE, ids=lambda block: f"{block.page}:{block.line}")
def test_block(readers, block):
    if block.reason:
        pytest.skip(block.reason)
    readers(block.page).run(block)


def test_pages_have_code_of_each_language():
    assert {block.language for block in CODE} >= {"ts", "bash", "python", "sql", ""}
    assert any(block.page == "README.md" for block in CODE)
    assert (REPOSITORY / "models/demo").is_dir()
