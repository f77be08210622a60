import type { Command } from 'commander';
import type { Shell } from '../../../shell.ts';
import { defineFetch } from './fetch.ts';
import { defineJwt } from './jwt.ts';
import { defineValidate } from './validate.ts';
import { defineWatch } from './watch.ts';

export function defineSvid(parent: Command, shell: Shell): void {
  const svid = parent
    .command('svid')
    .description("this process's own identity, asked of the host's agent as any workload would");
  for (const define of [defineFetch, defineWatch, defineJwt, defineValidate]) define(svid, shell);
}
