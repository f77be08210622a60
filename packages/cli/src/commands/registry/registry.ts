import type { Command } from 'commander';
import type { Shell } from '../../shell.ts';
import { defineApproval } from './approval.ts';
import { defineHealth, defineList, defineShow } from './find.ts';
import { defineRegister } from './register.ts';
import { defineDeregister, defineDrain, defineMaintenance } from './standing.ts';
import { defineWatch } from './watch.ts';

/** `rampart registry`: who offers which service where, in what state, and who may. */
export function defineRegistry(parent: Command, shell: Shell): void {
  const registry = parent
    .command('registry')
    .description('services, their instances and their health: find, watch, register, drain; and who may offer them');
  for (const define of [
    defineList,
    defineShow,
    defineHealth,
    defineWatch,
    defineRegister,
    defineDeregister,
    defineDrain,
    defineMaintenance,
    defineApproval,
  ])
    define(registry, shell);
}
