/** Actions of a page, which a kernel does not trust. */
import { attribution, circuit } from '../../../test/protocol-documents';
import {
  ProtocolError,
  readAttributionAction,
  readCircuitAction,
  readExpertsAction,
  readLensAction,
  readSteeringAction,
  readSweepAction
} from '.';

const READERS = {
  experts: readExpertsAction,
  lens: readLensAction,
  steering: readSteeringAction,
  sweep: readSweepAction,
  attribution: readAttributionAction,
  circuit: readCircuitAction
};

const { question } = attribution;
const { question: asked } = circuit;

it.each<[keyof typeof READERS, object]>([
  ['experts', { do: 'edit', row: 1, expert: 0, kind: 'swap', to: 2 }],
  ['experts', { do: 'edit', row: 1, expert: 0, kind: null }],
  ['experts', { do: 'top-k', row: null, k: 2 }],
  ['experts', { do: 'top-k', row: 3, k: null }],
  ['experts', { do: 'generate', prompt: 'a', maxNewTokens: 4096 }],
  ['experts', { do: 'cancel' }],
  ['experts', { do: 'undo' }],
  ['experts', { do: 'redo' }],
  ['experts', { do: 'clear' }],
  ['lens', { do: 'read', prompt: 'a' }],
  ['lens', { do: 'cancel' }],
  ['steering', { do: 'scale', row: null, scale: -20 }],
  ['steering', { do: 'scale', row: 0, scale: 20 }],
  ['steering', { do: 'contrast', positive: 'a', negative: 'b' }],
  ['steering', { do: 'generate', prompt: '', maxNewTokens: 0 }],
  ['steering', { do: 'cancel' }],
  ['sweep', { do: 'sweep', prompts: 'a', mode: 'drop' }],
  ['sweep', { do: 'cancel' }],
  ['attribution', { do: 'attribute', question }],
  ['attribution', { do: 'attribute', question: { ...question, target: null } }],
  [
    'attribution',
    {
      do: 'attribute',
      question: {
        ...question,
        target: { kind: 'logit', position: null, token: 'x' }
      }
    }
  ],
  [
    'attribution',
    {
      do: 'attribute',
      question: {
        ...question,
        target: { kind: 'log-probability', position: 1, token: null }
      }
    }
  ],
  ['attribution', { do: 'look', position: 3 }],
  ['attribution', { do: 'faithfulness' }],
  ['attribution', { do: 'cancel' }],
  ['circuit', { do: 'find', question: asked }],
  ['circuit', { do: 'patch', node: 'x', position: null }],
  ['circuit', { do: 'patch', node: 'x', position: 2 }],
  ['circuit', { do: 'cancel' }]
])('%s reads %j', (tool, action) => {
  expect(READERS[tool]({ ...action, html: '<b>' })).toEqual(action);
});

const long = 'x'.repeat(401);

it.each<[keyof typeof READERS, string, unknown]>([
  ['experts', 'the action is not an object', 'undo'],
  ['experts', 'the action is not one of edit', { do: 'erase' }],
  ['experts', 'row is not a count', { do: 'edit', expert: 0, kind: null }],
  ['experts', 'expert is not', { do: 'edit', row: 0, expert: -1, kind: null }],
  ['experts', 'kind is not one', { do: 'edit', row: 0, expert: 0, kind: 'x' }],
  [
    'experts',
    'to is not a count',
    { do: 'edit', row: 0, expert: 0, kind: 'swap', to: 'x' }
  ],
  ['experts', 'row is not a count', { do: 'top-k', k: 1 }],
  ['experts', 'k is not a count', { do: 'top-k', row: null, k: 0.5 }],
  ['experts', 'prompt is not text', { do: 'generate', maxNewTokens: 1 }],
  [
    'experts',
    'maxNewTokens is not a count',
    { do: 'generate', prompt: 'a', maxNewTokens: 4097 }
  ],
  ['lens', 'prompt is not text', { do: 'read' }],
  ['lens', 'the action is not one of read, cancel', { do: 'sweep' }],
  ['steering', 'scale is not a number', { do: 'scale', row: 0, scale: NaN }],
  [
    'steering',
    'a scale of 20.5 is beyond ±20',
    { do: 'scale', row: 0, scale: 20.5 }
  ],
  [
    'steering',
    'a scale of -21 is beyond ±20',
    { do: 'scale', row: 0, scale: -21 }
  ],
  ['steering', 'row is not a count', { do: 'scale', row: 'x', scale: 1 }],
  ['steering', 'negative is not text', { do: 'contrast', positive: 'a' }],
  [
    'steering',
    'positive is longer than 65536 characters',
    { do: 'contrast', positive: 'x'.repeat(65537), negative: '' }
  ],
  ['sweep', 'mode is not one of', { do: 'sweep', prompts: 'a', mode: 'x' }],
  ['sweep', 'prompts is not text', { do: 'sweep', mode: 'mask' }],
  ['attribution', 'question is not an object', { do: 'attribute' }],
  [
    'attribution',
    'question.steps is not a count',
    { do: 'attribute', question: { ...question, steps: 4097 } }
  ],
  [
    'attribution',
    'target.token is longer than 400 characters',
    {
      do: 'attribute',
      question: {
        ...question,
        target: { kind: 'logit', position: 0, token: long }
      }
    }
  ],
  [
    'attribution',
    'target.token is not a count',
    {
      do: 'attribute',
      question: {
        ...question,
        target: { kind: 'logit', position: 0, token: -1 }
      }
    }
  ],
  ['attribution', 'position is not a count', { do: 'look', position: null }],
  [
    'circuit',
    'question.target.token is longer than 400 characters',
    {
      do: 'find',
      question: { ...asked, target: { ...asked.target, token: long } }
    }
  ],
  ['circuit', 'node is not text', { do: 'patch', position: null }],
  ['circuit', 'position is not a count', { do: 'patch', node: 'x' }]
])('%s says "%s"', (tool, message, action) => {
  const read = () => READERS[tool](action);
  expect(read).toThrow(ProtocolError);
  expect(read).toThrow(message);
});
