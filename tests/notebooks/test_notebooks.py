"""Every example notebook runs from top to bottom in the kernel that is installed."""

import subprocess
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SECONDS_PER_CELL = 120


def committed(path: Path) -> str:
    """The notebook as git would commit it: a copy with outputs, open in JupyterLab, is a user's own affair."""
    place = path.relative_to(REPOSITORY).as_posix()
    shown = subprocess.run(
        ["git", "show", f":{place}"], cwd=REPOSITORY, capture_output=True, text=True, encoding="utf-8"
    )
    return shown.stdout if shown.returncode == 0 else path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path):
    notebook = nbformat.reads(committed(path), as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code, "a notebook without code shows nothing"
    for cell in code:
        assert cell.outputs == [], "strip the outputs before committing: they are made by running the notebook"
        assert cell.execution_count is None, "strip the execution counts before committing"
    assert notebook.metadata.kernelspec.name == "tslab-moe"

    language = notebook.metadata.get("language_info")

    client = NotebookClient(
        notebook,
        timeout=SECONDS_PER_CELL,
        kernel_name=notebook.metadata.kernelspec.name,
        resources={"metadata": {"path": str(FOLDER)}},
    )
    client.execute()

    # JupyterLab writes down the kernel's language when it opens a notebook: a difference would change the file.
    assert language == notebook.metadata.language_info, "take over the kernel's language_info"

    outputs = [output for cell in code for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error"] == []
    assert any(output.output_type in ("display_data", "execute_result") for output in outputs)
