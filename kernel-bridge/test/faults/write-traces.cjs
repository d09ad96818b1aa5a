/**
 * The process that the test of kills ends at any time: writes a trace of 40 samples to a file again and again, with the
 * built package, which starts faster. Sends 'writing' before and 'written' after each one. Argument: the file.
 */
const { ParquetWriter } = require('../../lib/files/trace/parquet.js');

const TOKENS = 200;
const card = {
  layer: 3,
  moe: true,
  experts: 8,
  topK: 2,
  score: 'softmax',
  scoreBeforeTopK: true,
  renormalized: true,
  sharedExperts: 0,
  router: {
    pattern: 'softmax > top-k',
    logits: '',
    logitsAre: 'logits',
    selected: null,
    weights: null
  }
};

const sample = id => ({
  id,
  tokens: Array.from({ length: TOKENS }, (_, position) => ({
    position,
    id: position
  })),
  layers: [
    {
      layer: 3,
      experts: 8,
      topK: 2,
      score: 'softmax',
      logitsAre: 'logits',
      logits: Float32Array.from({ length: 8 * TOKENS }, Math.random),
      selected: Int32Array.from({ length: 2 * TOKENS }, (_, i) => i % 2),
      weights: new Float32Array(2 * TOKENS).fill(0.5)
    }
  ]
});

async function writeForever(path) {
  for (;;) {
    const writer = await ParquetWriter.create(path, {
      run: String(process.pid),
      model: 'm',
      cards: [card]
    });
    for (let i = 0; i < 40; i++) {
      await writer.add(sample(String(i)));
    }
    process.send('writing');
    await writer.finish();
    process.send('written');
  }
}

void writeForever(process.argv[2]);
