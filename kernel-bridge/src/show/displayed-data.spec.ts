import { inspect } from 'node:util';
import { MIMEBUNDLE, type Displayable } from '../base/kernel-api';
import { displayedRecords } from './displayed-data';

const RECORDS = [{ layer: 0, rate: 0.25 }];

it('displays records as a table, and leaves them a list', async () => {
  const records = displayedRecords([...RECORDS], own => ({
    title: 'rates',
    columns: ['layer', 'rate'],
    rows: own.map(({ layer, rate }) => [layer, rate])
  }));
  expect(records).toEqual(RECORDS);
  expect(JSON.stringify(records)).toBe('[{"layer":0,"rate":0.25}]');
  expect(Object.keys(records)).toEqual(['0']);
  const bundle = await (records as unknown as Displayable)[MIMEBUNDLE]();
  expect(bundle['text/plain']).toBe(inspect(RECORDS));
  expect(bundle['text/html']).toContain('<td>0</td><td>0.25</td>');
  expect(bundle['text/html']).toContain('overflow-x: auto');
});
