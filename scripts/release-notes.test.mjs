import assert from 'node:assert/strict';
import { test } from 'node:test';
import { releaseNotes, sectionOf } from './release-notes.mjs';

const CHANGELOG = `# Changelog

Introduction.

## 1.10.0 (2030-02-03)

### New

- Ten.

## 1.1.0 (2030-01-02)

- One.
`;

const FITTING = {
  versions: { 'a.json': '1.10.0', 'b.json': '1.10.0' },
  changelog: CHANGELOG,
  fragments: []
};

test('returns the section of one version only', () => {
  assert.equal(sectionOf(CHANGELOG, '1.10.0'), '### New\n\n- Ten.');
  assert.equal(sectionOf(CHANGELOG, '1.1.0'), '- One.');
  assert.equal(sectionOf(CHANGELOG, '1.1'), undefined);
});

test('returns the notes of a matching tag', () => {
  assert.equal(releaseNotes('v1.10.0', FITTING), '### New\n\n- Ten.');
});

test('names all mismatches of a tag', () => {
  assert.throws(
    () =>
      releaseNotes('v2.0.0', {
        ...FITTING,
        versions: { 'a.json': '2.0.0', 'b.json': '1.10.0' },
        fragments: ['forgotten.fixed.md']
      }),
    {
      message:
        'The tag v2.0.0 does not match: b.json states version 1.10.0; CHANGELOG.md has no section for 2.0.0; ' +
        'changes/forgotten.fixed.md is not yet in CHANGELOG.md.'
    }
  );
});
