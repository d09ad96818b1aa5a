"""The files that the documentation's commands name: what a reader has, who follows them."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path

import numpy as np
from blocks import REPOSITORY

GERMAN = ["Der Wald war still und die Kinder", "Das Haus ist alt", "Ein Hund läuft über die Straße"]
ENGLISH = ["The forest was quiet and the children", "The house is old", "A dog runs across the street"]


def lay(folder: Path) -> None:
    """Lays models, prompts and other programs' traces into a folder."""
    for name in ("models", "node_modules"):
        (folder / name).symlink_to(REPOSITORY / name, target_is_directory=True)
    prompts = [
        *({"text": text, "domain": "german"} for text in GERMAN),
        *({"text": text, "domain": "english"} for text in ENGLISH),
    ]
    write_lines(folder / "prompts.jsonl", prompts)
    write_lines(folder / "german.jsonl", [{"text": text} for text in GERMAN])
    write_lines(folder / "english.jsonl", [{"text": text} for text in ENGLISH])
    lay_captures(folder)


def lay_captures(folder: Path) -> None:
    """Captures of other programs: tokens whose experts are drawn at random."""
    tokens, layers, experts, top_k = 40, 48, 128, 8
    draw = np.random.default_rng(0)
    chosen = draw.random((tokens, layers, experts)).argsort(-1)[..., :top_k]
    np.savez(folder / "routed_experts.npz", routed_experts=chosen.astype(np.int32))
    (folder / "config.json").write_text(
        json.dumps({"num_hidden_layers": layers, "num_experts": experts, "num_experts_per_tok": top_k})
    )
    write_lines(folder / "responses.jsonl", [{"meta_info": {"routed_experts": chosen.tolist()}}])
    with open(folder / "moe_trace.csv", "w") as file:
        file.write("pos,layer," + ",".join(f"id{i}" for i in range(top_k)) + "\n")
        for position in range(tokens):
            for layer in range(layers):
                ids = ",".join(map(str, chosen[position, layer]))
                file.write(f"{position},{layer},{ids}\n")
    write_safetensors(
        folder / "router_logits.safetensors",
        {f"router_logits.{layer}": draw.normal(size=(tokens, experts)) for layer in range(2)},
    )
    lay_esft(folder / "results/expert_scores/intent")


def lay_esft(folder: Path) -> None:
    """A line a text: six expert ids for each of its tokens, an empty column, and their weights."""
    folder.mkdir(parents=True)
    draw = random.Random(0)
    tokens = range(20)
    for layer in (1, 2):
        lines = []
        for _ in range(3):
            ids = [expert for _ in tokens for expert in draw.sample(range(64), 6)]
            weights = [round(draw.random() / 6, 4) for _ in ids]
            lines.append("\t".join(map(str, [*ids, "", *weights])))
        (folder / f"expert_weights_{layer}.txt").write_text("\n".join(lines) + "\n")


def write_lines(path: Path, values: list) -> None:
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")


def write_safetensors(path: Path, arrays: dict[str, np.ndarray]) -> None:
    header, data = {}, b""
    for name, array in arrays.items():
        own = array.astype("<f4").tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + len(own)],
        }
        data += own
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
