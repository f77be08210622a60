export type AnomalyKind =
  | 'registration-spike'
  | 'new-host'
  | 'new-network'
  | 'new-identity'
  | 'flapping'
  | 'unknown-service';

/** One thing that is unusual about a registration. */
export interface AnomalyReason {
  readonly kind: AnomalyKind;
  /** How unusual: 0 (not at all) to 1. */
  readonly score: number;
  /** In words: "first seen from 10.99.99.0/24; 1 network was known". */
  readonly text: string;
}

/** A registration, or the end of one, that is unusual. */
export interface Anomaly {
  readonly service: string;
  readonly namespace: string;
  readonly instanceId: string;
  readonly identity: string;
  readonly sourceIp: string;
  readonly host: string;
  /** Of all reasons together: 1 − the product of what each leaves. */
  readonly score: number;
  /** The strongest first; never empty. */
  readonly reasons: readonly AnomalyReason[];
}

/** What happened to an instance. */
export interface RegistryObservation {
  readonly kind: 'registered' | 'deregistered';
  readonly service: string;
  readonly namespace: string;
  readonly instanceId: string;
  readonly identity: string;
  /** IP literal or host name; "" where it is not known. */
  readonly host: string;
  readonly sourceIp: string;
}

/** Reasons that are independent of each other, as one number. */
export function togetherOf(reasons: readonly AnomalyReason[]): number {
  const left = reasons.reduce((rest, { score }) => rest * (1 - score), 1);
  return Math.round((1 - left) * 1000) / 1000;
}
