"""
Makes the models of kernel-bridge/test/fixtures/zoo: `python tests/zoo/make.py`, or some of them by name. See README.md.
"""
import argparse
import json
import os
import shutil
import sys
from pathlib import Path

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# Nothing is downloaded: configurations are in families.py and weights are random.
os.environ["HF_HUB_OFFLINE"] = "1"

import onnxruntime
import torch
import transformers
from safetensors.torch import save_file
from torch import Tensor, nn

from export import STYLES, export
from families import FAMILIES, Family, build, inputs_of
from sums import FIXTURES, write_sums
from truth import Original, record
from vocabularies import PROMPTS, TOKENIZERS

TOKENS = 16
"""onnxruntime and PyTorch add in another order."""
TOLERANCE = 1e-4


def make(family: Family, root: Path) -> None:
    folder = root / family.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tokenizer = TOKENIZERS[family.tokenizer]()
    tokenizer.save(str(folder / "tokenizer.json"))
    vocabulary = tokenizer.get_vocab_size()
    prompts = [tokenizer.encode(text).ids[:TOKENS] for text in PROMPTS]

    model = build(family, vocabulary)
    model.config.save_pretrained(folder)
    tensors, about = record(family, model, prompts)
    require_clear_choices(family, model, prompts)
    truth = {
        "name": family.name,
        "architecture": family.architecture,
        "weights": f"random, seed {family.seed}",
        "prompts": [
            {"text": text, "ids": ids} for text, ids in zip(PROMPTS, prompts)
        ],
        **about,
        "export": {
            "style": STYLES[family.exporter],
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
    }
    (folder / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")
    save_file(
        {name: stored(values) for name, values in tensors.items()},
        folder / "truth.safetensors",
    )
    export(model, family.exporter, folder / "model.onnx", vocabulary)
    require_same_logits(model, prompts, tensors, folder / "model.onnx")


def stored(values: Tensor) -> Tensor:
    kind = torch.float32 if values.is_floating_point() else torch.int32
    return values.detach().to(kind).contiguous().clone()


def require_clear_choices(
    family: Family, model: nn.Module, prompts: list[list[int]]
) -> None:
    """In double precision the same experts are selected: no choice hangs on how a machine rounds."""
    for ids in prompts:
        _, single = Original(family, model).run(ids)
        _, double = Original(family, model.double()).run(ids)
        model.float()
        for index, (one, other) in enumerate(zip(single, double)):
            if not torch.equal(one.experts.sort().values, other.experts.sort().values):
                raise ValueError(f"{family.name}, router {index}: nearly a tie")


def require_same_logits(
    model: nn.Module,
    prompts: list[list[int]],
    tensors: dict[str, Tensor],
    path: Path,
) -> None:
    """An exporter can write a graph that runs and computes something else."""
    session = onnxruntime.InferenceSession(path)
    for i, ids in enumerate(prompts):
        feeds = {name: own.numpy() for name, own in inputs_of(model, ids).items()}
        (logits,) = session.run(["logits"], feeds)
        difference = float((torch.from_numpy(logits[0]) - tensors[f"p{i}/logits"]).abs().max())
        if not difference < TOLERANCE:
            raise ValueError(f"{path}: its logits are {difference} from PyTorch's")


def main() -> None:
    names = [family.name for family in FAMILIES]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--into", type=Path, default=FIXTURES, help="another folder")
    chosen = parser.parse_args()
    unknown = set(chosen.names) - set(names)
    if unknown:
        parser.error(f"no model {', '.join(sorted(unknown))}: choose from {', '.join(names)}")
    transformers.logging.set_verbosity_error()
    # The order of sums depends on the number of threads.
    torch.set_num_threads(1)
    for family in FAMILIES:
        if not chosen.names or family.name in chosen.names:
            make(family, chosen.into)
            print(family.name, file=sys.stderr)
    write_sums(chosen.into)


if __name__ == "__main__":
    main()
