import type { Cursor, Reader } from '../cursor.ts';
import { textList } from '../text-list.ts';

const NAMESPACE = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Namespaces whose callers a rule is for: names, "." for its own, "*" for all (Istio `exportTo`). */
const readNames = textList((text) => {
  if (text === '.' || text === '*' || NAMESPACE.test(text)) return undefined;
  return text === '~' ? 'must not be "~": a rule for nobody is no rule' : 'must be a namespace, "." or "*"';
});

export const readExportTo: Reader<string[]> = (at) => {
  const names = readNames(at);
  if (names === undefined) return undefined;
  checkNames(at);
  return names.length === 0 ? undefined : names;
};

function checkNames(at: Cursor): void {
  const items = at.items() ?? [];
  const seen = new Set<unknown>();
  for (const item of items) {
    if (seen.has(item.value)) item.error('stands in this list already');
    seen.add(item.value);
  }
  if (seen.has('*') && items.length > 1) at.error('cannot hold "*" and others: "*" is every namespace');
}
