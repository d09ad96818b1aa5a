/** Where the time of a forward pass goes: onnxruntime's profile by layer, part and operator. */
import { count, list, number, object, oneOf, text } from './checks';

export const PROFILED_PARTS = [
  'attention',
  'mlp',
  'router',
  'dispatch',
  'experts',
  'shared',
  'other'
] as const;
/** dispatch: gathers the tokens of each expert and adds up what the experts return. */
export type ProfiledPart = (typeof PROFILED_PARTS)[number];

/** Nodes of one operator in one part of one layer. */
export interface ProfileRow {
  /** "layer 3", "embeddings", "unembedding". */
  place: string;
  part: ProfiledPart;
  op: string;
  /** Of the run in the middle by its time. */
  milliseconds: number;
  /** Nodes that ran, in one run. */
  calls: number;
}

/** A node of the run in the middle by its time. */
export interface ProfileEvent {
  name: string;
  /** Index into the rows. */
  row: number;
  /** Microseconds since the run began. */
  start: number;
  /** Microseconds. */
  duration: number;
}

export interface ProfileDocument {
  schema: 'moe-debugger/profile@1';
  model: string;
  /** Of a run of the whole prompt. */
  prefill: ProfiledRuns;
  /** Of runs of its first token alone. */
  oneToken: ProfiledRuns;
  /** Of the prompt. */
  rows: ProfileRow[];
  /** Milliseconds of that run outside of nodes: with `rows` they add up to it. */
  between: number;
  /** Share of the nodes' time whose nodes are not in the model's own graph, and are counted where the node before them is. */
  fused: number;
  /** Bytes of the stored weights, and of all tensors that nodes wrote in a run. */
  weights: number;
  written: number;
  bottlenecks: string[];
  notes: string[];
  events: ProfileEvent[];
}

export interface ProfiledRuns {
  tokens: number;
  runs: number;
  /** Of a run, median. */
  milliseconds: number;
}

const MAX_ROWS = 50_000;
export const MAX_PROFILE_EVENTS = 50_000;
const MAX_TEXT = 1000;
const MAX_NOTES = 100;

/** @throws ProtocolError naming the invalid field */
export function decodeProfile(value: unknown): ProfileDocument {
  const source = object(value, 'profile');
  const runs = (key: string): ProfiledRuns => {
    const own = object(source[key], `profile.${key}`);
    return {
      tokens: count(own.tokens, `profile.${key}.tokens`),
      runs: count(own.runs, `profile.${key}.runs`),
      milliseconds: number(own.milliseconds, `profile.${key}.milliseconds`)
    };
  };
  const texts = (key: string): string[] =>
    list(source[key], `profile.${key}`, MAX_NOTES).map((one, i) =>
      text(one, `profile.${key}[${i}]`, MAX_TEXT)
    );
  const rows = list(source.rows, 'profile.rows', MAX_ROWS).map((entry, i) => {
    const at = `profile.rows[${i}]`;
    const row = object(entry, at);
    return {
      place: text(row.place, `${at}.place`, MAX_TEXT),
      part: oneOf(row.part, PROFILED_PARTS, `${at}.part`),
      op: text(row.op, `${at}.op`, MAX_TEXT),
      milliseconds: number(row.milliseconds, `${at}.milliseconds`),
      calls: count(row.calls, `${at}.calls`)
    };
  });
  return {
    schema: oneOf(source.schema, ['moe-debugger/profile@1'], 'profile.schema'),
    model: text(source.model, 'profile.model', MAX_TEXT),
    prefill: runs('prefill'),
    oneToken: runs('oneToken'),
    rows,
    between: number(source.between, 'profile.between'),
    fused: number(source.fused, 'profile.fused'),
    weights: number(source.weights, 'profile.weights'),
    written: number(source.written, 'profile.written'),
    bottlenecks: texts('bottlenecks'),
    notes: texts('notes'),
    events: list(source.events, 'profile.events', MAX_PROFILE_EVENTS).map(
      (entry, i) => {
        const at = `profile.events[${i}]`;
        const event = object(entry, at);
        return {
          name: text(event.name, `${at}.name`, MAX_TEXT),
          row: count(event.row, `${at}.row`, rows.length - 1),
          start: number(event.start, `${at}.start`),
          duration: number(event.duration, `${at}.duration`)
        };
      }
    )
  };
}

interface ChromeEvent {
  name: string;
  cat: string;
  ph: 'X';
  /** Microseconds. */
  ts: number;
  dur: number;
  pid: number;
  tid: number;
  args: Record<string, string>;
}

/**
 * A run as Chrome's trace events, which Perfetto and chrome://tracing open: layers over parts over nodes.
 * Trace Event Format, "Complete Events".
 */
export function chromeTrace({ model, rows, events }: ProfileDocument): {
  displayTimeUnit: 'ms';
  otherData: { model: string };
  traceEvents: ChromeEvent[];
} {
  const made = (
    name: string,
    cat: string,
    ts: number,
    dur: number,
    args: Record<string, string> = {}
  ): ChromeEvent => ({ name, cat, ph: 'X', ts, dur, pid: 1, tid: 1, args });
  /** Spans of events that follow each other and have the same name. */
  const spans = (nameOf: (event: ProfileEvent) => string): ChromeEvent[] => {
    const open: ChromeEvent[] = [];
    let key: string | undefined;
    for (const event of events) {
      const own = nameOf(event);
      const last = open[open.length - 1];
      if (own === key && last) {
        last.dur = event.start + event.duration - last.ts;
      } else {
        const name = own.split('\n').pop()!;
        open.push(made(name, 'part', event.start, event.duration));
        key = own;
      }
    }
    return open;
  };
  return {
    displayTimeUnit: 'ms',
    otherData: { model },
    traceEvents: [
      ...spans(({ row }) => rows[row].place),
      ...spans(({ row }) => `${rows[row].place}\n${rows[row].part}`),
      ...events.map(({ name, row, start, duration }) =>
        made(name, rows[row].op, start, duration, {
          operator: rows[row].op,
          place: rows[row].place,
          part: rows[row].part
        })
      )
    ]
  };
}
