import { fileURLToPath } from 'node:url';
import { Child } from './child.ts';

const REGISTER = import.meta.resolve('@rampart/node/register');
const SERVICE_WARMER = fileURLToPath(new URL('warm-services.ts', import.meta.url));
const OWN_WARMER = fileURLToPath(import.meta.resolve('./warm-orchestrator.ts'));

/** The Node to run, and an environment that names its compile cache. */
export interface Warmth {
  readonly node: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Compiles what the services load: once, instead of once in each of them. */
export async function warmServices({ node, environment }: Warmth): Promise<void> {
  await new Child({ name: 'warmer', node, environment, arguments: ['--import', REGISTER, SERVICE_WARMER] }).exited;
}

/** Compiles what the orchestrator and the control plane in it load. */
export async function warmOrchestrator({ node, environment }: Warmth): Promise<void> {
  await new Child({ name: 'warmer', node, environment, arguments: [OWN_WARMER] }).exited;
}
