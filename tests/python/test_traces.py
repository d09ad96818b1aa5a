"""Traces as Parquet, read by what others use: pandas, without any help of ours."""

import hashlib
import json
import struct
import subprocess

import pytest

FIXTURES = "kernel-bridge/test/fixtures/import"


@pytest.fixture
def trace(repository, node, tmp_path):
    """An import of ids that fixtures/import/make.py tells: (3 t + 5 l + 7 k) mod 16."""
    path = tmp_path / "trace.parquet"
    subprocess.run(
        [
            node,
            "kernel-bridge/bin/moe-debugger.mjs",
            "import",
            "vllm",
            f"{FIXTURES}/response.npz",
            "--experts",
            "16",
            "--out",
            path,
        ],
        cwd=repository,
        check=True,
        capture_output=True,
    )
    return path


def test_pandas_reads_it_as_it_is(trace):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    rows = pandas.read_parquet(trace)
    assert list(rows.columns) == [
        "run",
        "sample",
        "domain",
        "position",
        "token_id",
        "token_text",
        "stack",
        "layer",
        "module",
        "experts",
        "weights",
        "logits",
    ]
    assert len(rows) == 4 * 3
    assert rows["run"].nunique() == 1
    assert sorted(rows["token_id"].unique()) == [11, 12, 13, 14]
    for row in rows.itertuples():
        assert list(row.experts) == [(3 * row.position + 5 * row.layer + 7 * k) % 16 for k in range(3)]
        assert row.weights is None and row.logits is None
    shares = rows.explode("experts").groupby("layer")["experts"].count()
    assert list(shares) == [12, 12, 12]


def test_its_metadata_has_the_cards(trace):
    parquet = pytest.importorskip("pyarrow.parquet")
    file = parquet.ParquetFile(trace)
    metadata = json.loads(file.metadata.metadata[b"moe-debugger"])
    assert metadata["schema"] == "moe-debugger/parquet@1"
    assert [(card["layer"], card["experts"], card["topK"]) for card in metadata["layers"]] == [
        (1, 16, 3),
        (2, 16, 3),
        (3, 16, 3),
    ]
    assert metadata["source"]["format"] == "vllm"
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


def test_its_hash_is_computed_as_documented(trace):
    """The canonical form of docs/traces.md, written down a second time."""
    parquet = pytest.importorskip("pyarrow.parquet")
    file = parquet.ParquetFile(trace)
    text = file.metadata.metadata[b"moe-debugger"].decode()
    content = json.loads(text)["content"]

    def word(number):
        return struct.pack("<i", number)

    def canonical(value, kind):
        if value is None:
            return word(0)
        if kind == "text":
            data = value.encode()
            return word(len(data) + 1) + data + bytes(-len(data) % 4)
        if kind == "number":
            return word(1) + word(value)
        form = "<i" if kind == "ids" else "<f"
        return word(len(value) + 1) + b"".join(struct.pack(form, item) for item in value)

    kinds = {
        "run": "text",
        "sample": "text",
        "domain": "text",
        "position": "number",
        "token_id": "number",
        "token_text": "text",
        "stack": "text",
        "layer": "number",
        "module": "text",
        "experts": "ids",
        "weights": "floats",
        "logits": "floats",
    }
    groups = []
    for index in range(file.num_row_groups):
        rows = file.read_row_group(index).to_pylist()
        data = b"".join(canonical(row[name], kind) for row in rows for name, kind in kinds.items())
        groups.append({"rows": len(rows), "sha256": hashlib.sha256(data).hexdigest()})
    assert len(groups) == 1
    assert content["rowGroups"] == groups
    rest = text[: text.index(',"content":')] + "}"
    assert content["metadata"] == hashlib.sha256(rest.encode()).hexdigest()
