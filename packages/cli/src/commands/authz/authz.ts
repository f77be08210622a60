import type { Command } from 'commander';
import type { Shell } from '../../shell.ts';
import { defineCheck } from './check.ts';
import { defineExplain } from './explain.ts';
import { defineSimulate } from './simulate.ts';
import { defineSuggest } from './suggest.ts';

export function defineAuthz(parent: Command, shell: Shell): void {
  const authz = parent.command('authz').description('who may call whom: ask, explain, replay, suggest');
  for (const define of [defineCheck, defineExplain, defineSimulate, defineSuggest]) define(authz, shell);
}
