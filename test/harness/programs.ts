import { pathToFileURL } from 'node:url';

import { programFile } from '@rampart/testkit/programs';

/** The `rampart` command. */
export const COMMAND: string = programFile('main', new URL('../../packages/cli/src/main.ts', import.meta.url));

/** The in-process data plane, for `node --import`. */
export const REGISTER: string = pathToFileURL(
  programFile('register', new URL('../../packages/node/src/register.ts', import.meta.url)),
).href;
