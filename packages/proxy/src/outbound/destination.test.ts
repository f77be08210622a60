import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { MessageHead } from '../http1/head.ts';
import { destinationOf } from './destination.ts';
import type { Destination } from './destination.ts';

describe('where a request is to go', () => {
  const cases: readonly (readonly [
    rule: string,
    request: { readonly url: string; readonly host?: string; readonly captured?: Destination },
    expected: readonly [host: string, port: number, hostHeader: string],
  ])[] = [
    ['its Host', { url: '/x', host: 'web:81' }, ['web', 81, 'web:81']],
    ['a target in absolute form, whatever its Host', { url: 'http://web/x', host: 'a' }, ['web', 0, 'web']],
    ['an absolute target of HTTP/1.0, which is its Host, too', { url: 'http://web:81/x' }, ['web', 81, 'web:81']],
    [
      'where its connection was captured, which is the Host of HTTP/1.0',
      { url: '/x', captured: { host: 'web', port: 80 } },
      ['web', 80, 'web'],
    ],
    [
      'an address that its connection was captured on the way to',
      { url: '/x', captured: { host: '::1', port: 81 } },
      ['::1', 81, '[::1]:81'],
    ],
  ];
  for (const [rule, { url, host, captured }, [name, port, header]] of cases) {
    it(rule, () => {
      const start = { method: 'GET', url, status: 0, reasonPhrase: '', httpVersion: '1.0' };
      const head = new MessageHead(start, host === undefined ? [] : ['Host', host]);
      assert.deepEqual(destinationOf(head, captured), { host: name, port });
      assert.deepEqual([head.url, head.text('host')], ['/x', header]);
    });
  }
});
