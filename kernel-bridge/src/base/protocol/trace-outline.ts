/** Outline of a trace: its samples and routers with their loads, without the routing of single tokens. */
import { decodeArray, encodeArray, type EncodedArray } from './arrays';
import { count, figure, flag, list, object, text } from './checks';
import type { Known } from './known';
import { decodeIdentity, type RouterIdentity } from './routing';

export interface OutlineSample {
  id: string;
  domain?: string;
  /** Tokens of the list of tokens: those of an encoder are counted with those of the decoder. */
  tokens: number;
}

export interface OutlineRouter extends RouterIdentity {
  /** Tokens that were routed, padding left out. */
  tokens: number;
  /** Jain's fairness index of the loads; null without tokens. */
  balance: number | null;
  /** [experts], selections */
  counts: Int32Array;
  /** [domains]: tokens of samples of each domain */
  domainTokens: Int32Array;
  /** [domains, experts], selections */
  domainCounts: Int32Array;
}

export interface TraceOutline {
  model: string;
  /** Tokens of all samples. */
  tokens: number;
  samples: OutlineSample[];
  /** Samples that are not listed, because there are too many. */
  samplesOmitted: number;
  /** Kinds of text, in the order in which they appear. */
  domains: string[];
  known: Known;
  /** In graph order. */
  routers: OutlineRouter[];
}

export const MAX_OUTLINE_SAMPLES = 10_000;
const MAX_DOMAINS = 257;
const MAX_ROUTERS = 4096;
const MAX_NAME = 400;
const MAX_TOKENS = Number.MAX_SAFE_INTEGER;

type EncodedRouter = Omit<
  OutlineRouter,
  'counts' | 'domainTokens' | 'domainCounts'
> & {
  counts: EncodedArray;
  domainTokens: EncodedArray;
  domainCounts: EncodedArray;
};

export type EncodedOutline = Omit<TraceOutline, 'routers'> & {
  routers: EncodedRouter[];
};

/** Its arrays stay views, for `extractBuffers`. */
export function encodeOutline(outline: TraceOutline): EncodedOutline {
  const domains = outline.domains.length;
  return {
    ...outline,
    routers: outline.routers.map(router => ({
      ...router,
      counts: encodeArray(router.counts, [router.experts], true),
      domainTokens: encodeArray(router.domainTokens, [domains], true),
      domainCounts: encodeArray(
        router.domainCounts,
        [domains, router.experts],
        true
      )
    }))
  };
}

/** @throws ProtocolError naming the invalid field */
export function decodeOutline(value: unknown): TraceOutline {
  const source = object(value, 'outline');
  const domains = list(source.domains, 'outline.domains', MAX_DOMAINS).map(
    (domain, i) => name(domain, `outline.domains[${i}]`)
  );
  const known = object(source.known, 'outline.known');
  return {
    model: name(source.model, 'outline.model'),
    tokens: count(source.tokens, 'outline.tokens', MAX_TOKENS),
    samples: list(source.samples, 'outline.samples', MAX_OUTLINE_SAMPLES).map(
      (entry, i) => {
        const at = `outline.samples[${i}]`;
        const sample = object(entry, at);
        return {
          id: name(sample.id, `${at}.id`),
          ...(sample.domain === undefined
            ? {}
            : { domain: name(sample.domain, `${at}.domain`) }),
          tokens: count(sample.tokens, `${at}.tokens`, MAX_TOKENS)
        };
      }
    ),
    samplesOmitted: count(source.samplesOmitted, 'outline.samplesOmitted'),
    domains,
    known: {
      weights: flag(known.weights, 'outline.known.weights'),
      logits: flag(known.logits, 'outline.known.logits'),
      tokenIds: flag(known.tokenIds, 'outline.known.tokenIds'),
      texts: flag(known.texts, 'outline.known.texts'),
      domains: flag(known.domains, 'outline.known.domains')
    },
    routers: list(source.routers, 'outline.routers', MAX_ROUTERS).map(
      (entry, i) => {
        const at = `outline.routers[${i}]`;
        const router = object(entry, at);
        const identity = decodeIdentity(router, at);
        const array = (key: string, shape: number[]) =>
          decodeArray(router[key], 'int32', shape, `${at}.${key}`);
        return {
          ...identity,
          tokens: count(router.tokens, `${at}.tokens`, MAX_TOKENS),
          balance: figure(router.balance, `${at}.balance`),
          counts: array('counts', [identity.experts]),
          domainTokens: array('domainTokens', [domains.length]),
          domainCounts: array('domainCounts', [
            domains.length,
            identity.experts
          ])
        };
      }
    )
  };
}

function name(value: unknown, at: string): string {
  return text(value, at).slice(0, MAX_NAME);
}
