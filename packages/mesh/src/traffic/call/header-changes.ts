import type { CompiledHeaders } from '@rampart/core';

/** A message's headers, names and values in turn, after operations; the list that was given stays as it is. */
export function changeHeaders(
  rawHeaders: readonly string[],
  ...all: readonly (CompiledHeaders | undefined)[]
): string[] {
  let headers = [...rawHeaders];
  for (const operations of all) if (operations !== undefined) headers = changed(headers, operations);
  return headers;
}

function changed(rawHeaders: readonly string[], { remove, set, add }: CompiledHeaders): string[] {
  const gone = new Set([...remove, ...set.map(([name]) => name)].map((name) => name.toLowerCase()));
  const headers: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (!gone.has(name.toLowerCase())) headers.push(name, rawHeaders[index + 1] ?? '');
  }
  for (const [name, value] of set) headers.push(name, value);
  for (const [name, value] of add) headers.push(name, value);
  return headers;
}
