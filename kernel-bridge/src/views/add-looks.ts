/** Adds non-enumerable methods to a class of results, so that results need not import their views. */
export function addLooks<T extends object>(prototype: object, looks: T): void {
  for (const key of Reflect.ownKeys(looks)) {
    Object.defineProperty(prototype, key, {
      value: looks[key as keyof T],
      writable: true,
      configurable: true
    });
  }
}
