"""Writes a model as ONNX, by one of three exporters."""
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import onnx
import torch
from torch import Tensor, nn
from transformers.exporters.exporter_onnx import OnnxConfig, OnnxExporter
from transformers.models.llama4 import modeling_llama4
from transformers.models.switch_transformers import modeling_switch_transformers

from families import experts_can_be_exchanged

OPSETS = {"dynamo": 20, "torchscript": 18, "transformers": 20}
STYLES = {
    "dynamo": "torch.onnx.export(dynamo=True), opset 20",
    "torchscript": "torch.onnx.export(dynamo=False), opset 18",
    "transformers": "transformers OnnxExporter, opset 20",
}
AXES = {
    "input_ids": {0: "batch", 1: "sequence"},
    "attention_mask": {0: "batch", 1: "sequence"},
    "decoder_input_ids": {0: "batch", 1: "decoder_sequence"},
}
"""The modules that a node was in, as dynamo notes it: the only metadata that a reader can use."""
SCOPES = "pkg.torch.onnx.name_scopes"


class LogitsOnly(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, decoder_input_ids=None) -> Tensor:
        decoder = (
            {}
            if decoder_input_ids is None
            else {"decoder_input_ids": decoder_input_ids}
        )
        return self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            use_cache=False,
            **decoder,
        ).logits


def export(model: nn.Module, exporter: str, path: Path, vocabulary: int) -> None:
    generator = torch.Generator().manual_seed(0)
    names = [
        name
        for name in AXES
        if name != "decoder_input_ids" or model.config.is_encoder_decoder
    ]
    sample = {
        name: torch.ones(2, 12, dtype=torch.int64)
        if name == "attention_mask"
        else torch.randint(3, vocabulary, (2, 12), generator=generator)
        for name in names
    }
    with torch.no_grad(), exportable(model):
        proto = EXPORTERS[exporter](model, sample, path)
    strip(proto)
    onnx.checker.check_model(proto)
    path.write_bytes(proto.SerializeToString(deterministic=True))


def with_dynamo(model: nn.Module, sample: dict[str, Tensor], path: Path):
    program = torch.onnx.export(
        LogitsOnly(model),
        tuple(sample.values()),
        dynamo=True,
        opset_version=OPSETS["dynamo"],
        input_names=list(sample),
        output_names=["logits"],
        dynamic_shapes=tuple(
            {axis: torch.export.Dim(size) for axis, size in AXES[name].items()}
            for name in sample
        ),
        verbose=False,
    )
    return program.model_proto


def with_torchscript(model: nn.Module, sample: dict[str, Tensor], path: Path):
    axes = {name: AXES[name] for name in sample}
    torch.onnx.export(
        LogitsOnly(model),
        tuple(sample.values()),
        str(path),
        dynamo=False,
        opset_version=OPSETS["torchscript"],
        input_names=list(sample),
        output_names=["logits"],
        dynamic_axes={**axes, "logits": list(axes.values())[-1]},
    )
    return onnx.load(path)


def with_transformers(model: nn.Module, sample: dict[str, Tensor], path: Path):
    import onnx_ir

    exported = OnnxExporter().export(
        model,
        sample,
        config=OnnxConfig(dynamic=True, opset_version=OPSETS["transformers"]),
    )
    return onnx_ir.to_proto(exported.program)


EXPORTERS = {
    "dynamo": with_dynamo,
    "torchscript": with_torchscript,
    "transformers": with_transformers,
}


@contextmanager
def exportable(model: nn.Module) -> Iterator[None]:
    """
    Modules without what ONNX cannot express. Only the export sees this: the truth is recorded with the originals.
    """
    exchanged = experts_can_be_exchanged(model)
    if exchanged:
        model.set_experts_implementation("batched_mm")
    try:
        with ExitStack() as stack:
            for owner, name, replacement in REPLACED:
                stack.enter_context(mock.patch.object(owner, name, replacement))
            yield
    finally:
        if exchanged:
            model.set_experts_implementation("eager")


def every_switch_expert(
    self: nn.ModuleDict, hidden_states: Tensor, selected: Tensor, weights: Tensor
) -> Tensor:
    """The original loops over the experts that some token selected, whose number is not known before the run."""
    result = torch.zeros_like(hidden_states)
    mask = selected.permute(2, 1, 0)
    for expert in range(self.num_experts):
        slots, tokens = torch.where(mask[expert])
        output = self[f"expert_{expert}"](hidden_states[tokens])
        result.index_add_(0, tokens, output * weights[tokens, slots, None])
    return result


def real_frequencies(self: nn.Module, x: Tensor, position_ids: Tensor) -> Tensor:
    """The original gives complex numbers."""
    angles = position_ids[..., None].float() * self.inv_freq.float()
    return torch.stack((angles.cos(), angles.sin()), dim=-1) * self.attention_scaling


def rotate(queries: Tensor, keys: Tensor, frequencies: Tensor) -> tuple[Tensor, Tensor]:
    cos, sin = frequencies[:, :, None].unbind(-1)

    def rotated(x: Tensor) -> Tensor:
        real, imaginary = x.float().unflatten(-1, (-1, 2)).unbind(-1)
        return torch.stack(
            (real * cos - imaginary * sin, real * sin + imaginary * cos), dim=-1
        ).flatten(-2)

    return rotated(queries).type_as(queries), rotated(keys).type_as(keys)


REPLACED = (
    (modeling_switch_transformers.SwitchTransformersExperts, "forward", every_switch_expert),
    (modeling_llama4.Llama4TextRotaryEmbedding, "forward", real_frequencies),
    (modeling_llama4, "apply_rotary_emb", rotate),
)


def strip(model: onnx.ModelProto) -> None:
    """What tells of the program and the machine that a graph was made with: most of a small model."""
    nodes = [*model.graph.node, *(n for f in model.functions for n in f.node)]
    for own in [*nodes, *model.graph.value_info, *model.graph.initializer]:
        own.doc_string = ""
        scopes = [entry for entry in own.metadata_props if entry.key == SCOPES]
        del own.metadata_props[:]
        own.metadata_props.extend(scopes)
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
