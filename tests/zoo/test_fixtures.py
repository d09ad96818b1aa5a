"""The committed models are those that make.py wrote: complete, unchanged and small. Needs none of its packages."""
from pathlib import Path

import pytest

from sums import FIXTURES, SUMS, read_sums, sums_of

MODELS = sorted(folder for folder in FIXTURES.iterdir() if folder.is_dir())
FILES = {
    "config.json",
    "model.onnx",
    "tokenizer.json",
    "truth.json",
    "truth.safetensors",
}
LARGEST = 800_000


def test_files_are_those_of_the_manifest():
    assert sums_of(FIXTURES) == read_sums(FIXTURES)


def test_manifest_tells_a_changed_file_from_the_one_that_was_made(tmp_path: Path):
    (tmp_path / "model.onnx").write_bytes(b"abc")
    # The example of the standard, FIPS 180-2.
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    (tmp_path / SUMS).write_text(f"{digest}  model.onnx\n")
    assert sums_of(tmp_path) == read_sums(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"abd")
    assert sums_of(tmp_path) != read_sums(tmp_path)


def test_there_are_six_models():
    assert len(MODELS) == 6


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_model_is_complete_and_small(folder: Path):
    assert {path.name for path in folder.iterdir()} == FILES
    assert sum(path.stat().st_size for path in folder.iterdir()) < LARGEST


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_model_names_no_path_of_the_machine_that_made_it(folder: Path):
    names = [str(path).encode() for path in (Path.home(), FIXTURES.parents[3])]
    for path in folder.iterdir():
        content = path.read_bytes()
        assert b"site-packages" not in content
        assert not [name for name in names if name in content]
