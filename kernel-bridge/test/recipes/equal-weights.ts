import { readChoice } from '../../src/routing/choice';
import {
  selector,
  type RouterPattern
} from '../../src/routing/patterns/pattern';
import { readScores } from '../../src/routing/scores';

export const equalWeights: RouterPattern = {
  anchors: ['TopK'],
  match(graph, node) {
    const choice = readChoice(graph, node);
    // Upwards, to the product with the router's weights.
    const selection = readScores(graph, node.inputs[0]);
    // Where nothing reads the scores of the chosen, these weight nothing.
    if (!choice || !selection || graph.consumers(choice.values).length > 0) {
      return undefined;
    }
    return {
      experts: selection.experts,
      topK: choice.k,
      convention: {
        score: 'softmax',
        scoreBeforeTopK: false,
        renormalized: false,
        equalWeights: true
      },
      pattern: 'top-k > equal weights',
      tensors: {
        logits: selection.logits,
        logitsAre: selection.logitsAre,
        selected: [choice.indices],
        // The graph holds no weights: they are computed by the convention.
        weights: null
      },
      selectors: [selector(node)]
    };
  }
};
