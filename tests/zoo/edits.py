"""Edits of the original modules, one at a time."""
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


@contextmanager
def mask(router: nn.Module, expert: int) -> Iterator[None]:
    """The gate's product is -inf for the expert, before score, bias, groups and choice."""

    class Masked(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            result = function(*args, **(kwargs or {}))
            if function is nn.functional.linear:
                result[..., expert] = -torch.inf
            return result

    original = router.forward

    def forward(*args):
        with Masked():
            return original(*args)

    router.forward = forward
    try:
        yield
    finally:
        del router.forward


@contextmanager
def top_k(router: nn.Module, k: int) -> Iterator[None]:
    own, router.top_k = router.top_k, k
    try:
        yield
    finally:
        router.top_k = own


@contextmanager
def zero(experts: nn.Module, expert: int) -> Iterator[None]:
    """The expert's weight is 0, and those of the others are what they were."""

    def hook(_, args: tuple[Tensor, Tensor, Tensor]):
        hidden, selected, weights = args
        return hidden, selected, weights.masked_fill(selected == expert, 0)

    with pre_hook(experts, hook):
        yield


@contextmanager
def force(experts: nn.Module, expert: int) -> Iterator[None]:
    """The expert alone, with weight 1, for every token."""

    def hook(_, args: tuple[Tensor, Tensor, Tensor]):
        hidden, selected, weights = args
        return (
            hidden,
            torch.full_like(selected[:, :1], expert),
            torch.ones_like(weights[:, :1]),
        )

    with pre_hook(experts, hook):
        yield


@contextmanager
def pre_hook(module: nn.Module, hook) -> Iterator[None]:
    handle = module.register_forward_pre_hook(hook)
    try:
        yield
    finally:
        handle.remove()
