import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { fileOf, refusal } from '../../../test/imported';
import { temporaryFolder } from '../../../test/temporary';
import type { PromptObject } from '../../run/model/prompt';
import { readPrompts } from './prompts-file';

const TEXT = '{"id":"a","text":"Grüße 你好"}\r\n\n{"input_ids":[1,2]}\n';
const PROMPTS: PromptObject[] = [
  { id: 'a', text: 'Grüße 你好' },
  { id: '2', inputIds: [1, 2] }
];

async function read(path: string): Promise<PromptObject[]> {
  const prompts: PromptObject[] = [];
  for await (const prompt of readPrompts(path)) {
    prompts.push(prompt);
  }
  return prompts;
}

const swapped = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();

it.each<[string, string | Buffer]>([
  ['UTF-8', TEXT],
  ['UTF-8 with a byte order mark', `\ufeff${TEXT}`],
  ['UTF-16, as PowerShell writes it', Buffer.from(`\ufeff${TEXT}`, 'utf16le')],
  ['UTF-16 with the high byte first', swapped(`\ufeff${TEXT}`)],
  ['gzip', gzipSync(TEXT)],
  ['gzip of UTF-16', gzipSync(Buffer.from(`\ufeff${TEXT}`, 'utf16le'))]
])('reads prompts in %s', async (_, content) => {
  expect(await read(fileOf('prompts.jsonl', content))).toEqual(PROMPTS);
});

it.each<[string, Buffer]>([
  ['plain', Buffer.from(TEXT)],
  ['gzipped', gzipSync(TEXT)]
])('reads a pipe once, %s', async (_, content) => {
  const pipe = join(temporaryFolder(), 'pipe');
  execFileSync('mkfifo', [pipe]);
  // Opening a pipe waits for the other side, so another process writes.
  const writer = spawn('cp', [fileOf('x', content), pipe]);
  expect(await read(pipe)).toEqual(PROMPTS);
  writer.kill();
});

it.each<[string, () => string, RegExp]>([
  ['a folder', () => temporaryFolder(), /this is a folder.*JSON Lines file/],
  ['no file', () => '/gone.jsonl', /no such prompts file/],
  [
    'Latin-1',
    () => fileOf('x', Buffer.from('{"text":"Grüße"}', 'latin1')),
    /the line is not text in UTF-8 \(.*:1\).*UTF-8, gzipped or not/
  ],
  [
    'UTF-16 without a byte order mark',
    () => fileOf('x', Buffer.from('{"text":"a"}', 'utf16le')),
    /the line is not text in UTF-8/
  ],
  [
    'a truncated gzip file',
    () => fileOf('x', gzipSync(TEXT.repeat(9)).subarray(0, -9)),
    /cannot be read: .*truncated/
  ],
  ['a list', () => fileOf('x', '[{"text":"a"}]'), /needs one of "text"/],
  ['a number', () => fileOf('x', '\n7'), /not an object \(.*:2\)/]
])('refuses %s', async (_, path, message) => {
  await expect(read(path())).rejects.toMatchObject(refusal(message));
});
