"""The models: one tiny configuration for each routing convention, random weights from a fixed seed."""
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import transformers
from torch import Tensor, nn

from routing import Routing, read_dispatch, read_scores, read_top_k

COMMON = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 64,
    "num_experts_per_tok": 2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "tie_word_embeddings": False,
    "use_cache": False,
}


@dataclass(frozen=True)
class Family:
    """How one model is built, exported and recorded."""

    name: str
    architecture: str
    config: str
    settings: dict
    tokenizer: str
    """"dynamo", "torchscript" or "transformers": see export.py."""
    exporter: str
    """The last part of the name of each router's module."""
    router: str
    """Reads what the router's module returns."""
    read: Callable[[nn.Module, tuple], Routing] = read_top_k
    """Gradients, lens and single experts' outputs are recorded too."""
    deep: bool = False
    """The edits that are recorded beside the mask: those that this router and its experts have a place for."""
    edits: tuple[str, ...] = ("zero", "force", "k")
    seed: int = 0
    common: dict = field(default_factory=lambda: COMMON)


FAMILIES = [
    # Softmax before top-k, not renormalised; a shared expert behind a gate of its own.
    Family(
        name="tiny-qwen2_moe-torchscript",
        architecture="Qwen2MoeForCausalLM",
        config="Qwen2MoeConfig",
        settings={
            "num_experts": 8,
            "moe_intermediate_size": 8,
            "shared_expert_intermediate_size": 32,
            "intermediate_size": 32,
            "norm_topk_prob": False,
        },
        tokenizer="bytes",
        exporter="torchscript",
        router="gate",
        deep=True,
    ),
    # Sigmoid, a bias for the choice only, groups of experts, renormalised and scaled; a shared expert, a dense layer.
    Family(
        name="tiny-deepseek_v3-dynamo",
        architecture="DeepseekV3ForCausalLM",
        config="DeepseekV3Config",
        settings={
            "n_routed_experts": 8,
            "n_shared_experts": 1,
            "n_group": 4,
            "topk_group": 2,
            "norm_topk_prob": True,
            "routed_scaling_factor": 2.5,
            "first_k_dense_replace": 1,
            "moe_intermediate_size": 8,
            "intermediate_size": 32,
            "num_key_value_heads": 4,
            "q_lora_rank": 16,
            "kv_lora_rank": 16,
            "qk_nope_head_dim": 8,
            "qk_rope_head_dim": 4,
            "v_head_dim": 8,
        },
        common={key: value for key, value in COMMON.items() if key != "head_dim"},
        tokenizer="pieces",
        exporter="dynamo",
        router="gate",
        deep=True,
    ),
    # Top-k before softmax, biases everywhere, attention sinks, a sliding window.
    Family(
        name="tiny-gpt_oss-dynamo",
        architecture="GptOssForCausalLM",
        config="GptOssConfig",
        settings={
            "num_local_experts": 8,
            "intermediate_size": 8,
            "sliding_window": 8,
            "layer_types": [
                "sliding_attention",
                "full_attention",
                "sliding_attention",
            ],
        },
        tokenizer="pieces",
        exporter="dynamo",
        router="router",
        deep=True,
    ),
    # Two picks by arg-max, each with a softmax over the experts close to it; no top-k operator, and no other k.
    Family(
        name="tiny-phimoe-dynamo",
        architecture="PhimoeForCausalLM",
        config="PhimoeConfig",
        settings={"num_local_experts": 8, "intermediate_size": 8},
        common={key: value for key, value in COMMON.items() if key != "head_dim"},
        tokenizer="pieces",
        exporter="dynamo",
        router="router",
        edits=("zero", "force"),
    ),
    # Sigmoid after top-1, which weighs the input of the expert; every expert runs on every token.
    Family(
        name="tiny-llama4-transformers",
        architecture="Llama4ForCausalLM",
        config="Llama4TextConfig",
        settings={
            "num_local_experts": 4,
            "num_experts_per_tok": 1,
            "intermediate_size": 16,
            "intermediate_size_mlp": 32,
            "interleave_moe_layer_step": 1,
        },
        tokenizer="words",
        exporter="transformers",
        router="router",
        read=read_scores,
        edits=("k",),
    ),
    # An encoder and a decoder; top-1 with a capacity, beyond which tokens are dropped.
    Family(
        name="tiny-switch-torchscript",
        architecture="SwitchTransformersForConditionalGeneration",
        config="SwitchTransformersConfig",
        settings={
            "d_model": 32,
            "d_kv": 8,
            "d_ff": 16,
            "num_layers": 2,
            "num_decoder_layers": 2,
            "num_sparse_encoder_layers": 1,
            "num_sparse_decoder_layers": 1,
            "num_heads": 4,
            "num_experts": 4,
            "expert_capacity": 6,
            "decoder_start_token_id": 0,
            "pad_token_id": 0,
            "eos_token_id": 2,
            "use_cache": False,
        },
        common={},
        tokenizer="words",
        exporter="torchscript",
        router="router",
        read=read_dispatch,
        edits=(),
    ),
]


def build(family: Family, vocabulary: int) -> nn.Module:
    config = getattr(transformers, family.config)(
        **{**family.common, **family.settings, "vocab_size": vocabulary},
        architectures=[family.architecture],
    )
    config._attn_implementation = "eager"
    torch.manual_seed(family.seed)
    model = getattr(transformers, family.architecture)(config).eval().float()
    if experts_can_be_exchanged(model):
        # The experts as the model's own module writes them.
        model.set_experts_implementation("eager")
    fill(model, torch.Generator().manual_seed(family.seed))
    return model


def experts_can_be_exchanged(model: nn.Module) -> bool:
    return getattr(model, "_can_set_experts_implementation", lambda: False)()


@torch.no_grad()
def fill(model: nn.Module, generator: torch.Generator) -> None:
    """
    Weights of a size that makes routers decide. Those that models are initialised with are so small that all logits
    are nearly equal; biases that start at zero would hide a reader that forgets them.
    """
    learned_buffers = [
        (name, buffer)
        for name, buffer in model.named_buffers()
        if name.endswith("e_score_correction_bias")
    ]
    for name, values in [*model.named_parameters(), *learned_buffers]:
        noise = torch.randn(values.shape, generator=generator)
        if "norm" in name and values.dim() == 1 and not name.endswith("bias"):
            values.copy_(1 + 0.1 * noise)
        elif values.dim() == 1:
            values.copy_(0.2 * noise)
        else:
            values.copy_(noise * values.shape[-1] ** -0.5)


def routers(family: Family, model: nn.Module) -> list[tuple[str, nn.Module]]:
    """In the order in which they run."""
    return [
        (name, module)
        for name, module in model.named_modules()
        if name.endswith(f".{family.router}")
    ]


def inputs_of(model: nn.Module, ids: list[int] | Tensor) -> dict[str, Tensor]:
    """One prompt. A decoder beside an encoder reads the same ids, shifted right."""
    input_ids = torch.as_tensor(ids).reshape(1, -1)
    inputs = {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids)}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = torch.nn.functional.pad(
            input_ids[:, :-1], (1, 0)
        )
    return inputs
