"""The measures of kernel-bridge/src/measures in NumPy, as one would write them there: whole arrays, block by block.

Reads [tokens, k] int32 experts and float32 weights, and [tokens, experts] float32 logits where there are any, and prints
the processor seconds of one router, and a few figures to compare.
"""

import json
import resource
import sys

import numpy as np

experts, top_k, tokens, block, ids_path, weights_path, logits_path = sys.argv[1:8]
E, K, T, B = int(experts), int(top_k), int(tokens), int(block)
ids = np.fromfile(ids_path, np.int32, T * K).reshape(T, K)
weights = np.fromfile(weights_path, np.float32, T * K).reshape(T, K)
logits = np.fromfile(logits_path, np.float32).reshape(T, E) if logits_path else None


def seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def count(ids, weights, logits):
    total = {
        name: np.zeros(size)
        for name, size in [("counts", E), ("gates", E), ("first", E), ("pairs", (E, E)), ("adjacent", E * E)]
    }
    groups = np.zeros((32, E))
    repeats = any_overlap = overlap = first_weight = second_weight = 0
    full = {name: 0.0 for name in ["entropy", "squared", "margin", "kept", "z", "near"]}
    probability = np.zeros(E)
    before = None
    for start in range(0, len(ids), B):
        e, w = ids[start : start + B], weights[start : start + B]
        assert ((e >= 0) & (e < E)).all() and np.isfinite(w).all() and (w[:, 1:] <= w[:, :-1]).all()
        own = np.bincount(e.ravel(), minlength=E)
        total["counts"] += own
        groups[start // B % 32] += own
        total["gates"] += np.bincount(e.ravel(), weights=w.ravel(), minlength=E)
        total["first"] += np.bincount(e[:, 0], minlength=E)
        hot = np.zeros((len(e), E), np.float32)
        np.put_along_axis(hot, e, 1, axis=1)
        total["pairs"] += hot.T @ hot
        total["adjacent"] += np.bincount((e[:, :-1] * E + e[:, 1:]).ravel(), minlength=E * E)
        sets = np.bitwise_or.reduce(np.uint64(1) << e.astype(np.uint64), axis=1)
        common = np.bitwise_count(sets[1:] & sets[:-1])
        overlap += int(common.sum())
        any_overlap += int((common > 0).sum())
        repeats += int((e[1:, 0] == e[:-1, 0]).sum())
        if before is not None:
            shared = int(np.bitwise_count(sets[0] & before[0]))
            overlap += shared
            any_overlap += shared > 0
            repeats += int(e[0, 0] == before[1])
        before = sets[-1], e[-1, 0]
        first_weight += float(w[:, 0].sum(dtype=np.float64))
        second_weight += float(w[:, 1].sum(dtype=np.float64))
        if logits is None:
            continue
        x = logits[start : start + B]
        assert np.isfinite(x).all()
        largest = x.max(1, keepdims=True)
        p = np.exp(x - largest)
        s = p.sum(1, keepdims=True)
        p /= s
        log_sum = np.log(s[:, 0]) + largest[:, 0]
        entropy = log_sum - (p * x).sum(1)
        top = np.partition(p, E - 2, axis=1)[:, E - 2 :]
        probability += p.sum(0, dtype=np.float64)
        full["entropy"] += float(entropy.sum(dtype=np.float64))
        full["squared"] += float((entropy * entropy).sum(dtype=np.float64))
        full["margin"] += float((top[:, 1] - top[:, 0]).sum(dtype=np.float64))
        full["kept"] += float(np.take_along_axis(p, e, 1).sum(dtype=np.float64))
        full["z"] += float((log_sum * log_sum).sum(dtype=np.float64))
        lowest = np.take_along_axis(x, e, 1).min(1)
        other = np.where(hot > 0, np.float32(-np.inf), x).max(1)
        full["near"] += float((lowest - other).sum(dtype=np.float64))
    c = total["counts"]
    return {
        "jain": float(c.sum() ** 2 / (E * (c**2).sum())),
        "overlap": overlap / (T - 1),
        "repeats": repeats / (T - 1),
        "pairs": float(total["pairs"][0, 1]),
        "entropy": full["entropy"] / T,
    }


count(ids[:B], weights[:B], None if logits is None else logits[:B])
start = seconds()
figures = count(ids, weights, logits)
print(json.dumps({"seconds": seconds() - start, "tokens": T, **figures}))
