import type { CircuitState } from 'moe-debugger/protocol';

/** A question to the circuit tool: two prompts, and the top token after the first. */
export const CIRCUIT_QUESTION: CircuitState['question'] = {
  clean: 'a b',
  other: 'prompt',
  corrupted: 'a c',
  target: {
    kind: 'logit',
    position: null,
    token: '',
    against: '',
    layer: 0,
    expert: 0
  },
  direction: 'noising',
  edges: true
};
