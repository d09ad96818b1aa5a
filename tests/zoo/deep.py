"""The residual stream, single experts' outputs and gradients of the first prompt."""
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from edits import pre_hook
from families import inputs_of
from routing import Routing

STEPS = 64
VOCABULARY_ENTRY = 50


def record_deep(original, ids: list[int], routing: list[Routing]):
    last = len(ids) - 1
    tensors = record_lens(original.model, ids)
    router = len(routing) // 2
    experts = routing[router].experts[last]
    tensors |= record_experts(original, ids, router, last, experts)
    target = {
        "layer": len(routing) - 1,
        "token": last,
        "expert": int(routing[-1].experts[last, 0]),
    }
    gradients, integrated = record_gradients(original, ids, target)
    about = {
        "prompt": 0,
        "expert_out": {"layer": router, "token": last, "experts": experts.tolist()},
        "ig": {
            "steps": STEPS,
            "logit_target": {"token": last, "vocab": VOCABULARY_ENTRY},
            "router_target": target,
            **integrated,
        },
    }
    return tensors | gradients, about


@torch.no_grad()
def record_lens(model: nn.Module, ids: list[int]) -> dict[str, Tensor]:
    """The residual stream after each layer, and what the head makes of it at the last token."""
    hidden: list[Tensor] = []
    handles = [
        layer.register_forward_hook(lambda _, __, output: hidden.append(output[0]))
        for layer in model.model.layers
    ]
    model(**inputs_of(model, ids))
    for handle in handles:
        handle.remove()
    stream = torch.stack(hidden)
    return {
        "lens/hidden": stream,
        "lens/last_token": model.lm_head(model.model.norm(stream[:, -1])),
    }


@torch.no_grad()
def record_experts(
    original, ids: list[int], router: int, token: int, selected: Tensor
) -> dict[str, Tensor]:
    """What each expert makes of a token, alone and without its weight; beside it, those that the token selected."""
    module = original.experts(router)
    inputs: list[Tensor] = []
    with pre_hook(module, lambda _, args: inputs.append(args[0])):
        original.model(**inputs_of(original.model, ids))
    row = inputs[0][token : token + 1]
    one = torch.ones(1, 1)
    count = original.routers[router][1].num_experts
    every = torch.stack(
        [module(row, torch.tensor([[expert]]), one)[0] for expert in range(count)]
    )
    return {
        "expert_out/input": row[0],
        "expert_out/all": every,
        "expert_out/selected": every[selected],
    }


def record_gradients(original, ids: list[int], target: dict):
    """Gradients by the embeddings, and integrated ones from zero embeddings by two rules."""
    model = original.model
    mask = inputs_of(model, ids)["attention_mask"]
    embeddings = model.get_input_embeddings()(torch.tensor([ids])).detach()
    last = len(ids) - 1

    def logit(own: Tensor) -> Tensor:
        result = model(inputs_embeds=own, attention_mask=mask).logits
        return result[0, last, VOCABULARY_ENTRY]

    def router_logit(own: Tensor) -> Tensor:
        found: list[Tensor] = []
        module = original.routers[target["layer"]][1]
        handle = module.register_forward_hook(
            lambda router, _, output: found.append(
                original.family.read(router, output).logits
            )
        )
        model(inputs_embeds=own, attention_mask=mask)
        handle.remove()
        return found[0][target["token"], target["expert"]]

    tensors = {"grad/logit": gradient(logit, embeddings)[0]}
    about: dict[str, dict[str, float]] = {}
    for name, value in (("logit", logit), ("router", router_logit)):
        with torch.no_grad():
            here = float(value(embeddings))
            baseline = float(value(torch.zeros_like(embeddings)))
        about[name] = {"fx": here, "f0": baseline}
        for rule, (points, weights) in RULES.items():
            total = sum(
                weight * gradient(value, embeddings * point)
                for point, weight in zip(points, weights)
            )
            attributions = (embeddings * total)[0]
            tensors[f"ig/{name}/{rule}"] = attributions
            about[name][f"delta_{rule}"] = float(attributions.sum()) - (here - baseline)
    return tensors, about


def gradient(value: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    leaf = at.clone().requires_grad_()
    (result,) = torch.autograd.grad(value(leaf), leaf)
    return result


def _rules() -> dict[str, tuple[list[float], list[float]]]:
    points, weights = np.polynomial.legendre.leggauss(STEPS)
    return {
        "gausslegendre": ((0.5 * (1 + points)).tolist(), (0.5 * weights).tolist()),
        "riemann_middle": (
            [(step + 0.5) / STEPS for step in range(STEPS)],
            [1 / STEPS] * STEPS,
        ),
    }


RULES = _rules()
