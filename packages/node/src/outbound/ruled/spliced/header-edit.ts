import { changeHeaders } from '@rampart/mesh';
import type { CompiledHeaders } from '@rampart/core';

import { NOT_PASSED } from '../passed-headers.ts';
import { HeaderNames } from './header-names.ts';
import { safeHeaders } from './safe-headers.ts';

/** What becomes of the header lines of a message that is passed on. */
export interface HeaderEdit {
  /** Lines that are left out: those that rules take away, and what is about one connection. */
  readonly gone: HeaderNames;
  /** Lines that are put behind the others. */
  readonly added: string;
}

const NONE: CompiledHeaders = { remove: [], set: [], add: [] };

/** Rules stay the same for many requests. */
const known = new WeakMap<CompiledHeaders, WeakMap<CompiledHeaders, HeaderEdit>>();

/** Operations one after the other, as far as they leave a message readable. Throws a TypeError for what cannot be written. */
export function editOf([first = NONE, second = NONE, third]: readonly (CompiledHeaders | undefined)[]): HeaderEdit {
  if (third !== undefined) return compiled([first, second, third]);
  const behind = known.get(first);
  const found = behind?.get(second);
  if (found !== undefined) return found;
  const edit = compiled([first, second]);
  if (behind === undefined) known.set(first, new WeakMap([[second, edit]]));
  else behind.set(second, edit);
  return edit;
}

function compiled(all: readonly CompiledHeaders[]): HeaderEdit {
  const safe = all.map(safeHeaders);
  const gone = safe.flatMap(({ remove, set }) => [...remove, ...set.map(([name]) => name)]);
  // What one adds the next may take away: as if these lines were all that there is.
  const added = fieldLines(changeHeaders([], ...safe));
  return { gone: new HeaderNames([...NOT_PASSED, ...gone.map((name) => name.toLowerCase())]), added };
}

/** Header lines from `from` up to the empty line, which must be there, as they are passed on. */
export function editedLines(text: string, from: number, { gone, added }: HeaderEdit): string {
  let kept = '';
  let since = from;
  let at = from;
  while (!text.startsWith('\r\n', at)) {
    const end = text.indexOf('\r\n', at) + 2;
    if (gone.at(text, at, text.indexOf(':', at)) !== undefined) {
      kept += text.slice(since, at);
      since = end;
    }
    at = end;
  }
  return kept + text.slice(since, at) + added;
}

/** Names and values in turn, a line each. */
export function fieldLines(list: readonly string[]): string {
  let text = '';
  for (let index = 0; index + 1 < list.length; index += 2) text += `${list[index] ?? ''}: ${list[index + 1] ?? ''}\r\n`;
  return text;
}
