import { fileURLToPath } from 'node:url';
import type { World } from '../world.ts';
import { Child } from './child.ts';

const REGISTER = import.meta.resolve('@rampart/node/register');
const WARMER = fileURLToPath(new URL('warmer.ts', import.meta.url));

/**
 * On the very first start nothing is compiled yet, and six services would each compile the same modules. While the
 * control plane starts, one process on another core compiles them for all; resolves when that is done.
 */
export async function warmUp(world: World): Promise<void> {
  if (world.compiledBefore) return;
  const { node, environment } = world;
  await new Child({ name: 'warmer', node, environment, arguments: ['--import', REGISTER, WARMER] }).exited;
}
