/** Something to change. */
export class Sizes extends Set<string> {
  constructor(private readonly seen: Set<number>) {
    super();
  }

  count(size: number): number {
    const { seen } = this;
    if (size > 2) {
      seen.add(size);
    }
    return size + 1;
  }
}
