import type { HeaderChange } from '@rampart/mesh';

import type { MessageHead } from '../http1/head.ts';

/** Changes the headers of an answer, as an external authorizer wants it. */
export function changeAnswer({ rawHeaders }: MessageHead, changes: readonly HeaderChange[]): void {
  for (const { action, name, value } of changes) {
    const at = positionOf(rawHeaders, name);
    if (action === 'remove') remove(rawHeaders, name);
    else if (action === 'add') rawHeaders.push(name, value);
    else if (action === 'append') {
      if (at !== -1) rawHeaders[at + 1] = `${rawHeaders[at + 1] ?? ''},${value}`;
    } else if (action === 'set' || (action === 'add-if-absent') === (at === -1)) {
      remove(rawHeaders, name);
      rawHeaders.push(name, value);
    }
  }
}

function positionOf(rawHeaders: readonly string[], name: string): number {
  return rawHeaders.findIndex((each, index) => index % 2 === 0 && each.toLowerCase() === name);
}

function remove(rawHeaders: string[], name: string): void {
  for (let at = positionOf(rawHeaders, name); at !== -1; at = positionOf(rawHeaders, name)) rawHeaders.splice(at, 2);
}
