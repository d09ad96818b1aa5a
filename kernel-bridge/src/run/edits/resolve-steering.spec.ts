import { resolveSteering } from './resolve-steering';

const slot = (residual: unknown) =>
  ({ layer: 3, width: 2, branch: 'b', residual }) as never;

it('says why a graph cannot be steered at a layer', () => {
  expect(() =>
    resolveSteering(
      [{ layer: 3, vector: [1, 2] }],
      [slot({ refused: 'its stream is computed in a subgraph' })]
    )
  ).toThrow(
    /cannot be steered there: its stream is computed in a subgraph \(layer 3\)/
  );
});
