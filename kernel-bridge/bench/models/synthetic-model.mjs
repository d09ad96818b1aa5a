/**
 * Writes a Mixtral-like decoder with a cache as Optimum exports it: a loop over all experts, unrolled, each with its
 * own products. The weights lie in model.onnx.data, as random numbers or, for sizes that nobody wants on a disk, as a
 * hole of that size.
 *
 *   node synthetic-model.mjs FOLDER [--layers 4] [--experts 16] [--hidden 512] ... [--sparse]
 */
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  realpathSync,
  writeFileSync,
  writeSync
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { DATA, FLOAT, INT64, SyntheticGraph } from './synthetic-graph.mjs';
import { encodeModelProto } from '../../lib/onnx/file/schema.js';

/** About 57 million parameters. */
export const MEDIUM = {
  layers: 4,
  experts: 16,
  topK: 2,
  hidden: 512,
  intermediate: 512,
  heads: 8,
  vocabulary: 2048
};
/** More nodes and weights than any open model that Optimum has exported: 2,048 experts. */
export const LARGE = {
  layers: 32,
  experts: 64,
  topK: 8,
  hidden: 256,
  intermediate: 512,
  heads: 8,
  vocabulary: 32000
};
/** Of a size for tests. */
export const SMALL = {
  layers: 2,
  experts: 4,
  topK: 2,
  hidden: 16,
  intermediate: 8,
  heads: 2,
  vocabulary: 40
};

/** @returns nodes, parameters and bytes of the model written to `folder` */
export function writeSyntheticModel(folder, size, { sparse = false } = {}) {
  mkdirSync(folder, { recursive: true });
  const graph = new SyntheticGraph();
  decoder(graph, size);
  writeFileSync(join(folder, 'model.onnx'), encodeModelProto(graph.model()));
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({
      model_type: 'mixtral',
      num_local_experts: size.experts,
      num_experts_per_tok: size.topK,
      num_hidden_layers: size.layers,
      hidden_size: size.hidden,
      num_attention_heads: size.heads,
      vocab_size: size.vocabulary,
      max_position_embeddings: 4096,
      eos_token_id: 0
    })
  );
  writeWeights(join(folder, DATA), graph.stored, sparse);
  const parameters = graph.stored.reduce(
    (sum, { elements }) => sum + elements,
    0
  );
  return { nodes: graph.nodes.length, parameters, bytes: parameters * 4 };
}

function decoder(g, size) {
  const { layers, hidden, vocabulary } = size;
  const ids = g.input('input_ids', INT64, ['batch', 'sequence']);
  const mask = g.input('attention_mask', INT64, ['batch', 'total']);
  const positions = g.input('position_ids', INT64, ['batch', 'sequence']);
  const total = g.op('Gather', [g.op('Shape', [mask]), g.ints([1], [])]);
  const keys = g.op('Range', [g.ints([0], []), total, g.ints([1], [])]);
  const visible = g.op('LessOrEqual', [
    keys,
    g.op('Unsqueeze', [positions, g.ints([-1])])
  ]);
  const bias = g.op('Unsqueeze', [
    g.op('Where', [visible, g.floats([0], []), g.floats([-1e9], [])]),
    g.ints([1])
  ]);
  let x = g.op('Gather', [
    g.weight('model.embed_tokens.weight', [vocabulary, hidden]),
    ids
  ]);
  for (let layer = 0; layer < layers; layer++) {
    const path = `model.layers.${layer}`;
    x = g.op('Add', [
      x,
      attention(
        g,
        norm(g, x, `${path}.input_layernorm`, size),
        bias,
        layer,
        size
      )
    ]);
    x = g.op('Add', [
      x,
      experts(
        g,
        norm(g, x, `${path}.post_attention_layernorm`, size),
        path,
        size
      )
    ]);
  }
  const logits = g.op('MatMul', [
    norm(g, x, 'model.norm', size),
    g.weight('lm_head.weight', [hidden, vocabulary])
  ]);
  g.output(logits, 'logits', ['batch', 'sequence', vocabulary]);
  g.inputs.sort(
    (a, b) =>
      Number(a.name.startsWith('past')) - Number(b.name.startsWith('past'))
  );
}

function norm(g, x, path, { hidden }) {
  const mean = g.op('ReduceMean', [g.op('Pow', [x, g.floats([2], [])])], {
    axes: [-1],
    keepdims: 1
  });
  const root = g.op('Sqrt', [g.op('Add', [mean, g.floats([1e-5], [])])]);
  return g.op('Mul', [
    g.op('Div', [x, root]),
    g.weight(`${path}.weight`, [hidden])
  ]);
}

