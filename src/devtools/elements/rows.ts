import {
  layerName,
  type ModelElement,
  type RouterPlace
} from 'moe-debugger/protocol';

/** A row of the tree: an element, or one of a layer's experts. */
export interface ITreeRow {
  /** Unique in the tree. */
  key: string;
  depth: number;
  element: ModelElement;
  /** Of the element `experts`: the number of one of them. */
  expert?: number;
  isOpen: boolean;
  hasChildren: boolean;
  /** Key of the row that it stands below; undefined for the model. */
  parent: string | undefined;
}

/**
 * The rows of a tree that are in sight.
 * @param open keys of the rows whose children are shown
 * @param filter words of the path of a row; "layer 2" and "expert 5" mean those numbers. It opens what is above a match.
 */
export function treeRows(
  root: ModelElement,
  open: ReadonlySet<string>,
  filter = ''
): ITreeRow[] {
  const terms = readTerms(filter);
  const isFiltered = terms.length > 0;
  const rows: ITreeRow[] = [];
  /** @returns whether it or something below it matches */
  const add = (
    element: ModelElement,
    key: string,
    depth: number,
    parent: string | undefined,
    above: string
  ): boolean => {
    const path = `${above}/${element.name.toLowerCase()}`;
    const experts = element.experts ?? [];
    const at = rows.length;
    rows.push({
      key,
      depth,
      element,
      isOpen: open.has(key),
      hasChildren: element.children.length > 0 || experts.length > 0,
      parent
    });
    const isMatch = terms.every(term => isIn(path, term));
    // What matches by itself is opened by the user; what does not is looked into.
    const looks = isFiltered ? !isMatch || open.has(key) : open.has(key);
    let found = false;
    if (looks) {
      element.children.forEach((child, i) => {
        found = add(child, `${key}/${i}`, depth + 1, key, path) || found;
      });
      experts.forEach((_, expert) => {
        if (terms.every(term => isIn(`${path}/expert ${expert}`, term))) {
          found = true;
          rows.push({
            key: expertKey(key, expert),
            depth: depth + 1,
            element,
            expert,
            isOpen: false,
            hasChildren: false,
            parent: key
          });
        }
      });
    }
    rows[at].isOpen = looks && (!isFiltered || found);
    if (isFiltered && !isMatch && !found) {
      rows.length = at;
    }
    return isMatch || found;
  };
  add(root, '', 0, undefined, '');
  return rows;
}

/** "layer 2 expert 5 router": numbers belong to the word before them. */
function readTerms(filter: string): string[] {
  return (
    filter
      .toLowerCase()
      .replace(/:/g, ' ')
      .match(/(?:layer|expert)\s+\d+|\S+/g) ?? []
  );
}

/** A term with a number is a whole step of the path, any other one a part of one. */
function isIn(path: string, term: string): boolean {
  const isStep = /^(?:layer|expert)\s+\d+$/.test(term);
  const wanted = term.replace(/\s+/, ' ');
  return path
    .split('/')
    .some(step => (isStep ? step === wanted : step.includes(wanted)));
}

export function expertKey(parent: string, expert: number): string {
  return `${parent}#${expert}`;
}

/** The key of an expert's row, and those of all that it stands below. */
export function pathOf(
  root: ModelElement,
  place: RouterPlace,
  expert: number
): { key: string; above: string[] } | undefined {
  const name = layerName(place);
  const find = (element: ModelElement, key: string): string | undefined => {
    if (element.experts && element.place && layerName(element.place) === name) {
      return expert < element.experts.length ? key : undefined;
    }
    for (const [i, child] of element.children.entries()) {
      const found = find(child, `${key}/${i}`);
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  };
  const key = find(root, '');
  if (key === undefined) {
    return undefined;
  }
  const steps = key.split('/');
  return {
    key: expertKey(key, expert),
    above: steps.map((_, i) => steps.slice(0, i + 1).join('/'))
  };
}
