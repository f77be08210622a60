import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLogger } from './log.ts';

function capture(pretty: boolean): { readonly lines: string[]; readonly log: ReturnType<typeof createLogger> } {
  const lines: string[] = [];
  const log = createLogger({ level: 'debug', pretty, destination: { write: (text) => lines.push(text) } });
  return { lines, log };
}

describe('the logger', () => {
  it('writes one JSON object a line', () => {
    const { lines, log } = capture(false);
    log.child({ part: 'door' }).info({ port: 8443 }, 'listening');
    const { time, ...entry } = JSON.parse(lines.join('')) as Record<string, unknown>;
    assert.match(String(time), /^\d{4}-\d\d-\d\dT/);
    assert.deepEqual(entry, { level: 'info', part: 'door', port: 8443, msg: 'listening' });
  });

  it('writes readable lines for a terminal', () => {
    const { lines, log } = capture(true);
    log.warn({ peer: 'spiffe://a/b' }, 'refused');
    assert.match(lines.join(''), /^\d\d:\d\d:\d\d\.\d{3} warn {2}refused {2}peer=spiffe:\/\/a\/b\n$/);
  });

  for (const field of ['token', 'joinToken', 'authorization', 'privateKey', 'passphrase']) {
    it(`never writes a field named ${field}`, () => {
      const { lines, log } = capture(false);
      log.error({ [field]: 'hunter2', nested: { [field]: 'hunter2' } }, 'oops');
      assert.doesNotMatch(lines.join(''), /hunter2/);
    });
  }
});
