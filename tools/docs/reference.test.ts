// The pages that list everything of a kind, held against the sources that define it, both ways.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LINTS } from '@rampart/core/analysis';
import { AUDIT_EVENT_TYPES } from '@rampart/journal';
import { documents } from '../docs.ts';
import { isTest, repositoryRoot, writtenFiles } from '../repository.ts';

function read(file: string): string {
  return readFileSync(join(repositoryRoot, file), 'utf8');
}

function groups(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] ?? '');
}

/** What stands in backticks in the first column of the tables below a heading; of the whole page without one. */
function listed(file: string, heading?: string): string[] {
  const page = read(file);
  const from = heading === undefined ? 0 : page.indexOf(`\n${heading}\n`) + 1;
  assert.ok(heading === undefined || from > 0, `${file} has no ${heading}`);
  const end = heading === undefined ? -1 : page.indexOf('\n## ', from);
  return groups(page.slice(from, end === -1 ? undefined : end), /^\| `([^`]+)` \|/gm);
}

function assertSame(page: readonly string[], source: readonly string[]): void {
  assert.ok(source.length > 0, 'nothing found in the source: has it moved?');
  assert.deepEqual(page.toSorted(), source.toSorted());
}

test('docs/errors.md lists every error code, and no other', () => {
  const codes = groups(read('packages/core/src/errors.ts'), /^ {2}\| '([A-Z_]+)'/gm);
  assertSame(listed('docs/errors.md'), codes);
});

test('docs/errors.md gives every code its exit code', () => {
  const source = read('packages/cli/src/exit-code.ts');
  const numbers = new Map(Object.entries({ ok: 0, no: 1, usage: 2, unavailable: 3 }));
  const expected = [...source.matchAll(/^ {2}([A-Z_]+): EXIT\.(\w+),/gm)].map(
    ([, code = '', exit = '']) => `${code} ${numbers.get(exit)}`,
  );
  const written = [...read('docs/errors.md').matchAll(/^\| `([A-Z_]+)` \| (\d) \|/gm)].map(
    ([, code = '', exit = '']) => `${code} ${exit}`,
  );
  assertSame(written, expected);
});

const accessLog = read('packages/core/src/access-log.ts');

function fieldsOf(name: string): string[] {
  const body = new RegExp(`interface ${name} \\{(.*?)\\n\\}`, 's').exec(accessLog)?.[1] ?? '';
  return groups(body, /^ {2}readonly (\w+):/gm);
}

test('docs/access-log.md lists every field of a record, in its order', () => {
  const [page] = read('docs/access-log.md').split('\n## ');
  assert.deepEqual(groups(page ?? '', /^\| `(\w+)` \|/gm), fieldsOf('AccessLogRecord'));
});

test('docs/access-log.md lists every response flag that is given', () => {
  const flags = groups(read('packages/mesh/src/record/flags.ts'), /^ {2}\w+: '([^']+)',/gm);
  assertSame(listed('docs/access-log.md', '## Response flags'), flags);
});

test('docs/access-log.md lists every field and kind of a refused connection', () => {
  const kinds = groups(accessLog.slice(accessLog.indexOf('type ConnectionRefusalKind')), /^ {2}\| '(\w+)'/gm);
  assertSame(listed('docs/access-log.md', '## Refused connections'), [...fieldsOf('ConnectionRefusal'), ...kinds]);
});

test('the guide to services lists every variable that a service is configured with', () => {
  const files = [
    'packages/node/src/config.ts',
    'packages/mesh/src/control/instance-traits.ts',
    'packages/mesh/src/control/evidence-settings.ts',
  ];
  const source = files.map(read).join('');
  assertSame(listed('docs/guide/services.md', '## Environment'), [
    ...new Set(groups(source, /'(RAMPART_[A-Z0-9_]+)'/g)),
  ]);
});

test('the guide to analyze lists every lint with its name, severity and title', () => {
  const rows = LINTS.map(({ code, name, severity, title }) => `| \`${code}\` | \`${name}\` | ${severity} | ${title} |`);
  const page = read('docs/guide/analyze.md');
  assertSame(page.match(/^\| `RAMP\d.*$/gm) ?? [], rows);
  const codes = new Set(LINTS.map(({ code }) => code));
  assert.deepEqual(
    groups(page, /`?(RAMP\d{4})\b/g).filter((code) => !codes.has(code)),
    [],
  );
});

test('the guide to policies lists every feature that is refused', () => {
  const source = read('packages/core/src/policy/features.ts');
  const all = groups(source.slice(0, source.indexOf('export interface')), /^ {2}\| '([^']+)'/gm);
  const enforced = /ENFORCED_IN_PROCESS: readonly PolicyFeature\[\] = \[(.*?)\]/s.exec(source)?.[1] ?? '';
  const refused = all.filter((feature) => !enforced.includes(`'${feature}'`));
  assertSame(groups(read('docs/guide/policies.md'), /\| `(authorization\.[a-z-]+)` \| not yet/g), refused);
});

