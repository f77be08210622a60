// The page of the protocol, held against the code.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { FRAME, FRAME_SHAPES } from './frame/format.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { SESSION_REASONS, STREAM_REASONS } from './link-error.ts';
import { SESSION_EVENTS, SESSION_RECEIVED, SESSION_STATES } from './state/session-states.ts';
import { RECEIVED, SENT, STREAM_FRAMES, STREAM_STATES } from './state/stream-states.ts';

const page = readFileSync(join(import.meta.dirname, '../../../../docs/link.md'), 'utf8');

/** Rows of the table whose head begins so, cells without their backticks. */
function table(head: string): string[][] {
  const [, rest] = page.split(`\n${head}`);
  assert.ok(rest !== undefined, `docs/link.md has no table ${head}`);
  const lines = rest.slice(rest.indexOf('|---')).split('\n').slice(1);
  return lines
    .slice(
      0,
      lines.findIndex((line) => !line.startsWith('|')),
    )
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
}

function cell(outcome: string): string {
  if (outcome === 'never') return '–';
  if (outcome === 'drop') return 'dropped';
  return outcome.replace(' + answer', ', answered').replace(' + drop', ', dropped');
}

describe('docs/link.md', () => {
  it('says what every frame looks like', () => {
    const frames = table('| type | frame |').map(([type, name, about, length]) => [type, name, about, length]);
    const shapes = Object.entries(FRAME).map(([name, type]) => {
      const shape = FRAME_SHAPES.get(type);
      assert.equal(shape?.name, name);
      const { about, shortest, longest } = shape;
      return [String(type), name, about, shortest === longest ? String(longest) : `${shortest}–${longest}`];
    });
    assert.deepEqual(frames, shapes);
  });

  it('says what every reason means', () => {
    const reasons = ['RESET', 'GOAWAY'].map((frame) =>
      table(`| reason in \`${frame}\` |`).map(([code, name]) => [name, Number(code)]),
    );
    assert.deepEqual(reasons, [Object.entries(STREAM_REASONS), [['', 0], ...Object.entries(SESSION_REASONS)]]);
  });

  it('says what every frame does in every state', () => {
    const streams = [RECEIVED, SENT].map((rows) =>
      STREAM_STATES.map((state) => [state, ...STREAM_FRAMES.map((frame) => cell(rows[state][frame]))]),
    );
    assert.deepEqual(table('What a received frame does:\n'), streams[0]);
    assert.deepEqual(table('What may be sent'), streams[1]);
    assert.deepEqual(
      table('| state | `HELLO` |'),
      SESSION_STATES.map((state) => [state, ...SESSION_EVENTS.map((event) => cell(SESSION_RECEIVED[state][event]))]),
    );
  });

  it('says what every limit is', () => {
    const limits = table('| limit | default |').map(
      ([what = '', value]) => [/^\w+/.exec(what)?.[0] ?? '', Number(value)] as const,
    );
    assert.deepEqual(Object.fromEntries(limits), DEFAULT_LIMITS);
  });
});
