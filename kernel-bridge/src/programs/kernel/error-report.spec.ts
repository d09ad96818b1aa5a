import { MoEDebuggerError } from '../../base/errors';
import { reportError, reportProblems } from './error-report';

const noFrames = (): undefined => undefined;

describe('reportError', () => {
  it('shows the frames that it is given', () => {
    const error = new TypeError('broken');
    error.stack = 'TypeError: broken\n    at mine\n    at theirs';
    const read = (line: string): string | undefined =>
      line.includes('mine') ? line : undefined;
    expect(reportError(error, read)).toEqual({
      ename: 'TypeError',
      evalue: 'broken',
      traceback: ['TypeError: broken', '    at mine']
    });
  });

  it('shows our own errors as one line', () => {
    const error = new MoEDebuggerError('input', 'what', {
      where: 'where',
      hint: 'do this'
    });
    expect(reportError(error, noFrames)).toEqual({
      ename: 'MoEDebuggerError',
      evalue: 'what (where): do this',
      traceback: ['MoEDebuggerError: what (where): do this']
    });
  });

  it('follows causes', () => {
    const error = new Error('outer', {
      cause: new MoEDebuggerError('input', 'inner')
    });
    expect(reportError(error, noFrames).traceback).toContain(
      'Caused by MoEDebuggerError: inner'
    );
  });

  it.each(['stack', 'message', 'name'])('survives a %s that throws', key => {
    const error = new Error('hostile');
    Object.defineProperty(error, key, {
      get: () => {
        throw new TypeError('from the getter');
      }
    });
    expect(reportError(error, noFrames)).toMatchObject({
      ename: 'Error',
      evalue: 'an error that cannot be shown',
      traceback: expect.arrayContaining([
        expect.stringMatching(/built-in prototype/)
      ]) as string[]
    });
  });

  it('ends when causes go in a circle', () => {
    const error = new Error('round');
    error.cause = error;
    expect(reportError(error, noFrames).traceback.length).toBeLessThan(200);
  });

  it.each([
    ['text', 'text'],
    [42, '42'],
    [undefined, 'undefined'],
    [null, 'null'],
    [{ code: 1 }, '{ code: 1 }']
  ])('shows a thrown %p', (value, text) => {
    expect(reportError(value, noFrames).evalue).toBe(text);
  });

  it('survives an error without a stack, a name or a message', () => {
    const error = Object.assign(new Error(), { stack: undefined, name: '' });
    expect(reportError(error, noFrames)).toEqual({
      ename: 'Error',
      evalue: '',
      traceback: ['Error']
    });
  });
});

describe('reportProblems', () => {
  it('points at the place', () => {
    const report = reportProblems(
      [
        {
          line: 1,
          character: 6,
          length: 3,
          code: 2322,
          text: 'not assignable'
        },
        {
          line: 0,
          character: 0,
          length: 1,
          code: 7,
          text: 'other',
          file: 'local.ts'
        }
      ],
      'first\nconst bad = 1;'
    );
    expect(report).toEqual({
      ename: 'TypeScriptError',
      evalue: '2:7 - not assignable (and 1 more)',
      traceback: [
        '2:7 - error TS2322: not assignable',
        '  2 | const bad = 1;',
        '    |       ^^^',
        'local.ts 1:1 - error TS7: other'
      ]
    });
  });
});
