/**
 * A function of a module that is loaded at the first call, so that programs that never call it do not pay for loading
 * it. Without a name, a function that returns the module.
 *
 * @param load `() => require('./module') as typeof import('./module')`: a literal path, which bundlers, the import rule
 * and readers can find
 */
export function lazily<M>(load: () => M): () => M;
export function lazily<
  M,
  K extends { [N in keyof M]: M[N] extends Callable ? N : never }[keyof M]
>(load: () => M, name: K): M[K];
export function lazily<M>(load: () => M, name?: keyof M): unknown {
  return name === undefined
    ? load
    : (...given: unknown[]): unknown => (load()[name] as Callable)(...given);
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Callable = (...given: any[]) => unknown;
