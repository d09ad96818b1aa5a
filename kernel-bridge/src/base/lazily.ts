/**
 * Wraps a function of a module that is loaded at the first call.
 *
 * @param load `() => require('./module') as typeof import('./module')`: a literal path, which bundlers, the import rule
 * and readers can find
 */
export function lazily<
  M,
  K extends { [N in keyof M]: M[N] extends Callable ? N : never }[keyof M]
>(load: () => M, name: K): M[K] {
  const call = (...given: unknown[]): unknown =>
    (load()[name] as Callable)(...given);
  return call as M[K];
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Callable = (...given: any[]) => unknown;
