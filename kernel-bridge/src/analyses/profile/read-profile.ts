/** Reads the profile that onnxruntime writes: nodes with their times, run by run. */
import { readFileSync } from 'node:fs';
import { MoEDebuggerError } from '../../base/errors';

export interface ProfiledNode {
  name: string;
  op: string;
  /** Microseconds since the run began. */
  start: number;
  duration: number;
  /** Bytes of what it wrote. */
  written: number;
}

export interface ProfiledRun {
  /** Microseconds. */
  duration: number;
  nodes: ProfiledNode[];
}

interface RawEvent {
  cat?: unknown;
  name?: unknown;
  ts?: unknown;
  dur?: unknown;
  args?: Record<string, unknown>;
}

const KERNEL = '_kernel_time';

/** @throws MoEDebuggerError 'engine' for a file that is no profile */
export function readProfile(file: string): ProfiledRun[] {
  let events: RawEvent[];
  try {
    events = JSON.parse(readFileSync(file, 'utf8')) as RawEvent[];
  } catch (error) {
    throw new MoEDebuggerError(
      'engine',
      'the profile of onnxruntime cannot be read',
      { where: file, hint: 'profile the model again', cause: error }
    );
  }
  return runsOf(events);
}

/** @param events of onnxruntime, in any order */
export function runsOf(events: readonly RawEvent[]): ProfiledRun[] {
  const numbered = events.filter(
    ({ ts, dur }) => typeof ts === 'number' && typeof dur === 'number'
  ) as (RawEvent & { ts: number; dur: number })[];
  const nodes = numbered
    .filter(
      ({ cat, name }) =>
        cat === 'Node' && typeof name === 'string' && name.endsWith(KERNEL)
    )
    .sort((a, b) => a.ts - b.ts);
  return numbered
    .filter(({ cat, name }) => cat === 'Session' && name === 'model_run')
    .sort((a, b) => a.ts - b.ts)
    .map(({ ts, dur }) => ({
      duration: dur,
      nodes: nodes
        .filter(own => own.ts >= ts && own.ts <= ts + dur)
        .map(own => ({
          name: (own.name as string).slice(0, -KERNEL.length),
          op: String(own.args?.op_name ?? ''),
          start: own.ts - ts,
          duration: own.dur,
          written: Number(own.args?.output_size ?? 0) || 0
        }))
    }));
}
