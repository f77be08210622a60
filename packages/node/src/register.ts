/**
 * The composition root of the in-process data plane: `node --import @rampart/node/register app.js`.
 * The only file of this package that touches the process, its environment and its standard error.
 */
import { isMainThread } from 'node:worker_threads';

import { isPackageRunner } from './package-runner.ts';
import { startInProcess } from './in-process.ts';

const { stderr } = process;

/** A service must not die because nobody reads what the mesh has to say: as with `console`, such an error is nobody's. */
function writeLine(line: string): void {
  stderr.write(line, (error) => {
    if (error != null && stderr.listenerCount('error') === 0) stderr.once('error', () => undefined);
  });
}

if (!isPackageRunner(process.argv[1])) {
  await startInProcess({
    host: process,
    env: process.env,
    isMainThread,
    write: writeLine,
  });
}
