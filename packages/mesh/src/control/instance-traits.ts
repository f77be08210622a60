import type { InstanceTraits } from './instances.ts';

type Environment = Record<string, string | undefined>;
type Check = NonNullable<InstanceTraits['checks']>[number];

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const HEAVIEST = 65_535;

/**
 * What the instances of this process say of themselves, from `RAMPART_INSTANCE_…`. Only what cannot be read is a problem here:
 * the registry holds the values to its own limits, whichever way they come.
 */
export function readTraits(env: Environment, problems: string[]): InstanceTraits {
  const tags = listOf(env['RAMPART_INSTANCE_TAGS'] ?? '', /\s*,\s*/);
  const intervalMs = readDuration(env, problems, 'RAMPART_INSTANCE_CHECK_INTERVAL');
  const deregisterAfterMs = readDuration(env, problems, 'RAMPART_INSTANCE_DEREGISTER_AFTER');
  const checks = listOf(env['RAMPART_INSTANCE_CHECKS'] ?? '', /\s+/).map((text) => readCheck(text, problems));
  const metadata = readMetadata(env['RAMPART_INSTANCE_METADATA'] ?? '', problems);
  const weight = env['RAMPART_INSTANCE_WEIGHT'] ?? '';
  const [region = '', zone = ''] = listOf(env['RAMPART_INSTANCE_LOCALITY'] ?? '', '/');
  return {
    ...(tags.length === 0 ? {} : { tags }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(weight === '' ? {} : { weights: readWeights(weight, problems) }),
    ...(region === '' ? {} : { locality: { region, zone } }),
    version: env['RAMPART_INSTANCE_VERSION'] ?? '',
    checks: checks.flatMap((kind) => (kind === undefined ? [] : [checkOf(kind, intervalMs)])),
    deregisterCriticalAfterMs: deregisterAfterMs,
  };
}

function listOf(text: string, separator: string | RegExp): string[] {
  return text
    .trim()
    .split(separator)
    .filter((word) => word !== '');
}

/** "team=shop,tier=gold", or an object of JSON for what has commas in it. */
function readMetadata(text: string, problems: string[]): Readonly<Record<string, string>> | undefined {
  if (text === '') return undefined;
  const entries = text.startsWith('{') ? entriesOfJson(text) : entriesOfPairs(text);
  if (entries === undefined)
    problems.push(
      'RAMPART_INSTANCE_METADATA must be pairs such as team=shop,tier=gold, or an object of JSON with texts',
    );
  return Object.fromEntries(entries ?? []);
}

function entriesOfPairs(text: string): readonly (readonly [key: string, value: string])[] | undefined {
  const pairs = listOf(text, ',').map((pair) => /^\s*([^=]+)=([^]*)$/.exec(pair));
  const entries = pairs.flatMap((pair) => (pair === null ? [] : [[pair[1] ?? '', pair[2] ?? ''] as const]));
  return entries.length === pairs.length ? entries : undefined;
}

function entriesOfJson(text: string): readonly (readonly [key: string, value: string])[] | undefined {
  try {
    const entries = Object.entries(JSON.parse(text) as Readonly<Record<string, unknown>>);
    const texts = entries.flatMap(([key, value]) => (typeof value === 'string' ? [[key, value] as const] : []));
    return texts.length === entries.length ? texts : undefined;
  } catch {
    return undefined;
  }
}

/** "3", or "3:1" with the weight of one that warns. */
function readWeights(text: string, problems: string[]): { readonly passing: number; readonly warning: number } {
  const [, passing = '', warning = '1'] = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(text) ?? [];
  const weights = { passing: Number(passing), warning: Number(warning) };
  if (passing === '' || weights.passing === 0 || Math.max(weights.passing, weights.warning) > HEAVIEST)
    problems.push(`RAMPART_INSTANCE_WEIGHT must be a whole number from 1 to ${HEAVIEST}, or two: 3:1`);
  return weights;
}

/** As for `rampart registry register --check`; programs are for operators to register. */
function readCheck(text: string, problems: string[]): Check['kind'] {
  const [, type = text, rest = ''] = /^([a-z]+):([^]*)$/.exec(text) ?? [];
  const isPath = rest.startsWith('/');
  if ((type === 'http' || type === 'https') && isPath)
    return { $case: 'http', value: { scheme: type, port: 0, path: rest, method: '', headers: {} } };
  if (type === 'tcp' && rest === '') return { $case: 'tcp', value: { port: 0 } };
  if (type === 'grpc' || type === 'grpcs')
    return { $case: 'grpc', value: { tls: type === 'grpcs', port: 0, service: rest } };
  problems.push(
    `RAMPART_INSTANCE_CHECKS: ${JSON.stringify(text)} is none of http:/path, https:/path, tcp, grpc:service and grpcs:service`,
  );
  return undefined;
}

function checkOf(kind: Check['kind'], intervalMs: bigint): Check {
  return {
    checkId: '',
    name: '',
    kind,
    intervalMs,
    timeoutMs: 0n,
    successBeforePassing: 0,
    failuresBeforeCritical: 0,
    initialStatus: '',
    byAgent: false,
  };
}

/** "10s", "1m"; 0 for what is not said. */
function readDuration(env: Environment, problems: string[], name: string): bigint {
  const text = env[name] ?? '';
  if (text === '') return 0n;
  const [, count = '', unit = ''] = /^(\d{1,9})(ms|[smhd])$/.exec(text) ?? [];
  const milliseconds = Number(count) * (MILLISECONDS[unit] ?? 0);
  if (milliseconds === 0) problems.push(`${name} must be a number with a unit, such as 10s or 2m`);
  return BigInt(milliseconds);
}
