import type { Cursor } from './cursor.ts';
import { readSelector, type WorkloadSelector } from './selector.ts';
import { excerpt } from '../printable.ts';

export type MutualTlsMode = 'UNSET' | 'DISABLE' | 'PERMISSIVE' | 'STRICT';

export interface MutualTls {
  readonly mode: MutualTlsMode;
}

/** istio/api `security/v1beta1/peer_authentication.proto`. */
export interface PeerAuthenticationSpec {
  readonly selector?: WorkloadSelector;
  readonly mtls?: MutualTls;
  /** By the port the workload listens on, "1" to "65535". */
  readonly portLevelMtls?: Readonly<Record<string, MutualTls>>;
}

const MODES: readonly MutualTlsMode[] = ['STRICT', 'PERMISSIVE', 'DISABLE', 'UNSET'];
const PORT = /^[1-9]\d{0,4}$/;
const MAX_PORT = 65_535;

export function readPeerAuthenticationSpec(at: Cursor): PeerAuthenticationSpec | undefined {
  const spec = at.fields<PeerAuthenticationSpec>({
    selector: readSelector,
    mtls: readMutualTls,
    portLevelMtls: readPorts,
  });
  if (spec?.portLevelMtls === undefined) return spec;
  if (Object.keys(spec.selector?.matchLabels ?? {}).length === 0) {
    at.child('portLevelMtls').misplaced('needs a selector with labels: a port only has a meaning for named workloads');
  }
  return spec;
}

function readMutualTls(at: Cursor): MutualTls | undefined {
  if (typeof at.value === 'string') return at.error(`must be an object: write { mode: ${excerpt(at.value)} }`);
  const fields = at.fields<MutualTls>({ mode: (mode) => mode.word(MODES) });
  return fields === undefined ? undefined : { mode: fields.mode ?? 'UNSET' };
}

function readPorts(at: Cursor): Record<string, MutualTls> | undefined {
  const keys = at.keys('an object of ports');
  if (keys === undefined) return undefined;
  if (keys.length === 0) return at.error('must name at least one port, or be left out');
  const ports: [string, MutualTls][] = [];
  for (const key of keys) {
    const child = at.child(key);
    if (!PORT.test(key) || Number(key) > MAX_PORT) {
      child.misplaced(`port ${excerpt(key)} must be a number from 1 to ${MAX_PORT}`);
    }
    const value = readMutualTls(child);
    if (value !== undefined) ports.push([key, value]);
  }
  return Object.fromEntries(ports);
}
