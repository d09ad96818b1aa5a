import { unfaithful } from './attribute';

const curves = (deletionMean: number, insertionMean: number) => ({
  faithfulness: {
    counts: [0, 1],
    deletion: [],
    insertion: [],
    deletionMean,
    insertionMean,
    random: {
      orders: 8,
      deletionMean: 0.5,
      deletionDeviation: 0.1,
      insertionMean: 0.5,
      insertionDeviation: 0.1
    }
  }
});

it.each<[string, number, number, RegExp | null]>([
  ['that delete and insert better than chance', 0.3, 0.7, null],
  ['that delete no better', 0.6, 0.7, /^deleting tokens/],
  ['that insert no better', 0.3, 0.5, /^inserting tokens/],
  ['that do neither', 0.5, 0.4, /^deleting and inserting tokens/]
])('tells of attributions %s', (_, deletion, insertion, said) => {
  const notes = unfaithful(curves(deletion, insertion));
  expect(notes).toHaveLength(said ? 1 : 0);
  expect(notes.join()).toMatch(said ?? /^$/);
});

it('tells nothing where nothing was measured', () => {
  expect(unfaithful({})).toEqual([]);
});
