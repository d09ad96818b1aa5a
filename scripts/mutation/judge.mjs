/** Whether the tests notice a mutant: first those of its own folder, then the nearest others. */
import { runSpecs } from './run-specs.mjs';

/** A mutant may take this much longer than the code did before it counts as endless. */
const PATIENCE = { times: 6, seconds: 40 };

export class Judge {
  /** Specs that pass without a mutant, by the seconds that they took; undefined for the others. */
  #plain = new Map();
  #measuring = Promise.resolve();

  /**
   * @param {number} others how many specs of other folders are asked: all of them would take hours, and the nearest
   *   know most
   * @param run for tests
   */
  constructor(others, run = runSpecs) {
    this._others = others;
    this._run = run;
  }

  /**
   * @param {import('./mutants.mjs').Mutant} mutant
   * @param {string[]} specs that reach its file, the nearest first
   * @param {string} folder the mutant's
   * @returns {Promise<{by: 'own' | 'others' | null, spec?: string, late?: boolean}>} `by` is null where nothing noticed it
   */
  async judge(mutant, specs, folder) {
    const inFolder = spec => spec.startsWith(`${folder}/`);
    const groups = {
      own: specs.filter(inFolder),
      others: specs.filter(spec => !inFolder(spec)).slice(0, this._others)
    };
    for (const [by, group] of Object.entries(groups)) {
      const passing = await this.#passing(group);
      if (passing.size === 0) {
        continue;
      }
      const usual = [...passing.values()].reduce((sum, one) => sum + one, 0);
      const { late, failed } = await this._run([...passing.keys()], {
        mutant,
        seconds: PATIENCE.seconds + PATIENCE.times * usual
      });
      if (late || failed.length > 0) {
        return { by, late, spec: failed[0] };
      }
    }
    return { by: null };
  }

  /** A spec that fails without a mutant says nothing about one. */
  async #passing(specs) {
    // One after the other: what is measured at the same time is slower, and measured twice.
    const measured = this.#measuring.then(() => this.#measure(specs));
    this.#measuring = measured.catch(() => undefined);
    await measured;
    return new Map(
      specs
        .filter(spec => this.#plain.get(spec) !== undefined)
        .map(spec => [spec, this.#plain.get(spec)])
    );
  }

  async #measure(specs) {
    const fresh = specs.filter(spec => !this.#plain.has(spec));
    if (fresh.length === 0) {
      return;
    }
    const { failed, seconds } = await this._run(fresh);
    for (const spec of fresh) {
      const fails = failed.includes(spec) || !seconds.has(spec);
      this.#plain.set(spec, fails ? undefined : seconds.get(spec));
      if (fails) {
        console.log(`${spec} fails without a mutant, and is not asked.`);
      }
    }
  }
}
