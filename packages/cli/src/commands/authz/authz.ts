import type { Command } from 'commander';
import { examples, type Shell } from '../../shell.ts';
import { defineCheck } from './check.ts';
import { defineExplain } from './explain.ts';
import { definePolicyTests } from './policy-tests.ts';
import { defineSimulate } from './simulate.ts';
import { defineSuggest } from './suggest.ts';

export function defineAuthz(parent: Command, shell: Shell): void {
  const authz = parent
    .command('authz')
    .description('who may call whom: ask, explain, test, replay, suggest')
    .addHelpText(
      'after',
      examples(
        ['rampart authz check --from shop/web --to orders.shop', 'one request'],
        ['rampart authz explain orders.shop', 'one service'],
        ['rampart authz test policies.test.yaml', 'all that you have promised'],
      ),
    );
  const commands = [defineCheck, defineExplain, definePolicyTests, defineSimulate, defineSuggest];
  for (const define of commands) define(authz, shell);
}
