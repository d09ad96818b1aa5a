/** Groups of next tokens: by the domain of their prompt, and by token type. */
import { TOKEN_CLASSES, tokenClasses } from '../../findings/token-classes';
import type { TokenizedPrompt } from '../../../run/model/prompt';

export interface TokenGroup {
  kind: 'domain' | 'token type';
  name: string;
  /** Next tokens of the prompts that are in it. */
  tokens: number;
}

/** A token that follows in a prompt, and how much its log-probability is raised, in nats. */
export interface NextToken {
  id: number;
  gain: number;
}

/** A group of fewer tokens is left out. */
const LEAST_TOKENS = 8;

export class TokenGroups {
  readonly groups: readonly TokenGroup[];
  /** What the prompts cannot show. */
  readonly notes: readonly string[];
  private readonly _index = new Map<string, number>();

  /** @param _textOf undefined without a tokenizer */
  constructor(
    prompts: readonly TokenizedPrompt[],
    private readonly _textOf: ((id: number) => string) | undefined
  ) {
    const counts = new Map<string, TokenGroup>();
    let total = 0;
    for (const { ids, decoderIds, domain } of prompts) {
      for (const id of (decoderIds ?? ids).slice(1)) {
        total++;
        for (const { kind, name } of this._groupsOf(id, domain)) {
          const key = `${kind} ${name}`;
          const group = counts.get(key) ?? { kind, name, tokens: 0 };
          group.tokens++;
          counts.set(key, group);
        }
      }
    }
    this.groups = [...counts.values()]
      .filter(({ tokens }) => tokens >= LEAST_TOKENS && tokens < total)
      .sort((a, b) => Number(a.kind > b.kind) - Number(a.kind < b.kind));
    this.groups.forEach(({ kind, name }, i) =>
      this._index.set(`${kind} ${name}`, i)
    );
    const domains = new Set(
      prompts.flatMap(({ domain }) => (domain === undefined ? [] : [domain]))
    ).size;
    this.notes = [
      ...(domains > 1
        ? []
        : [
            `the prompts have ${domains === 0 ? 'no domain' : 'one domain'}: domains cannot be compared`
          ]),
      ...(_textOf
        ? []
        : ['the model has no tokenizer: token types are unknown'])
    ];
  }

  /** By group: the gains of next tokens of a prompt, summed up, and their number. */
  sums(
    next: readonly NextToken[],
    domain: string | undefined
  ): { gains: Float64Array; counts: Float64Array } {
    const gains = new Float64Array(this.groups.length);
    const counts = new Float64Array(this.groups.length);
    for (const { id, gain } of next) {
      for (const { kind, name } of this._groupsOf(id, domain)) {
        const i = this._index.get(`${kind} ${name}`);
        if (i !== undefined) {
          gains[i] += gain;
          counts[i]++;
        }
      }
    }
    return { gains, counts };
  }

  private _groupsOf(
    id: number,
    domain: string | undefined
  ): Omit<TokenGroup, 'tokens'>[] {
    const types = this._textOf ? tokenClasses(this._textOf(id)) : [];
    return [
      ...(domain === undefined
        ? []
        : [{ kind: 'domain' as const, name: domain }]),
      ...types.map(type => ({
        kind: 'token type' as const,
        name: TOKEN_CLASSES[type]
      }))
    ];
  }
}
