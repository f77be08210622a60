import { type Severity, LINTS, type UncheckedLint } from '@rampart/core/analysis';
import { VERSION } from '../version.ts';
import { nameOf, type PlacedFinding } from './findings.ts';

const LEVELS: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  error: 'error',
  warning: 'warning',
  info: 'note',
};

/** What a log says beside its findings. */
export interface SarifContext {
  readonly unchecked: readonly UncheckedLint[];
  /** Where findings of no file are put: GitHub refuses a log with a result that has no place. Undefined where no file was read. */
  readonly file: string | undefined;
}

/** Findings as a SARIF 2.1.0 log (OASIS), what code scanning reads. Ends with a newline. */
export function renderSarif(findings: readonly PlacedFinding[], { unchecked, file }: SarifContext): string {
  const log = {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'rampart', semanticVersion: VERSION, rules: LINTS.map(ruleOf) } },
        invocations: [{ executionSuccessful: true, toolExecutionNotifications: unchecked.map(notificationOf) }],
        columnKind: 'utf16CodeUnits',
        results: findings.map((finding) => resultOf(finding, file)),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function ruleOf({ code, name, title, severity }: (typeof LINTS)[number]): object {
  return {
    id: code,
    name,
    shortDescription: { text: title },
    defaultConfiguration: { level: LEVELS[severity] },
  };
}

function notificationOf({ code, reason }: UncheckedLint): object {
  return {
    level: 'note',
    message: { text: `${code} was not checked: it ${reason}` },
    associatedRule: { id: code, index: ruleIndex(code) },
  };
}

function resultOf({ code, severity, message, resource, field, place: own }: PlacedFinding, file?: string): object {
  const place = own ?? (file === undefined ? undefined : { file, line: 1, column: 1 });
  const physical =
    place === undefined
      ? {}
      : {
          physicalLocation: {
            artifactLocation: { uri: uriOf(place.file) },
            region: { startLine: place.line, startColumn: place.column },
          },
        };
  const logical =
    resource === undefined
      ? {}
      : { logicalLocations: [{ fullyQualifiedName: `${nameOf(resource)} ${field}`.trim(), kind: 'resource' }] };
  const location = { ...physical, ...logical };
  return {
    ruleId: code,
    ruleIndex: ruleIndex(code),
    level: LEVELS[severity],
    message: { text: message },
    locations: Object.keys(location).length === 0 ? [] : [location],
  };
}

function ruleIndex(code: string): number {
  return LINTS.findIndex((lint) => lint.code === code);
}

/** A relative file name as a URI reference (RFC 3986): a first segment with ":" would be read as a scheme. */
function uriOf(file: string): string {
  const path = file.replaceAll('\\', '/').split('/').map(encodeURIComponent).join('/');
  return path.startsWith('/') ? `file://${path}` : path;
}
