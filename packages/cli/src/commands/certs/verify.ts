import { hash, X509Certificate } from 'node:crypto';
import { RampartError } from '@rampart/core';
import { type EntryFields, revocationOf, type VerifierKey } from '@rampart/journal';
import { type Certificate, LedgerService } from '@rampart/wire';
import type { Command } from 'commander';
import { parseSerial } from '../../arguments/serial.ts';
import { EXIT } from '../../exit-code.ts';
import {
  checkProof,
  issuanceIn,
  fileProblem,
  type ProofCheck,
  recordProblems,
} from '../../ledger/certificate-proof.ts';
import { textField } from '../../ledger/entry-fields.ts';
import { parseProof } from '../../ledger/proof-file.ts';
import { KEY_FROM_THERE, readVerifierKey, verifierKey } from '../../ledger/verifier-key.ts';
import { renderTime } from '../../render/moment.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { readText } from '../ca/files.ts';
import { fetchProof } from './proof.ts';
import { type Finding, verifyAll } from './verify-all.ts';

interface VerifyOptions {
  readonly key?: string;
  readonly offline?: string;
  readonly cert?: string;
}

export function defineCertsVerify(parent: Command, shell: Shell): void {
  parent
    .command('verify')
    .description(
      'recompute here that certificates are in the signed ledger as they are on record, and the other way about',
    )
    .argument('[serial-or-file]', 'serial number in hexadecimal, or a PEM file (default: every certificate on record)')
    .option('--key <vkey>', 'verifier key, or the file that holds it (default: what the control plane says)')
    .option('--offline <file>', 'check a proof from "rampart certs proof"; asks no control plane, needs --key')
    .option('--cert <file>', 'with --offline: PEM file of the certificate that the proof must be of')
    .addHelpText(
      'after',
      examples(
        ['rampart certs verify', 'every certificate on record'],
        ['rampart certs verify server.pem --key kept.vkey', 'a certificate that somebody showed you'],
        ['rampart certs verify --offline 5fd1c3.proof --key kept.vkey', 'a proof, anywhere'],
      ),
    )
    .action((subject: string | undefined, options: VerifyOptions, command: Command) =>
      shell.run(command, (invocation) => verify(subject, options, invocation)),
    );
}

async function verify(subject: string | undefined, options: VerifyOptions, invocation: Invocation): Promise<number> {
  const given = options.key === undefined ? undefined : await readVerifierKey(options.key, invocation.io);
  if (options.offline === undefined && given === undefined) {
    invocation.note(KEY_FROM_THERE);
  }
  const finding =
    options.offline !== undefined
      ? await verifyFile(options.offline, { options, given, invocation })
      : subject === undefined
        ? await verifyAll(given, invocation)
        : await verifyOne(subject, given, invocation);
  return report(finding, invocation);
}

async function verifyFile(
  file: string,
  {
    options,
    given,
    invocation,
  }: { readonly options: VerifyOptions; readonly given: VerifierKey | undefined; readonly invocation: Invocation },
): Promise<Finding> {
  if (given === undefined) {
    throw new RampartError('INVALID_ARGUMENT', '--offline asks nobody: say with --key whose signature counts');
  }
  const proof = parseProof(await readText(file, invocation.io));
  if (!proof.ok) throw new RampartError('INVALID_ARGUMENT', `${file}: ${proof.problem}`);
  const certificate = options.cert === undefined ? undefined : await readCertificate(options.cert, invocation);
  const check = checkProof(proof.value, given);
  return findingOf(check, {
    key: given,
    serial: proof.value.serial,
    ...(certificate === undefined ? {} : { certificate }),
  });
}

async function verifyOne(subject: string, given: VerifierKey | undefined, invocation: Invocation): Promise<Finding> {
  const certificate = /^[0-9a-f:]+$/i.test(subject) ? undefined : await readCertificate(subject, invocation);
  const serial = certificate?.serial ?? parseSerial(subject);
  const fetched = await fetchProof(serial, invocation);
  const key = given ?? verifierKey(fetched.verifierKey, 'the control plane');
  const check = checkProof(fetched.proof, key);
  const { certificate: record } = await invocation.withService(LedgerService, (client) =>
    client.getCertificateRecord({ serial }),
  );
  return findingOf(check, {
    key,
    serial,
    ...(certificate === undefined ? {} : { certificate }),
    ...(record === undefined ? {} : { record }),
  });
}

interface Subject {
  readonly key: VerifierKey;
  readonly serial: string;
  /** In hand. */
  readonly certificate?: FileCertificate;
  /** As the control plane keeps it. */
  readonly record?: Certificate;
}

function findingOf(check: ProofCheck, { key, serial, certificate, record }: Subject): Finding {
  const issued = issuanceIn(check, serial);
  const problems = [...check.problems];
  if (certificate !== undefined && certificate.serial !== serial) {
    problems.push(`the proof is of certificate ${serial}, the file holds ${certificate.serial}`);
  } else if (certificate !== undefined) {
    problems.push(...[fileProblem(issued, certificate.sha256)].filter((problem) => problem !== undefined));
  }
  const revoked = issued && revocationOf(check.entries, issued);
  if (record !== undefined && issued !== undefined) {
    problems.push(...recordProblems(record, issued, revoked));
  }
  return {
    problems,
    checkpoint: check.checkpoint,
    key,
    subject: `certificate ${serial}${revoked === undefined ? '' : `, revoked ${describeRevocation(revoked)},`}`,
    entries: check.entries.length,
  };
}

/** Somebody who verifies a certificate that was taken back must not overlook that. */
function describeRevocation(revoked: EntryFields): string {
  const at = Number(revoked['revoked_at'] ?? Date.parse(textField(revoked, 'timestamp')));
  return `${renderTime(at)} (${textField(revoked, 'reason')})`;
}

function report({ problems, checkpoint, key, subject, entries }: Finding, { show, palette }: Invocation): number {
  const isProven = problems.length === 0;
  show({
    data: () => ({
      verified: isProven,
      subject,
      entries,
      problems,
      checkpoint: checkpoint ?? null,
      key: key.text,
    }),
    table: () =>
      isProven
        ? `${palette.good('verified')}: ${subject} in ${checkpoint?.origin ?? ''}, ${entries} of ${checkpoint?.size ?? 0} entries, signed by ${key.name}+${key.id}\n`
        : problems.map((problem) => `${palette.bad('not verified')}: ${problem}\n`).join(''),
  });
  return isProven ? EXIT.ok : EXIT.no;
}

interface FileCertificate {
  readonly serial: string;
  /** Hex, of the DER. */
  readonly sha256: string;
}

/** The first certificate of a PEM file. */
async function readCertificate(file: string, { io }: Invocation): Promise<FileCertificate> {
  const text = await readText(file, io);
  try {
    const { raw, serialNumber } = new X509Certificate(text);
    return { serial: parseSerial(serialNumber), sha256: hash('sha256', raw, 'hex') };
  } catch (cause) {
    throw new RampartError('INVALID_CERTIFICATE', `${file} holds no certificate in PEM form`, { cause });
  }
}
