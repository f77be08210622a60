import type { Command } from 'commander';
import type { Shell } from '../../shell.ts';
import { defineCaExchange } from './exchange.ts';
import { defineOfflineRoot } from './offline-root.ts';
import { defineCaShow } from './show.ts';
import { defineCaSteps } from './steps.ts';

export function defineCa(parent: Command, shell: Shell): void {
  const ca = parent
    .command('ca')
    .description('the certificates that sign others: rotate them, sign them elsewhere, shut them out');
  for (const define of [defineCaShow, defineCaSteps, defineCaExchange, defineOfflineRoot]) define(ca, shell);
}
