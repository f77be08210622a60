import type { ConnectionPool } from '../../resource/traffic/destination-rule/connection-pool.ts';
import type { OutlierDetection } from '../../resource/traffic/destination-rule/outlier-detection.ts';
import type { RetryBudget } from '../../resource/traffic/destination-rule/traffic-policy.ts';
import type { CompiledConnections, CompiledLimits, CompiledOutlier, CompiledPolicy, Locality } from '../settings.ts';
import { compileBalancer, compileWarmup } from './balancer.ts';
import { compileLocality } from './locality.ts';
import type { MergedPolicy } from './merged-policy.ts';

const ALL = 100;
/** Istio's, where a rule has `outlierDetection` and says nothing else. */
const OUTLIER: CompiledOutlier = {
  consecutive5xx: 5,
  consecutiveGateway: 0,
  consecutiveLocal: 0,
  intervalMs: 10_000,
  baseEjectionMs: 30_000,
  maxEjectionPercent: 10,
  minHealthPercent: 0,
};
const LOCAL_FAILURES = 5;
/** Istio's. */
const RETRY_BUDGET = { percent: 20, minRetryConcurrency: 3 };

/** What a merged policy means for a caller at a place. */
export function compilePolicy(policy: MergedPolicy, own: Locality): CompiledPolicy {
  const { loadBalancer, connectionPool, outlierDetection, tls, retryBudget } = policy;
  const balancer = compileBalancer(loadBalancer);
  const warmup = compileWarmup(loadBalancer?.warmup);
  const locality = compileLocality(loadBalancer?.localityLbSetting, own);
  const limits = limitsOf(connectionPool);
  const connections = connectionsOf(connectionPool);
  return {
    ...(balancer === undefined ? {} : { balancer }),
    ...(warmup === undefined ? {} : { warmup }),
    ...(locality === undefined ? {} : { locality }),
    ...(outlierDetection === undefined ? {} : { outlier: outlierOf(outlierDetection) }),
    ...(limits === undefined ? {} : { limits }),
    ...(connections === undefined ? {} : { connections }),
    ...(retryBudget === undefined ? {} : { retryBudget: budgetOf(retryBudget) }),
    ...(tls === undefined ? {} : { tls }),
  };
}

function outlierOf(settings: OutlierDetection): CompiledOutlier {
  const { splitExternalLocalOriginErrors = false, consecutiveLocalOriginFailures = LOCAL_FAILURES } = settings;
  return {
    consecutive5xx: settings.consecutive5xxErrors ?? OUTLIER.consecutive5xx,
    consecutiveGateway: settings.consecutiveGatewayErrors ?? OUTLIER.consecutiveGateway,
    consecutiveLocal: splitExternalLocalOriginErrors ? consecutiveLocalOriginFailures : 0,
    intervalMs: settings.intervalMs ?? OUTLIER.intervalMs,
    baseEjectionMs: settings.baseEjectionTimeMs ?? OUTLIER.baseEjectionMs,
    maxEjectionPercent: settings.maxEjectionPercent ?? OUTLIER.maxEjectionPercent,
    minHealthPercent: settings.minHealthPercent ?? OUTLIER.minHealthPercent,
  };
}

/**
 * A connection carries one request of HTTP/1.1 at a time, so that their number bounds requests as well. Requests wait for a
 * connection; what `http2MaxRequests` has no room for is refused at once (Envoy, circuit breaking).
 */
function limitsOf({ tcp = {}, http = {} }: ConnectionPool = {}): CompiledLimits | undefined {
  const { maxConnections } = tcp;
  const { http2MaxRequests, http1MaxPendingRequests, maxRetries } = http;
  const bounds = [maxConnections, http2MaxRequests].filter((bound) => bound !== undefined);
  const nobodyWaits = http2MaxRequests !== undefined && http2MaxRequests < (maxConnections ?? Number.POSITIVE_INFINITY);
  const pending = nobodyWaits ? 0 : http1MaxPendingRequests;
  const limits: CompiledLimits = {
    ...(bounds.length === 0 ? {} : { requests: Math.min(...bounds) }),
    ...(pending === undefined ? {} : { pending }),
    ...(maxRetries === undefined ? {} : { retries: maxRetries }),
  };
  return Object.keys(limits).length === 0 ? undefined : limits;
}

function connectionsOf({ tcp = {} }: ConnectionPool = {}): CompiledConnections | undefined {
  const { connectTimeoutMs, tcpKeepalive } = tcp;
  if (connectTimeoutMs === undefined && tcpKeepalive?.timeMs === undefined) return undefined;
  return {
    ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
    ...(tcpKeepalive?.timeMs === undefined ? {} : { keepaliveMs: tcpKeepalive.timeMs }),
  };
}

function budgetOf({ percent, minRetryConcurrency }: RetryBudget): { share: number; minimum: number } {
  return {
    share: (percent ?? RETRY_BUDGET.percent) / ALL,
    minimum: minRetryConcurrency ?? RETRY_BUDGET.minRetryConcurrency,
  };
}
