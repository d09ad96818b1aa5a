"""What a router decided, in one form for all families."""
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Routing:
    """[tokens, experts], [tokens, k] and [tokens, k]."""

    logits: Tensor
    experts: Tensor
    weights: Tensor


def read_top_k(_: nn.Module, output: tuple) -> Routing:
    logits, weights, experts = output
    return Routing(logits, experts, weights)


def read_scores(router: nn.Module, output: tuple) -> Routing:
    """Scores of all experts, zero for those that were not selected."""
    scores, logits = output
    weights, experts = scores.topk(router.top_k, dim=-1)
    return Routing(logits, experts, weights)


def read_dispatch(_: nn.Module, output: tuple) -> Routing:
    """One-hot rows, empty for a token that was dropped over capacity: its expert is still the best, with weight 0."""
    dispatch, probability, logits = (part.flatten(0, -2) for part in output)
    experts = logits.argmax(dim=-1, keepdim=True)
    return Routing(logits, experts, probability * dispatch.sum(dim=-1, keepdim=True))


class Recorder:
    """Hooks on the original modules; `routing` has what each router returned, in the order of `routers`."""

    def __init__(self, family, routers: list[tuple[str, nn.Module]]) -> None:
        self.routing: list[Routing | None] = [None] * len(routers)
        self._handles = [
            module.register_forward_hook(self._hook(family, index))
            for index, (_, module) in enumerate(routers)
        ]

    def _hook(self, family, index: int):
        def hook(module: nn.Module, _, output: tuple) -> None:
            with torch.no_grad():
                self.routing[index] = family.read(module, output)

        return hook

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *_) -> None:
        for handle in self._handles:
            handle.remove()
