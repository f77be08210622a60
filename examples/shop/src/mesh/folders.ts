import { fileURLToPath } from 'node:url';

/** The example's own folder. */
export const EXAMPLE: string = fileURLToPath(new URL('../../', import.meta.url));
/** Policies the shop starts with. */
export const POLICIES: string = fileURLToPath(new URL('../../policies/', import.meta.url));
/** Rules of traffic, applied when those are there whom they are about. */
export const TRAFFIC_RULES: string = fileURLToPath(new URL('../../traffic/', import.meta.url));
/** The policy that opens the frontend's shortcut. */
export const OPENING_POLICY: string = fileURLToPath(
  new URL('../../try/allow-frontend-to-orders.yaml', import.meta.url),
);
/** The `rampart` command. */
export const COMMAND: string = fileURLToPath(import.meta.resolve('../../../../packages/cli/src/main.ts'));
