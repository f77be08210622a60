/** About one connection, and of no meaning on the next one (RFC 9110 §7.6.1); `expect` was answered already. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'upgrade',
  'expect',
]);

/** Whether a header, its name in lower case, is about one connection. */
export function isOfConnection(name: string): boolean {
  return OF_THE_CONNECTION.has(name);
}

/** Names under which this process notes on its own requests whose they are. */
export const CALL_HEADER = 'x-rampart-call';

/** Headers as they are passed on, names and values in turn. */
export function passedHeaders(rawHeaders: readonly string[]): string[] {
  const passed: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const lower = name.toLowerCase();
    if (!OF_THE_CONNECTION.has(lower) && lower !== CALL_HEADER) passed.push(name, rawHeaders[index + 1] ?? '');
  }
  return passed;
}
