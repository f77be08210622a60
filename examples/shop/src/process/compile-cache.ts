import { fileURLToPath } from 'node:url';

/** Where Node keeps compiled modules between starts, so that the services start in half the time. */
export const COMPILE_CACHE: string = fileURLToPath(
  new URL('../../../../node_modules/.cache/rampart-shop', import.meta.url),
);
