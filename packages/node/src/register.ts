/**
 * The composition root of the in-process data plane: `node --import @rampart/node/register app.js`.
 * The only file of this package that touches the process, its environment and its standard error.
 */
import { isMainThread } from 'node:worker_threads';

import { isPackageRunner } from './package-runner.ts';
import { startInProcess } from './in-process.ts';

if (!isPackageRunner(process.argv[1])) {
  await startInProcess({
    host: process,
    env: process.env,
    isMainThread,
    write: (line) => process.stderr.write(line),
  });
}
