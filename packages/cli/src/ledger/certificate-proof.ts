import {
  type Checkpoint,
  type EntryFields,
  isFailure,
  leafHash,
  openCheckpoint,
  revokes,
  type VerifierKey,
  verifyInclusion,
} from '@rampart/journal';
import type { Certificate, ProveEntriesResponse } from '@rampart/wire';
import { entryFields, textField } from './entry-fields.ts';

/** What proves that entries about a certificate are in a journal; nothing else is needed to check it. */
export interface CertificateProof {
  /** Lower-case hex. */
  readonly serial: string;
  /** Signed note. */
  readonly checkpoint: string;
  readonly entries: readonly ProvenBody[];
}

/** One entry and its inclusion path (RFC 9162 §2.1.3). */
export interface ProvenBody {
  readonly sequence: number;
  /** The bytes that are hashed. */
  readonly body: string;
  /** Hex, from the leaf up. */
  readonly path: readonly string[];
}

/** What a proof shows, or every reason why it shows nothing. */
export interface ProofCheck {
  readonly problems: readonly string[];
  readonly checkpoint: Checkpoint | undefined;
  /** Bodies, in the order of the proof. */
  readonly entries: readonly EntryFields[];
}

/** Checks signature, inclusion and subject of every entry. Asks nobody. */
export function checkProof(proof: CertificateProof, key: VerifierKey): ProofCheck {
  const entries = proof.entries.map(({ body }) => entryFields(body));
  const opened = openCheckpoint(proof.checkpoint, key);
  if (!opened.ok)
    return { problems: [`the checkpoint is not to be trusted: ${opened.problem}`], checkpoint: undefined, entries };
  const checkpoint = opened.value;
  const issued = entries.filter((fields) => isIssuanceOf(fields, proof.serial));
  const ids = new Set(entries.filter((fields) => !isFailure(fields)).map(({ revocation }) => revocation));
  const subject = { checkpoint, serial: proof.serial, issued, ids };
  const problems = proof.entries.flatMap((entry) => problemOf(entry, subject) ?? []);
  if (issued.length === 0) problems.push(`there is no record that certificate ${proof.serial} was issued`);
  if (issued.length > 1) problems.push(`certificate ${proof.serial} was issued ${issued.length} times`);
  return { problems, checkpoint, entries };
}

/** The entry that says that a certificate was issued. */
export function issuanceIn(check: ProofCheck, serial: string): EntryFields | undefined {
  return check.entries.find((fields) => isIssuanceOf(fields, serial));
}

/** Whether the certificate in hand is the one in the ledger. */
export function fileProblem(issued: EntryFields | undefined, sha256: string): string | undefined {
  if (issued === undefined || textField(issued, 'certificate_sha256') === sha256) return undefined;
  return `the ledger has another certificate of this serial: SHA-256 ${textField(issued, 'certificate_sha256')}, not ${sha256}`;
}

/** Every field in which what is on record differs from what the ledger says. */
export function recordProblems(
  certificate: Certificate,
  issued: EntryFields,
  revoked: EntryFields | undefined,
): string[] {
  const { serial } = certificate;
  const pairs: readonly (readonly [field: string, onRecord: string])[] = [
    ['serial', serial],
    ['spiffe_id', certificate.spiffeId],
    ['kind', certificate.kind],
    ['issuer', certificate.issuer],
    ['reason', certificate.reason],
    ['sequence', String(certificate.sequence)],
    ['issued_at', String(certificate.issuedAt)],
    ['not_before', String(certificate.notBefore)],
    ['not_after', String(certificate.notAfter)],
    ...(certificate.requestedBy === '' ? [] : [['requested_by', certificate.requestedBy] as const]),
  ];
  const problems = pairs
    // Entries of older versions have fewer fields.
    .filter(([field, onRecord]) => field in issued && textField(issued, field) !== onRecord)
    .map(
      ([field, onRecord]) =>
        `the record of certificate ${serial} was changed: ${field} is ${onRecord}, the ledger has ${textField(issued, field)}`,
    );
  if (revoked !== undefined && certificate.revokedAt === 0n) {
    problems.push(
      `the record of certificate ${serial} was changed: the ledger has its revocation, the record has none`,
    );
  } else if (revoked === undefined && certificate.revokedAt !== 0n) {
    problems.push(
      `the record of certificate ${serial} was changed: it says that it is revoked, the ledger has no revocation`,
    );
  }
  return problems;
}

/** The proof in an answer of the control plane. */
export function proofOf(serial: string, { checkpoint, entries }: ProveEntriesResponse): CertificateProof {
  return {
    serial,
    checkpoint,
    entries: entries.map(({ entry, path }) => ({
      sequence: Number(entry?.sequence ?? 0),
      body: entry?.body ?? '',
      path,
    })),
  };
}

function problemOf(
  { sequence, body, path }: ProvenBody,
  {
    checkpoint,
    serial,
    issued,
    ids,
  }: {
    readonly checkpoint: Checkpoint;
    readonly serial: string;
    readonly issued: readonly EntryFields[];
    /** Of revocations that the proof has. */
    readonly ids: ReadonlySet<unknown>;
  },
): string | undefined {
  const { size, root } = checkpoint;
  const fields = entryFields(body);
  const kind = textField(fields, 'event_type');
  if (!verifyInclusion({ index: sequence - 1, size, hashes: path }, leafHash(body), root)) {
    return `entry ${sequence} (${kind}) was changed: it is not in the journal that was signed`;
  }
  if (textField(fields, 'sequence') !== String(sequence))
    return `entry ${sequence} says of itself that it is another one`;
  const isOf =
    fields['serial'] === serial ||
    fields['old_serial'] === serial ||
    issued.some((issuance) => revokes(fields, issuance)) ||
    (isFailure(fields) && ids.has(fields['revocation']));
  return isOf ? undefined : `entry ${sequence} (${kind}) is not about certificate ${serial}`;
}

function isIssuanceOf(fields: EntryFields, serial: string): boolean {
  return fields['event_type'] === 'CERTIFICATE_ISSUED' && fields['serial'] === serial;
}
