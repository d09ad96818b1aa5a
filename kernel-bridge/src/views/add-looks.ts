/** Adds methods to a class of results from outside, as those of a class are: not enumerable. */
export function addLooks<T extends object>(prototype: object, looks: T): void {
  for (const key of Reflect.ownKeys(looks)) {
    Object.defineProperty(prototype, key, {
      value: looks[key as keyof T],
      writable: true,
      configurable: true
    });
  }
}
