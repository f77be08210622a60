import assert from 'node:assert/strict';
import { test } from 'node:test';

import { soak } from './soak.ts';

const SECONDS = 6;

test(`${SECONDS} s of load and change: what policy allows passes, what it denies does not`, async () => {
  const heard: string[] = [];
  const report = await soak({ seconds: SECONDS, tell: (line) => heard.push(line) });
  assert.ok(report.ok, [...heard, report.render()].join('\n'));
});
