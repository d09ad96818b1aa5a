/** Small traces that are made by hand: a rule chooses experts for random tokens. */
import type { RoutingLayer, RoutingSample } from '../src/base/protocol';

/** A repeatable source of numbers from 0 to 1. */
function source(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export interface Rule {
  (token: { id: number; position: number; domain: string }): number[];
}

export interface SampleOptions {
  experts?: number;
  topK?: number;
  samples?: number;
  length?: number;
  domains?: string[];
  /** Logits where a rule's choice is `height` above the rest. */
  height?: number;
  text?: (id: number) => string;
}

/** Samples of random ids whose experts a rule chooses; a rule that gives too few is filled up at random. */
export function samplesOf(
  rule: Rule,
  options: SampleOptions = {}
): RoutingSample[] {
  const {
    experts = 8,
    topK = 2,
    samples = 20,
    length = 50,
    domains = ['a'],
    height = 2,
    text
  } = options;
  const random = source(11);
  return Array.from({ length: samples }, (_, s) => {
    const domain = domains[s % domains.length];
    const tokens = Array.from({ length }, (__, position) => {
      const id = Math.floor(random() * 60);
      return { position, id, ...(text ? { text: text(id) } : {}) };
    });
    const logits = new Float32Array(length * experts);
    const selected = tokens.flatMap(({ id, position }) => {
      const chosen = new Set(rule({ id, position, domain }));
      while (chosen.size < topK) {
        chosen.add(Math.floor(random() * experts));
      }
      [...chosen].forEach(
        (e, rank) =>
          (logits[position * experts + e] = height * (1 - rank / (2 * topK)))
      );
      return [...chosen].slice(0, topK);
    });
    const layer: RoutingLayer = {
      layer: 3,
      experts,
      topK,
      score: 'softmax',
      logitsAre: 'logits',
      logits,
      selected: Int32Array.from(selected),
      weights: Float32Array.from(selected, (__, i) =>
        i % topK === 0 ? 0.6 : 0.4
      )
    };
    return { id: String(s), domain, tokens, layers: [layer] };
  });
}

/** Chooses by chance. */
export const anything: Rule = () => [];
