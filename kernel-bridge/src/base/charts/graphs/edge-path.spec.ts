import { edgePath } from './edge-path';

describe('edgePath', () => {
  it('goes straight through rows and curves between them', () => {
    expect(
      edgePath({
        points: [
          { x: 10, y: 100 },
          { x: 10, y: 95 },
          { x: 30.12, y: 75 },
          { x: 30.12, y: 60 },
          { x: 20, y: 40 },
          { x: 20, y: 40 }
        ]
      })
    ).toBe('M10 100V95C10 85 30.1 85 30.1 75V60C30.1 50 20 50 20 40');
  });
});
