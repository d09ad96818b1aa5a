import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync
} from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../test/temporary';
import { writeAtomically } from './atomic-file';

const write = (path: string, text: string): Promise<void> =>
  writeAtomically(path, unfinished => writeFileSync(unfinished, text));

describe('a symbolic link', () => {
  it('stays, and its file is replaced beside that file', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'data'));
    writeFileSync(join(folder, 'data', 'real'), 'old');
    symlinkSync('data/real', join(folder, 'link'));
    symlinkSync('link', join(folder, 'second'));
    await write(join(folder, 'second'), 'new');
    expect(readlinkSync(join(folder, 'second'))).toBe('link');
    expect(readlinkSync(join(folder, 'link'))).toBe('data/real');
    expect(readFileSync(join(folder, 'data', 'real'), 'utf8')).toBe('new');
    expect(readdirSync(folder).sort()).toEqual(['data', 'link', 'second']);
    expect(readdirSync(join(folder, 'data'))).toEqual(['real']);
  });

  it('that leads nowhere yet makes the file that it names', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'elsewhere'));
    mkdirSync(join(folder, 'elsewhere', 'inner'));
    symlinkSync('elsewhere/inner', join(folder, 'jump'));
    symlinkSync('../real', join(folder, 'elsewhere', 'inner', 'link'));
    await write(join(folder, 'jump', 'link'), 'new');
    expect(readFileSync(join(folder, 'elsewhere', 'real'), 'utf8')).toBe('new');
    expect(
      lstatSync(join(folder, 'elsewhere', 'inner', 'link')).isSymbolicLink()
    ).toBe(true);
  });

  it('in a circle is refused', async () => {
    const folder = temporaryFolder();
    symlinkSync('b', join(folder, 'a'));
    symlinkSync('a', join(folder, 'b'));
    await expect(write(join(folder, 'a'), 'x')).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringMatching(/circle/) as string
    });
  });

  it('to a folder that is not there is refused', async () => {
    const folder = temporaryFolder();
    symlinkSync('gone/real', join(folder, 'link'));
    await expect(write(join(folder, 'link'), 'x')).rejects.toMatchObject({
      code: 'environment',
      where: join(folder, 'link')
    });
    expect(readdirSync(folder)).toEqual(['link']);
  });
});

it.each([
  ['a folder', () => temporaryFolder(), /it is a folder/],
  ['a device', () => '/dev/null', /a device or a pipe/],
  [
    'a link to a device',
    () => {
      const link = join(temporaryFolder(), 'link');
      symlinkSync('/dev/null', link);
      return link;
    },
    /a device or a pipe/
  ]
])('does not replace %s', async (_, path, message) => {
  const target = path();
  const before = statSync(target).mode;
  await expect(write(target, 'x')).rejects.toMatchObject({
    code: 'environment',
    message: expect.stringMatching(message) as string
  });
  expect(statSync(target).mode).toBe(before);
});

it('keeps the permissions of a file that it replaces', async () => {
  const path = join(temporaryFolder(), 'private');
  writeFileSync(path, 'old');
  chmodSync(path, 0o600);
  await write(path, 'new');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path, 'utf8')).toBe('new');
});
