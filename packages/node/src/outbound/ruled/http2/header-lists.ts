import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';

import { CALL_HEADER } from '../passed-headers.ts';

/** Headers without those of HTTP/2 itself, names and values in turn. */
export function passedList(headers: IncomingHttpHeaders): string[] {
  const list: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name.startsWith(':') || name === CALL_HEADER || name === 'host') continue;
    if (Array.isArray(value)) for (const each of value) list.push(name, each);
    else list.push(name, value);
  }
  return list;
}

/** The same as Node's http2 takes them: names in lower case, several values as a list. */
export function headersOf(list: readonly string[]): OutgoingHttpHeaders {
  const headers: Record<string, string | string[]> = {};
  for (let index = 0; index + 1 < list.length; index += 2) {
    const name = (list[index] ?? '').toLowerCase();
    const value = list[index + 1] ?? '';
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else headers[name] = [before, value];
  }
  return headers;
}