test('the guide to resources lists every kind with its short name', () => {
  const source = read('packages/cli/src/arguments/kind.ts');
  const kinds = [...source.matchAll(/^ {2}([A-Z]\w+): \[(?:'\w+', )+'(\w+)'\]/gm)];
  const rows = [...read('docs/guide/resources.md').matchAll(/^\| `([A-Z]\w+)` \| `(\w+)` \|/gm)];
  const named = (found: readonly RegExpExecArray[]): string[] => found.map((match) => match.slice(1).join(' '));
  assertSame(named(rows), named(kinds));
});

test('the guide to operations lists every audit record', () => {
  const sources = writtenFiles(join(repositoryRoot, 'packages'), ['.ts']).filter((file) => !isTest(file));
  const written = sources.flatMap((file) => auditEvents(read(join('packages', file))));
  const page = read('docs/guide/operations.md');
  const table = page.slice(page.indexOf('| audit record | written when |'), page.indexOf('Standard output carries'));
  assertSame(groups(table, /`([A-Z_]+)`/g), [...new Set(written)]);
  assertSame([...AUDIT_EVENT_TYPES], [...new Set(written)]);
});

test('the guide to attestation lists every rule that evidence, requests and agents are refused by', () => {
  const folder = join(repositoryRoot, 'packages/authority/src/attestation');
  const sources = writtenFiles(folder, ['.ts']).filter((file) => !isTest(file));
  const rule = /'((?:csr|nonce|x509pop|jwt|aws|entry|agent|renewal)-[a-z0-9-]+)'/g;
  const files = [
    ...[...sources.map((file) => `attestation/${file}`), 'issuance/renewals.ts', 'agents/agent-desk.ts'].map((file) =>
      join('packages/authority/src', file),
    ),
    'packages/spiffe/src/csr.ts',
  ];
  const rules = files.flatMap((file) => groups(read(file), rule));
  const page = read('docs/guide/attestation.md');
  assertSame(
    groups(
      page.slice(page.indexOf('| rule | refused is |')),
      /`((?:csr|nonce|x509pop|jwt|aws|entry|agent|renewal)-[a-z0-9-]+)`/g,
    ),
    [...new Set(rules)],
  );
});

/** Audit events stand in the sources as words in capitals beside `eventType`, or are handed to helpers. */
function auditEvents(source: string): string[] {
  return groups(
    source,
    /(?:eventType: |event: |refused\(|(?<!_)type: |#audit\(|#refuseHolder\(|[eE]vent\()'((?:REGISTRATION|DEREGISTRATION|[A-Z]+_[A-Z_]+)(?:_DENIED)?)'/g,
  );
}

/** The seeds' two threat tables and the threats of the third document, by the words that stand in their rows. */
const threats = [
  ...['Registry Poisoning', 'Service Impersonation', 'Discovery Spoofing', 'DoS Attack', 'Data Exfiltration'],
  ...[
    'Credential Theft',
    'Man-in-the-Middle',
    'Unauthorized Access',
    'Lateral Movement',
    'Token Theft',
    'Replay Attack',
  ],
  ...['Eavesdropping', 'Spoofing', 'Tampering', 'Elevation', 'DoS', 'Info disclosure', 'Repudiation'],
];

test('SECURITY.md has a row for every threat', () => {
  const rows = groups(read('SECURITY.md'), /^\| \*\*([^*]+)\*\* \|/gm);
  assert.deepEqual(
    threats.filter((threat) => !rows.includes(threat)),
    [],
  );
});

const pathInText = /`((?:packages|test|examples|tools|docs|bench)\/[\w./-]*[\w/])`/g;

test('files that documents name are there', () => {
  const missing = documents(repositoryRoot).flatMap((file) =>
    groups(read(file), pathInText)
      .filter((path) => !existsSync(join(repositoryRoot, path)))
      .map((path) => `${file}: ${path}`),
  );
  assert.deepEqual(missing, []);
});

test('every package has a row in docs/architecture.md that says whether it is there', () => {
  const built = readdirSync(join(repositoryRoot, 'packages'));
  const [, table = ''] = /\| may import \|\n(.*?)\n[^|]/s.exec(read('docs/architecture.md')) ?? [];
  const rows = [...table.matchAll(/^\| `([a-z]+)` \| (.*?) \| [^|]+\|$/gm)];
  const marked = new Map(rows.map(([, name = '', what = '']) => [name, what.startsWith('*not built yet*')]));
  for (const name of built) assert.equal(marked.get(name), false, name);
  for (const [name, isMissing] of marked) assert.equal(isMissing, !built.includes(name), name);
});
