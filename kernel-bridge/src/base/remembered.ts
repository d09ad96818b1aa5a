/** Memoises values per owner and key; they are garbage-collected with the owner. */
export function remembered<K extends object, T>(): (
  owner: K,
  key: string,
  make: () => T
) => T {
  const known = new WeakMap<K, Map<string, T>>();
  return (owner, key, make) => {
    const own = known.get(owner) ?? new Map<string, T>();
    known.set(owner, own);
    const found = own.get(key) ?? make();
    own.set(key, found);
    return found;
  };
}
