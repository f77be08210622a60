import type { Command } from 'commander';
import { defineApproval } from './approval.ts';
import type { Shell } from '../../shell.ts';

/** `rampart registry`: the services of the mesh, and who may offer them. */
export function defineRegistry(parent: Command, shell: Shell): void {
  const registry = parent.command('registry').description('the services of the mesh, and who may offer them');
  defineApproval(registry, shell);
}
