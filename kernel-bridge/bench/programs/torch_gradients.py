"""The demo model in PyTorch, as Hugging Face's Mixtral computes it: a logit, and its gradients by the embeddings.

Reads a folder with config.json, weights.json (name, dims and offset of each float32 tensor in the order in which the
model uses them) and weights; the token ids, the logit's index, threads and rounds. Prints the seconds of forward passes
and of forward and backward passes, which take turns, and the logit and its gradients' sizes to compare.
"""

import json
import sys
import time
from pathlib import Path

import torch
from torch.nn.functional import embedding, silu, softmax

folder, ids, index, threads, rounds = Path(sys.argv[1]), json.loads(sys.argv[2]), *map(int, sys.argv[3:6])
torch.set_num_threads(threads)
config = json.loads((folder / "config.json").read_text())
HEADS, KEYS, WIDTH = config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"]
EXPERTS, TOP_K, EPSILON = config["num_local_experts"], config["num_experts_per_tok"], config["rms_norm_eps"]
THETA = config["rope_parameters"]["rope_theta"]

values = torch.frombuffer(bytearray((folder / "weights").read_bytes()), dtype=torch.float32)
named, products = {}, []
for name, dims, offset in json.loads((folder / "weights.json").read_text()):
    size = 1
    for dim in dims:
        size *= dim
    tensor = values[offset : offset + size].reshape(dims)
    if name.startswith("model."):
        named[name] = tensor
    else:
        products.append(tensor)
layers = []
each = 5 + 3 * EXPERTS
for layer in range(config["num_hidden_layers"]):
    q, k, v, o, router, *experts = products[layer * each : (layer + 1) * each]
    layers.append((q, k, v, o, router, [experts[3 * e : 3 * e + 3] for e in range(EXPERTS)]))
head = products[-1]


def norm(x, name):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPSILON) * named[f"model.{name}.weight"]


def rotated(x, cos, sin):
    low, high = x.chunk(2, -1)
    return x * cos + torch.cat((-high, low), -1) * sin


def attention(x, weights, cos, sin, mask):
    q, k, v, o = weights
    tokens = x.shape[0]
    q = rotated((x @ q).view(tokens, HEADS, WIDTH).transpose(0, 1), cos, sin)
    k = rotated((x @ k).view(tokens, KEYS, WIDTH).transpose(0, 1), cos, sin).repeat_interleave(HEADS // KEYS, 0)
    v = (x @ v).view(tokens, KEYS, WIDTH).transpose(0, 1).repeat_interleave(HEADS // KEYS, 0)
    scores = softmax(q @ k.transpose(1, 2) / WIDTH**0.5 + mask, -1)
    return (scores @ v).transpose(0, 1).reshape(tokens, -1) @ o


def mixture(x, router, experts):
    weights, chosen = softmax(x @ router, -1).topk(TOP_K, -1)
    weights = weights / weights.sum(-1, keepdim=True)
    out = torch.zeros_like(x)
    for e, (gate, up, down) in enumerate(experts):
        tokens, slot = torch.where(chosen == e)
        if len(tokens):
            own = x[tokens]
            own = (silu(own @ gate) * (own @ up)) @ down
            out = out.index_add(0, tokens, own * weights[tokens, slot, None])
    return out


def logit(x):
    tokens = x.shape[0]
    angles = torch.arange(tokens)[:, None] / THETA ** (torch.arange(0, WIDTH, 2) / WIDTH)
    cos, sin = angles.repeat(1, 2).cos(), angles.repeat(1, 2).sin()
    mask = torch.full((tokens, tokens), -torch.inf).triu(1)
    for layer, (q, k, v, o, router, experts) in enumerate(layers):
        x = x + attention(norm(x, f"layers.{layer}.input_layernorm"), (q, k, v, o), cos, sin, mask)
        x = x + mixture(norm(x, f"layers.{layer}.post_attention_layernorm"), router, experts)
    # As a model gives them: the logits of all tokens.
    return (norm(x, "norm") @ head)[-1, index]


embeddings = embedding(torch.tensor(ids), named["model.embed_tokens.weight"])


def forward():
    with torch.no_grad():
        return logit(embeddings)


def both():
    x = embeddings.clone().requires_grad_()
    value = logit(x)
    value.backward()
    return value, x.grad


times = {forward: [], both: []}
for turn in range(rounds + 3):
    for run, spent in times.items():
        start = time.perf_counter()
        run()
        if turn >= 3:
            spent.append(time.perf_counter() - start)
value, gradients = both()
print(
    json.dumps(
        {
            "version": torch.__version__,
            "forward": times[forward],
            "both": times[both],
            "value": value.item(),
            "gradients": gradients.norm(dim=-1).tolist(),
        }
    )
)