function attention(g, x, bias, layer, { hidden, heads }) {
  const path = `model.layers.${layer}.self_attn`;
  const width = hidden / heads;
  const cache = ['batch', heads, 'past', width];
  const project = name => {
    const all = g.op('MatMul', [
      x,
      g.weight(`${path}.${name}.weight`, [hidden, hidden])
    ]);
    return g.op(
      'Transpose',
      [g.op('Reshape', [all, g.ints([0, 0, heads, width])])],
      { perm: [0, 2, 1, 3] }
    );
  };
  const query = project('q_proj');
  const kept = ['key', 'value'].map((kind, i) => {
    const past = g.input(`past_key_values.${layer}.${kind}`, FLOAT, cache);
    const present = g.op('Concat', [past, project(['k_proj', 'v_proj'][i])], {
      axis: 2
    });
    g.output(present, `present.${layer}.${kind}`, cache);
    return present;
  });
  const scores = g.op('MatMul', [
    query,
    g.op('Transpose', [kept[0]], { perm: [0, 1, 3, 2] })
  ]);
  const scaled = g.op('Add', [
    g.op('Mul', [scores, g.floats([1 / Math.sqrt(width)], [])]),
    bias
  ]);
  const mixed = g.op('MatMul', [
    g.op('Softmax', [scaled], { axis: -1 }),
    kept[1]
  ]);
  const joined = g.op('Reshape', [
    g.op('Transpose', [mixed], { perm: [0, 2, 1, 3] }),
    g.ints([0, 0, hidden])
  ]);
  return g.op('MatMul', [
    joined,
    g.weight(`${path}.o_proj.weight`, [hidden, hidden])
  ]);
}

function experts(g, x, path, { experts: count, topK, hidden, intermediate }) {
  const flat = g.op('Reshape', [x, g.ints([-1, hidden])]);
  const logits = g.op('MatMul', [
    flat,
    g.weight(`${path}.block_sparse_moe.gate.weight`, [hidden, count])
  ]);
  const [values, selected] = g.op(
    'TopK',
    [g.op('Softmax', [logits], { axis: 1 }), g.ints([topK])],
    { axis: -1 },
    2
  );
  const weights = g.op('Div', [
    values,
    g.op('ReduceSum', [values, g.ints([-1])], { keepdims: 1 })
  ]);
  const chosen = g.op(
    'Transpose',
    [g.op('OneHot', [selected, g.ints([count]), g.ints([0, 1])], { axis: -1 })],
    { perm: [2, 1, 0] }
  );
  let sum = g.op('Mul', [flat, g.floats([0], [])]);
  for (let expert = 0; expert < count; expert++) {
    const own = name =>
      `${path}.block_sparse_moe.experts.${expert}.${name}.weight`;
    // [2, n]: rank within k and token, for the tokens that chose this expert.
    const places = g.op('NonZero', [
      g.op('Gather', [chosen, g.ints([expert], [])], { axis: 0 })
    ]);
    const tokens = g.op('Gather', [places, g.ints([1], [])], { axis: 0 });
    const column = g.op('Unsqueeze', [tokens, g.ints([1])]);
    const ranks = g.op('Unsqueeze', [
      g.op('Gather', [places, g.ints([0], [])], { axis: 0 }),
      g.ints([1])
    ]);
    const input = g.op('Gather', [flat, tokens], { axis: 0 });
    const gate = g.op('MatMul', [
      input,
      g.weight(own('w1'), [hidden, intermediate])
    ]);
    const up = g.op('MatMul', [
      input,
      g.weight(own('w3'), [hidden, intermediate])
    ]);
    const inner = g.op('Mul', [
      g.op('Mul', [gate, g.op('Sigmoid', [gate])]),
      up
    ]);
    const output = g.op('MatMul', [
      inner,
      g.weight(own('w2'), [intermediate, hidden])
    ]);
    const weight = g.op('GatherND', [
      weights,
      g.op('Concat', [column, ranks], { axis: 1 })
    ]);
    const weighted = g.op('Mul', [
      output,
      g.op('Unsqueeze', [weight, g.ints([1])])
    ]);
    sum = g.op('ScatterND', [sum, column, weighted], { reduction: 'add' });
  }
  return g.op('Reshape', [sum, g.op('Shape', [x])]);
}

function writeWeights(path, stored, sparse) {
  const file = openSync(path, 'w');
  try {
    if (sparse) {
      ftruncateSync(
        file,
        stored.reduce((sum, { elements }) => sum + elements * 4, 0)
      );
      return;
    }
    let state = 1;
    for (const { elements, scale, ones } of stored) {
      const values = new Float32Array(elements);
      for (let i = 0; i < elements; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        values[i] = ones ? 1 : (state / 2 ** 31 - 1) * scale;
      }
      writeSync(file, new Uint8Array(values.buffer));
    }
  } finally {
    closeSync(file);
  }
}

if (
  process.argv[1] &&
  realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)
) {
  const sizes = Object.keys(SMALL);
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      sparse: { type: 'boolean' },
      ...Object.fromEntries(sizes.map(name => [name, { type: 'string' }]))
    }
  });
  const given = sizes
    .filter(name => values[name] !== undefined)
    .map(name => [name, Number(values[name])]);
  console.log(
    JSON.stringify(
      writeSyntheticModel(
        positionals[0],
        { ...SMALL, ...Object.fromEntries(given) },
        { sparse: values.sparse }
      )
    )
  );
}
