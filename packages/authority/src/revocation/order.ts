import { RampartError, SpiffeId } from '@rampart/core';
import type { TrustDomain } from '@rampart/core';
import type { RevocationReason } from '@rampart/spiffe';
import type { AuthorityDescription } from '../hierarchy/control.ts';
import { notBeforeOf } from '../issuance/lifetimes.ts';
import { readCertificate } from '../hierarchy/signing-authority.ts';
import { normalizeSerial } from '../revocations.ts';
import type { CertificateRecord } from '../store.ts';
import type { IssuerName, RuleAct } from './act.ts';

/** Why, in a name of RFC 5280 §5.3.1 and in words. */
export interface RevocationGrounds {
  readonly reason: RevocationReason;
  /** "" for none. */
  readonly note: string;
}

/** What is to be revoked. */
export type RevocationOrder = RevocationGrounds &
  (
    | { readonly kind: 'certificates'; readonly serials: readonly string[] }
    /** Whatever was issued to an identity until now; with `bar` it gets nothing more either. */
    | { readonly kind: 'identity'; readonly spiffeId: string; readonly bar: boolean }
    /** Whatever was issued before a time (Unix milliseconds): all of it, or that of one authority or one namespace. */
    | {
        readonly kind: 'issued-before';
        readonly before: number;
        /** Serial of its certificate. */
        readonly issuer?: string;
        readonly namespace?: string;
      }
  );

/** A rule before it has a number and a time. */
export type RuleTerms = Omit<RuleAct, 'id' | 'at' | 'by' | 'reason' | 'note' | 'certificates'>;

const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** An operator whose clock is ahead by this means the present. */
const CLOCK_SKEW_MS = 60_000;

/** What an order is checked against. */
export interface OrderContext {
  readonly trustDomain: TrustDomain;
  readonly now: number;
  authorities(): readonly AuthorityDescription[];
}

/** Throws `RampartError` INVALID_ARGUMENT for what cannot be meant, NOT_FOUND for an unknown authority. */
export function termsOf(order: Exclude<RevocationOrder, { kind: 'certificates' }>, context: OrderContext): RuleTerms {
  const trustDomain = context.trustDomain.name;
  if (order.kind === 'identity') {
    const spiffeId = checkIdentity(order.spiffeId, context.trustDomain);
    return { kind: 'identity', trustDomain, spiffeId, ...untilOf(context.now), bar: order.bar };
  }
  const { before, issuer, namespace } = order;
  if (!(before > 0 && before <= context.now + CLOCK_SKEW_MS)) {
    throw invalid(
      'the time lies in the future: name the present or an earlier one; what is issued later cannot be revoked yet',
    );
  }
  if (namespace !== undefined && !DNS_LABEL.test(namespace)) {
    throw invalid(`namespace ${JSON.stringify(namespace)} is not a DNS label`);
  }
  return {
    kind: 'issued-before',
    trustDomain,
    ...(namespace === undefined ? {} : { namespace }),
    ...(issuer === undefined ? {} : { issuer: issuerName(issuer, context) }),
    ...untilOf(Math.min(before, context.now)),
    bar: false,
  };
}

/** Everything that a revoked intermediate signed. Whoever holds its key writes any date, so that all of them count. */
export function termsOfAuthority({ serial, notAfter }: CertificateRecord, context: OrderContext): RuleTerms {
  return {
    kind: 'issued-before',
    trustDomain: context.trustDomain.name,
    issuer: issuerName(serial, context),
    issuedUntil: notAfter,
    notBeforeUntil: notAfter,
    bar: false,
  };
}

/** The SPIFFE ID of a workload or agent of this trust domain. Throws INVALID_ARGUMENT. */
export function checkIdentity(text: string, trustDomain: TrustDomain): string {
  const parsed = SpiffeId.parse(text);
  if (!parsed.ok) throw invalid(`${JSON.stringify(text)} is not a SPIFFE ID: ${parsed.problem}`);
  if (!parsed.value.trustDomain.equals(trustDomain)) {
    throw invalid(`${text} is not of trust domain ${trustDomain.name}; its own authority revokes it`);
  }
  if (parsed.value.path === '') throw invalid(`${text} names a trust domain, not a workload`);
  return parsed.value.toString();
}

/** Certificates say when they were issued in whole seconds, and less the cushion for slow clocks. */
function untilOf(time: number): Pick<RuleAct, 'issuedUntil' | 'notBeforeUntil'> {
  return { issuedUntil: time, notBeforeUntil: notBeforeOf(time) };
}

function issuerName(text: string, { authorities }: OrderContext): IssuerName {
  const serial = normalizeSerial(text);
  const found = authorities().find((authority) => authority.serial === serial && authority.kind === 'intermediate');
  if (found === undefined) {
    throw new RampartError('NOT_FOUND', `no intermediate has the serial ${serial}; "rampart ca show" lists them`);
  }
  const keyId = Buffer.from(readCertificate(found.der).subjectKeyId ?? []).toString('hex');
  return { serial, name: found.name, keyId };
}

function invalid(message: string): RampartError {
  return new RampartError('INVALID_ARGUMENT', message);
}
