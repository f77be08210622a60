import type { ServiceImpl } from '@connectrpc/connect';
import type { Authority, IssuedSvid } from '@rampart/authority';
import { RampartError, type Result } from '@rampart/core';
import type { IdentityService } from '@rampart/wire';
import type { Counter, Metrics } from '../../metrics.ts';
import { connectionOf, holderOf } from '../caller.ts';
import type { FailureLimit } from '../failure-limit.ts';
import { svidResponse } from './svid-response.ts';

export interface IdentityServiceOptions {
  readonly authority: Authority;
  readonly metrics: Metrics;
  readonly failures: FailureLimit;
}

type Answer = Awaited<ReturnType<ServiceImpl<typeof IdentityService>['attest']>>;

/** Where workloads get and renew their identity. */
export function createIdentityService({
  authority,
  metrics,
  failures,
}: IdentityServiceOptions): ServiceImpl<typeof IdentityService> {
  const issued = metrics.counter(
    'rampart_certificates_issued_total',
    'Certificates issued to workloads and agents, by how they were asked for.',
  );
  const answer = (result: Result<IssuedSvid, RampartError>, counted: Counted): Answer => {
    if (!result.ok) {
      throw result.problem;
    }
    counted.issued.add({ reason: counted.reason });
    return svidResponse(result.value, authority);
  };
  return {
    challenge: () => {
      throw notYet('challenges');
    },
    attest: async ({ evidence, csr }, context) => {
      const { remoteAddress } = connectionOf(context);
      if (evidence.case !== 'joinToken' && evidence.case !== undefined) {
        throw notYet(`evidence of kind ${evidence.case}`);
      }
      const result = await authority.attest(evidence.value ?? '', csr, remoteAddress);
      if (!result.ok) {
        failures.fail(remoteAddress);
      }
      return answer(result, { issued, reason: 'attested' });
    },
    renew: async ({ csr }, context) => {
      const { id, serial } = holderOf(context);
      const sourceIp = connectionOf(context).remoteAddress;
      return answer(await authority.renew(id, serial, { csr, sourceIp }), { issued, reason: 'renewal' });
    },
  };
}

function notYet(what: string): RampartError {
  return new RampartError('UNSUPPORTED_FEATURE', `${what} cannot be judged here yet; attest with a join token`);
}

interface Counted {
  readonly issued: Counter;
  readonly reason: string;
}
