import type { ConsistentHash, LoadBalancer, Warmup } from '../../resource/traffic/destination-rule/load-balancer.ts';
import type { CompiledBalancer, CompiledHashSource, CompiledWarmup } from '../settings.ts';

const ALL = 100;
const SIMPLE = { ROUND_ROBIN: 'round-robin', RANDOM: 'random', LEAST_REQUEST: 'least-request' } as const;

/** Undefined where nothing is said of how an instance is drawn. */
export function compileBalancer({ simple, consistentHash }: LoadBalancer = {}): CompiledBalancer | undefined {
  if (consistentHash !== undefined) return hashBalancer(consistentHash);
  return simple === undefined ? undefined : { kind: SIMPLE[simple] };
}

export function compileWarmup(warmup: Warmup | undefined): CompiledWarmup | undefined {
  if (warmup === undefined) return undefined;
  const { durationMs, minimumPercent, aggression } = warmup;
  return {
    durationMs,
    ...(minimumPercent === undefined ? {} : { minimum: minimumPercent / ALL }),
    ...(aggression === undefined ? {} : { aggression }),
  };
}

function hashBalancer(hash: ConsistentHash): CompiledBalancer {
  const size = hash.maglev?.tableSize ?? hash.ringHash?.minimumRingSize;
  return {
    kind: 'hash',
    table: hash.maglev === undefined ? 'ring' : 'maglev',
    ...(size === undefined ? {} : { size }),
    source: sourceOf(hash),
  };
}

function sourceOf({ httpHeaderName, httpCookie, httpQueryParameterName }: ConsistentHash): CompiledHashSource {
  if (httpHeaderName !== undefined) return { of: 'header', name: httpHeaderName };
  if (httpCookie !== undefined) return { of: 'cookie', ...httpCookie };
  return httpQueryParameterName === undefined ? { of: 'caller' } : { of: 'query', name: httpQueryParameterName };
}
