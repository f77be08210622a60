// The live view, as `npm start` runs it where there is no terminal.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Child } from '../process/child.ts';
import { inFolder, processesOf, startShop } from '../testing/run.ts';

const ANY_PORTS = ['--port', '0', '--metrics-port', '0', '--frontend-port', '0'];

/** A running shop, and what it has said. */
class LiveShop {
  readonly child: Child;
  readonly #lines: string[] = [];
  #waiting: (() => void) | undefined;

  constructor(temporary: string, options: readonly string[] = [], environment: Readonly<Record<string, string>> = {}) {
    this.child = startShop(['--data', join(temporary, 'data'), ...ANY_PORTS, ...options], {
      ...{ temporary, environment },
      onLine: (line) => {
        this.#lines.push(line);
        this.#waiting?.();
      },
    });
  }

  /** The first line that fits; fails when the shop ends before it comes. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    let ended = false;
    void this.child.exited.then(() => {
      ended = true;
      this.#waiting?.();
    });
    for (;;) {
      for (const line of this.#lines) {
        const match = pattern.exec(line);
        if (match !== null) return match;
      }
      assert.ok(!ended, `ended without a line like ${String(pattern)}:\n${this.child.lastWords.join('\n')}`);
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }
}

test('shows what was started, requests as they happen, refusals and deaths; Ctrl-C stops everything', () =>
  inFolder(async (temporary) => {
    const shop = new LiveShop(temporary, ['--rate', '50']);
    await shop.line(/^ {2}control plane +https:\/\/127\.0\.0\.1:\d+ /);
    await shop.line(/^ {2}orders-api +127\.0\.0\.1:\d+ +spiffe:\/\/cluster\.local\/ns\/default\/sa\/orders-api /);
    await shop.line(/npx rampart .*apply -f .*allow-frontend-to-orders\.yaml/);
    await shop.line(/First request answered \d/);
    await shop.line(
      /default\/users-api +→ orders-api\.default +POST +\/api\/orders\/new +201 ALLOW +default\/orders-api-policy/,
    );
    await shop.line(
      /production\/frontend +→ orders-api\.default +GET +\/api\/orders\/\S+ +403 DENY +default\/orders-api-policy/,
    );
    await shop.line(/→ orders-api\.default +plaintext refused/);
    await shop.line(/^poisoner, foreign network .* 403 Registration from unauthorized network /);
    await shop.line(/^man in the middle, .* not believed by its client: BAD_SIGNATURE /);

    const payments = await shop.line(/^ {2}payment-service .*pid (\d+)/);
    process.kill(Number(payments[1]), 'SIGKILL');
    await shop.line(/^payment-service \(pid \d+\) ended: signal SIGKILL/);

    assert.ok(shop.child.pid !== undefined);
    process.kill(shop.child.pid, 'SIGINT');
    assert.deepEqual(await shop.child.exited, { code: 0, signal: null });
    assert.deepEqual((await processesOf(temporary)) ?? [], [], 'no process is left');
  }));

test('goes on without a program that is not there; a second shop on the same data is turned away with one line', () =>
  inFolder(async (temporary) => {
    const standIn = join(temporary, 'python3');
    await writeFile(standIn, '#!/bin/sh\necho "python3 can be installed from the store"\nexit 9\n', { mode: 0o755 });
    const first = new LiveShop(temporary, [], { PATH: temporary });
    await first.line(/^ {2}delivery-api is left out: this machine has no python3 that works$/);
    const second = new LiveShop(temporary);
    assert.deepEqual(await second.child.exited, { code: 3, signal: null });
    assert.equal(second.child.lastWords.length, 1);
    assert.match(second.child.lastWords[0] ?? '', /^error: .* is in use by /);
    assert.deepEqual(await first.child.stop(10_000), { code: 0, signal: null });
  }));

test('killed without a word, it takes its processes with it', () =>
  inFolder(async (temporary) => {
    const shop = new LiveShop(temporary);
    await shop.line(/First request answered/);
    assert.ok(shop.child.pid !== undefined);
    process.kill(shop.child.pid, 'SIGKILL');
    await shop.child.exited;
    for (;;) {
      const left = (await processesOf(temporary)) ?? [];
      if (left.length === 0) break;
    }
  }));
