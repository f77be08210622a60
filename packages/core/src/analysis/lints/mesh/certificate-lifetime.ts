import { MESH_UNKNOWN, type AnalyzedMesh } from '../../lint/analyzed-mesh.ts';
import type { Lint, Outcome } from '../../lint/lint.ts';

const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;
const DAY_MS = 24 * HOUR_MS;
/** Certificates begin a little before they are issued, so that clocks may differ. */
const SLACK_MS = HOUR_MS;

export const longLivedCertificate: Lint = {
  code: 'RAMP4001',
  name: 'long-lived-certificate',
  severity: 'error',
  title: 'a certificate is good for more than 7 days',
  find: (mesh) =>
    longerThan(mesh, { from: WEEK_MS + SLACK_MS, to: Infinity, advice: 'who steals it has it that long' }),
};

export const certificateOverADay: Lint = {
  code: 'RAMP4002',
  name: 'certificate-over-a-day',
  severity: 'warning',
  title: 'a certificate is good for more than 24 hours',
  find: (mesh) =>
    longerThan(mesh, { from: DAY_MS + SLACK_MS, to: WEEK_MS + SLACK_MS, advice: '24 hours or shorter is recommended' }),
};

interface LifetimeRange {
  readonly from: number;
  readonly to: number;
  readonly advice: string;
}

function longerThan({ state }: AnalyzedMesh, { from, to, advice }: LifetimeRange): Outcome {
  if (state === undefined) return { notChecked: MESH_UNKNOWN };
  const long = state.certificates.filter(({ lifetimeMs }) => lifetimeMs > from && lifetimeMs <= to);
  const worst = new Map<string, number>();
  for (const { principal, lifetimeMs } of long) {
    worst.set(principal, Math.max(lifetimeMs, worst.get(principal) ?? 0));
  }
  return [...worst].map(([principal, lifetimeMs]) => ({
    message: `the certificate of ${principal} is good for ${Math.round(lifetimeMs / HOUR_MS)} hours: ${advice}`,
  }));
}
