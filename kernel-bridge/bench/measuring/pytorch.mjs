/** The demo model in PyTorch, where PyTorch is installed: with the weights of the model's ONNX file. */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TensorReader } from '../../lib/onnx/file/tensor-data.js';

const here = path => fileURLToPath(new URL(path, import.meta.url));

/** The Python that `MOE_TORCH_PYTHON` names, or that of the clone. */
function python() {
  const own = here('../../../.venv/bin/python');
  return process.env.MOE_TORCH_PYTHON || (existsSync(own) ? own : 'python3');
}

/** Writes the weights, dequantised by rows where they are integers, in the order in which the graph uses them. */
function writeWeights(onnx, folder) {
  const reader = new TensorReader(onnx.weightsFolder);
  const { initializer, node } = onnx.proto.graph;
  const stored = new Map(initializer.map(tensor => [tensor.name, tensor]));
  const file = openSync(join(folder, 'weights'), 'w');
  const list = [];
  let offset = 0;
  try {
    const dequantised = new Map(
      node
        .filter(({ opType }) => opType === 'DequantizeLinear')
        .map(({ input, output }) => [
          input[0],
          { scale: input[1], name: output[0] }
        ])
    );
    const scales = new Set([...dequantised.values()].map(({ scale }) => scale));
    for (const tensor of initializer.filter(({ name }) => !scales.has(name))) {
      const values = reader.values(tensor);
      const dims = tensor.dims.map(Number);
      const { scale, name } = dequantised.get(tensor.name) ?? {};
      if (scale) {
        const factors = reader.values(stored.get(scale));
        const width = values.length / factors.length;
        for (let i = 0; i < values.length; i++) {
          values[i] *= factors[Math.floor(i / width)];
        }
      }
      list.push([name ?? tensor.name, dims, offset]);
      offset += values.length;
      writeSync(file, values);
    }
  } finally {
    closeSync(file);
    reader.close();
  }
  writeFileSync(join(folder, 'weights.json'), JSON.stringify(list));
}

/**
 * Seconds of the forward pass, and of the forward and the backward pass.
 * @returns undefined where PyTorch is not installed
 */
export function torchGradients(onnx, { ids, index, threads, rounds }) {
  const folder = mkdtempSync(join(tmpdir(), 'moe-debugger-'));
  try {
    writeWeights(onnx, folder);
    copyFileSync(join(onnx.folder, 'config.json'), join(folder, 'config.json'));
    const { status, stdout, stderr, error } = spawnSync(
      python(),
      [
        here('../programs/torch_gradients.py'),
        folder,
        JSON.stringify(ids),
        ...[index, threads, rounds].map(String)
      ],
      { encoding: 'utf8' }
    );
    if (status !== 0) {
      if (/No module named 'torch'/.test(stderr ?? '')) {
        return undefined;
      }
      throw new Error(`PyTorch did not run: ${error ?? stderr}`);
    }
    return JSON.parse(stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
