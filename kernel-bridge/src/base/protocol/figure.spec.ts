import fc from 'fast-check';
import { drawingSpec } from '../charts';
import { ProtocolError, readTraceFigure, type TraceFigure } from '.';

const words = { title: 't', subtitle: 's' };
const matrix: TraceFigure = {
  name: 'coactivation',
  layers: ['layer 0', 'layer 1'],
  layerIndex: 1,
  drawing: {
    kind: 'matrix',
    ...words,
    x: { title: 'expert', labels: ['0', '1'] },
    y: { title: null, labels: ['a', 'b'] },
    values: [null, 0.5, 1, null],
    measure: 'share',
    domain: [-1, 1]
  },
  text: 'in words'
};
const intervals: TraceFigure = {
  ...matrix,
  name: 'loads',
  drawing: {
    kind: 'intervals',
    ...words,
    uniform: 0.5,
    rows: [{ expert: 0, selections: 3, tokenRate: 0.5, low: 0.1, high: 0.9 }]
  }
};

describe('readTraceFigure', () => {
  it.each([matrix, intervals])('reads a $drawing.kind figure', figure => {
    expect(readTraceFigure(JSON.parse(JSON.stringify(figure)))).toEqual(figure);
  });

  it.each([
    [{ ...matrix, name: 'other' }, /name/],
    [{ ...matrix, layerIndex: 2 }, /layerIndex/],
    [
      { ...matrix, drawing: { ...matrix.drawing, values: ['1'] } },
      /values\[0\]/
    ],
    [
      { ...matrix, drawing: { ...matrix.drawing, kind: 'html' } },
      /drawing.kind/
    ],
    [{ ...matrix, drawing: { ...matrix.drawing, x: {} } }, /x\.title/],
    [
      {
        ...intervals,
        drawing: { ...intervals.drawing, rows: [{ expert: -1 }] }
      },
      /rows\[0\]\.tokenRate|rows\[0\]\.expert/
    ]
  ])('names the invalid field, %#', (figure, message) => {
    expect(() => readTraceFigure(figure)).toThrow(message);
    expect(() => readTraceFigure(figure)).toThrow(ProtocolError);
  });

  it('reads what can be drawn, and rejects the rest', () => {
    const parts = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom<unknown>(
        ...Object.values(matrix.drawing),
        ...Object.values(intervals.drawing)
      )
    );
    fc.assert(
      fc.property(
        fc.constantFrom(matrix, intervals),
        fc.dictionary(
          fc.constantFrom('x', 'y', 'values', 'domain', 'rows', 'uniform'),
          parts
        ),
        (figure, changes) => {
          const drawing = { ...figure.drawing, ...changes };
          let read: TraceFigure;
          try {
            read = readTraceFigure({ ...figure, drawing });
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
            return;
          }
          expect(drawingSpec(read.drawing, { width: 200 })).toHaveProperty(
            'width'
          );
        }
      )
    );
  });
});
