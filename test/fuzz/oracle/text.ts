import { BlockList, isIP } from 'node:net';

/** The oracle cannot tell: the rule of the language is not settled for this input. */
export class Unsettled extends Error {}

/** Exact, `abc*`, `*abc`, or `*` for presence: a text that is not empty, or any text. */
export function isText(value: string, text: string, presence: 'any' | 'non-empty'): boolean {
  if (value === '*') return presence === 'any' || text !== '';
  if (value.startsWith('*')) return text.endsWith(value.slice(1));
  return value.endsWith('*') ? text.startsWith(value.slice(0, -1)) : text === value;
}

/** Every `*` stands for any run of characters. */
export function isGlob(glob: string, text: string): boolean {
  let reachable = new Set([0]);
  for (const [index, part] of glob.split('*').entries()) {
    const next = new Set<number>();
    for (const start of reachable) {
      const last = index === 0 ? start : text.length;
      for (let at = start; at <= last; at += 1) if (text.startsWith(part, at)) next.add(at + part.length);
    }
    reachable = next;
  }
  return reachable.has(text.length);
}

/** `{*}` is one or more characters that are no slash, `{**}` any run of characters. */
export function isTemplate(template: string, path: string): boolean {
  const match = ([literal = '', operator, ...rest]: readonly string[], text: string): boolean => {
    if (!text.startsWith(literal)) return false;
    const left = text.slice(literal.length);
    if (operator === undefined) return left === '';
    for (let length = operator === '{*}' ? 1 : 0; length <= left.length; length += 1) {
      if (operator === '{*}' && left[length - 1] === '/') return false;
      if (match(rest, left.slice(length))) return true;
    }
    return false;
  };
  const parts = template.split(/(\{\*{1,2}\})/);
  if (parts.length > 9) throw new Unsettled('too much to try');
  return match(parts, path);
}

/** Whether an address lies in a block, as Node reads both. */
export function isInBlock(block: string, address: string): boolean {
  const [literal = '', prefix] = block.split('/');
  const family = isIP(literal);
  if (isIP(address) === 0) return false;
  if (/ffff/i.test(literal + address) || /^[0:]*:\d+\.\d+/.test(address)) throw new Unsettled('mapped addresses');
  if (family !== isIP(address)) return false;
  const list = new BlockList();
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  list.addSubnet(literal, prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix), kind);
  return list.check(address, kind);
}

/** Letters A to Z only, as HTTP compares hosts. */
export function lowered(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}
