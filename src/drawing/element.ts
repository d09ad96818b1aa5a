/** Creates an element with a class, for drawings without React. */
export function element<Tag extends 'div' | 'p' = 'div'>(
  className: string,
  tag: Tag = 'div' as Tag
): HTMLElementTagNameMap[Tag] {
  const node = document.createElement(tag);
  node.className = className;
  return node;
}
