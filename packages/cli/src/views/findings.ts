import { qualifiedName } from '@rampart/core';
import type { Finding, Severity, UncheckedLint } from '@rampart/core/analysis';
import type { DocumentPlace } from '../documents/document-set.ts';
import type { Palette } from '../render/colour.ts';
import { printable } from '../render/text.ts';

/** A finding, and where its field stands when it came from a file. */
export interface PlacedFinding extends Finding {
  readonly place: DocumentPlace | undefined;
}

/** Findings one a line, in the form that editors jump to, then their number and what was not looked at. Ends with a newline. */
export function renderFindings(
  findings: readonly PlacedFinding[],
  unchecked: readonly UncheckedLint[],
  palette: Palette,
): string {
  const lines = findings.map((finding) => {
    const { severity, code, name, message } = finding;
    const text = [subjectOf(finding), message].filter((part) => part !== '').join(': ');
    return `${placeOf(finding)}${paint(severity, palette)}: ${printable(text)} ${palette.dim(`(${code} ${name})`)}\n`;
  });
  const reasons = Map.groupBy(unchecked, ({ reason }) => reason);
  const left = [...reasons].map(
    ([reason, lints]) => `not checked, ${reason}: ${lints.map(({ code, name }) => `${code} ${name}`).join(', ')}\n`,
  );
  return `${lines.join('')}${lines.length === 0 ? '' : '\n'}${summaryOf(findings)}\n${palette.dim(left.join(''))}`;
}

function paint(severity: Severity, palette: Palette): string {
  const paints = { error: palette.bad, warning: palette.warn, info: palette.dim };
  return paints[severity](severity);
}

function placeOf({ place }: PlacedFinding): string {
  return place === undefined ? '' : `${printable(place.file)}:${place.line}:${place.column}: `;
}

/** "AuthorizationPolicy shop/orders spec.rules[0]"; "" for what is about no resource. */
function subjectOf({ resource, field }: PlacedFinding): string {
  if (resource === undefined) return '';
  return `${nameOf(resource)}${field === '' ? '' : ` ${field}`}`;
}

/** "AuthorizationPolicy shop/orders", "Namespace shop". */
export function nameOf(resource: NonNullable<Finding['resource']>): string {
  const { kind, metadata } = resource;
  return `${kind} ${metadata.namespace === '' ? metadata.name : qualifiedName(resource)}`;
}

function summaryOf(findings: readonly PlacedFinding[]): string {
  const count = (wanted: Severity, one: string, many: string): string[] => {
    const { length } = findings.filter(({ severity }) => severity === wanted);
    return length === 0 ? [] : [`${length} ${length === 1 ? one : many}`];
  };
  const counts = [
    ...count('error', 'error', 'errors'),
    ...count('warning', 'warning', 'warnings'),
    ...count('info', 'hint', 'hints'),
  ];
  return counts.length === 0 ? 'nothing found' : counts.join(', ');
}

/** A finding as plain data. */
export function findingData({ code, name, severity, message, resource, field, place }: PlacedFinding): object {
  const about =
    resource === undefined
      ? {}
      : {
          resource: {
            kind: resource.kind,
            namespace: resource.metadata.namespace,
            name: resource.metadata.name,
          },
          field,
        };
  return { code, name, severity, message, ...about, ...place };
}
