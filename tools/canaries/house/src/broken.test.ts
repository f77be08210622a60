import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

test.only('alone', async () => {
  await sleep(1000);
});
test.skip('silently', () => undefined);
