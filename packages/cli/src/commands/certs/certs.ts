import type { Command } from 'commander';
import { defineCertsList } from '../certs-list.ts';
import { defineCertsRevoke } from '../certs-revoke.ts';
import type { Shell } from '../../shell.ts';
import { defineCertsHistory } from './history.ts';
import { defineCertsProof } from './proof.ts';
import { defineCertsShow } from './show.ts';
import { defineCertsVerify } from './verify.ts';

export function defineCerts(program: Command, shell: Shell): void {
  const certs = program.command('certs').description('the certificates of the mesh: list, show, prove and revoke');
  for (const define of [
    defineCertsList,
    defineCertsShow,
    defineCertsHistory,
    defineCertsVerify,
    defineCertsProof,
    defineCertsRevoke,
  ])
    define(certs, shell);
}
