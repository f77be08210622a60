/** About one connection, and of no meaning on the next one (RFC 9110 §7.6.1); `expect` was answered already. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'upgrade',
  'expect',
]);

/** Names under which this process notes on its own requests whose they are. */
export const CALL_HEADER = 'x-rampart-call';

/** Names, in lower case, of what no message is passed on with. */
export const NOT_PASSED: readonly string[] = [...OF_THE_CONNECTION, CALL_HEADER];

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
