"""Records what the original modules do: never what an ONNX graph does."""
from collections import Counter

import torch
from torch import Tensor, nn

import edits
from deep import record_deep
from families import Family, inputs_of, routers
from routing import Recorder, Routing


class Original:
    """A model as it was built, and what its routers return."""

    def __init__(self, family: Family, model: nn.Module) -> None:
        self.family = family
        self.model = model
        self.routers = routers(family, model)

    @torch.no_grad()
    def run(self, ids: list[int]) -> tuple[Tensor, list[Routing]]:
        with Recorder(self.family, self.routers) as recorder:
            logits = self.model(**inputs_of(self.model, ids)).logits[0]
        return logits, recorder.routing

    def experts(self, router: int) -> nn.Module:
        """The module that runs the experts of a router, beside it."""
        block = self.routers[router][0].rpartition(".")[0]
        return self.model.get_submodule(f"{block}.experts")


def record(family: Family, model: nn.Module, prompts: list[list[int]]):
    """The tensors, and what truth.json says of them."""
    original = Original(family, model)
    tensors: dict[str, Tensor] = {}
    for i, ids in enumerate(prompts):
        logits, routing = original.run(ids)
        tensors[f"p{i}/ids"] = torch.tensor(ids)
        tensors[f"p{i}/logits"] = logits
        for j, own in enumerate(routing):
            store(tensors, f"p{i}/l{j}", own)
            tensors[f"p{i}/l{j}/router_logits"] = own.logits
    _, routing = original.run(prompts[0])
    tensors |= record_edits(original, prompts[0], routing)
    about = {
        "moe_layers": [
            {
                "index": index,
                "module": name,
                "experts": own.logits.shape[-1],
                "k": own.experts.shape[-1],
            }
            for index, ((name, _), own) in enumerate(zip(original.routers, routing))
        ]
    }
    if family.deep:
        deep, about["deep"] = record_deep(original, prompts[0], routing)
        tensors |= deep
    return tensors, about


def record_edits(
    original: Original, ids: list[int], routing: list[Routing]
) -> dict[str, Tensor]:
    """The expert of most tokens of the first and the last router; in the last, that of fewest is forced."""
    tensors: dict[str, Tensor] = {}
    kinds = original.family.edits

    def run(kind: str, router: int, value: int, edit) -> None:
        with edit:
            logits, edited = original.run(ids)
        name = f"edit/{kind}/l{router}/{value}"
        tensors[f"{name}/logits"] = logits
        store(tensors, name, edited[router])
        if kind == "ablate" and (edited[router].experts == value).any():
            raise ValueError(f"{name}: a bias selects it still; use another seed")

    for router in sorted({0, len(routing) - 1}):
        own = routing[router]
        module = original.routers[router][1]
        count, k = own.logits.shape[-1], own.experts.shape[-1]
        used = Counter(own.experts.flatten().tolist())
        by_use = sorted(range(count), key=lambda expert: -used[expert])
        most, fewest = by_use[0], by_use[-1]
        run("ablate", router, most, edits.mask(module, most))
        if "zero" in kinds:
            run("zero", router, most, edits.zero(original.experts(router), most))
        last = router == len(routing) - 1
        if "force" in kinds:
            expert = fewest if last else most
            run("force", router, expert, edits.force(original.experts(router), expert))
        if "k" in kinds and last:
            for other in (1, 4) if k == 2 else (2,):
                run("k", router, other, edits.top_k(module, other))
    return tensors


def store(tensors: dict[str, Tensor], name: str, routing: Routing) -> None:
    tensors[f"{name}/experts"] = routing.experts
    tensors[f"{name}/weights"] = routing.weights
