import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Authority, Evidence, IssuedSvid } from '@rampart/authority';
import type { RampartError, Result } from '@rampart/core';
import { type AttestRequest, type ChallengeResponseSchema, IdentityService, type RenewRequest } from '@rampart/wire';
import type { Counter, Metrics } from '../../metrics.ts';
import { connectionOf, holderOf } from '../caller.ts';
import type { DirectContext, DirectMethod } from '../direct/direct-calls.ts';
import { directUnary, type MessageSizes } from '../direct/unary-method.ts';
import type { FailureLimit } from '../limits/failure-limit.ts';
import type { CallerLimits } from '../limits/caller-limits.ts';
import { svidResponse } from './svid-response.ts';

export interface IdentityServiceOptions {
  readonly authority: Authority;
  readonly metrics: Metrics;
  readonly failures: FailureLimit;
  readonly limits: CallerLimits;
}

type Answer = ReturnType<typeof svidResponse>;

/** Implements `IdentityService`, with and without the protocol library. */
export interface IdentityMethods {
  challenge(): MessageInitShape<typeof ChallengeResponseSchema>;
  attest(request: AttestRequest, context: DirectContext): Promise<Answer>;
  renew(request: RenewRequest, context: DirectContext): Promise<Answer>;
}

/** The methods that take keys, without the protocol library: whole fleets call them at once. */
export function createDirectIdentity({ attest, renew }: IdentityMethods, sizes: MessageSizes): readonly DirectMethod[] {
  const { method } = IdentityService;
  return [directUnary(method.attest, attest, sizes), directUnary(method.renew, renew, sizes)];
}

/** Where workloads and agents get and renew their identity. */
export function createIdentityService({
  authority,
  metrics,
  failures,
  limits,
}: IdentityServiceOptions): IdentityMethods {
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
      const { nonce, expiresAt } = authority.challenge();
      return { nonce, expiresAt: BigInt(expiresAt), trustDomain: authority.bundle().trustDomain.name };
    },
    attest: async (request, context) => {
      const { remoteAddress } = connectionOf(context);
      limits.admit('attestation', { remoteAddress, identity: '' });
      const result = await attest(authority, request, context);
      if (!result.ok) {
        failures.fail(remoteAddress);
      }
      return answer(result, { issued, reason: 'attested' });
    },
    renew: async ({ csr }, context) => {
      const { id, serial } = holderOf(context);
      const sourceIp = connectionOf(context).remoteAddress;
      limits.admit('x509', { remoteAddress: sourceIp, identity: id.toString() });
      return answer(await authority.renew(id, serial, { csr, sourceIp }), { issued, reason: 'renewal' });
    },
  };
}

interface Counted {
  readonly issued: Counter;
  readonly reason: string;
}

function attest(
  authority: Authority,
  { evidence, csr, agent }: AttestRequest,
  context: DirectContext,
): Promise<Result<IssuedSvid, RampartError>> {
  const sourceIp = connectionOf(context).remoteAddress;
  const shown = evidenceOf(evidence);
  return typeof shown === 'string'
    ? authority.attest(shown, csr, sourceIp)
    : authority.attestWith({ evidence: shown, csr, agent, sourceIp });
}

/** A join token, or other evidence; nothing at all is a token that nobody made. */
function evidenceOf(evidence: AttestRequest['evidence']): string | Evidence {
  switch (evidence.case) {
    case 'joinToken':
      return evidence.value;
    case 'x509pop': {
      const { chain, nonce, signature } = evidence.value;
      return { kind: 'x509pop', chain, nonce, signature };
    }
    case 'jwt':
      return { kind: 'jwt', token: evidence.value.token };
    case 'awsIam': {
      const { method, url, headers, body, nonce } = evidence.value;
      return { kind: 'aws_iam', method, url, headers, body, nonce };
    }
    case undefined:
      return '';
  }
}
