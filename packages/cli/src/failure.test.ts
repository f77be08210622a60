import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';

import { reportFailure } from './failure.ts';
import { captureIo } from './scenarios/captured-io.ts';

test('a full disk is no fault of the program', async () => {
  const { io, stderr } = captureIo({ workingDirectory: '/' });
  const failed = writeFile('/dev/full', 'x');
  const error: unknown = await failed.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.equal(await reportFailure(error, 'table', io), 3);
  assert.match(stderr(), /^error: ENOSPC: no space left on device, write; make room on the disk/);
});
