import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paletteOf } from '../render/colour.ts';
import { renderReplay, type SimulationReport } from './replay.ts';

const REPORT: SimulationReport = {
  since: '2026-11-20T07:00:00.000Z',
  requests: 3,
  distinct: 2,
  unchanged: 1,
  nowDenied: 1,
  nowAllowed: 0,
  cannotTell: 1,
  notListed: 0,
  changes: [
    {
      source: 'cluster.local/ns/shop/sa/web',
      destination: 'orders.shop.svc',
      method: 'POST',
      path: '/orders',
      count: 1,
      from: 'ALLOW',
      to: 'DENY',
      policy: 'shop/orders',
      rule: 0,
      action: 'ALLOW',
      reason: 'no ALLOW rule matched: method POST is not in rules[0].to[0].operation.methods',
      oldPolicy: '',
    },
  ],
  unknown: [{ destination: 'orders.shop.svc', count: 1, example: 'GET / from web', reason: 'it asks header x' }],
};

test('reasons stand below their rows where a terminal is narrow, and in columns elsewhere', () => {
  const palette = paletteOf(false);
  const narrow = renderReplay(REPORT, { palette, width: 80 });
  assert.match(
    narrow,
    /^DECISION +COUNT +FROM +TO +METHOD +PATH\nALLOW → DENY +1 +shop\/web +orders\.shop +POST +\/orders\n {4}shop\/orders: no ALLOW rule matched: .*methods\n\n/,
  );
  assert.match(narrow, /\nCANNOT TELL +COUNT +FOR EXAMPLE\norders\.shop +1 +GET \/ from web\n {4}it asks header x\n/);
  const piped = renderReplay(REPORT, { palette, width: undefined });
  assert.match(
    piped,
    /^DECISION .* PATH +POLICY +REASON\nALLOW → DENY .*\/orders +shop\/orders +no ALLOW rule .*methods\n/,
  );
});
