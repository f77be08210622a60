import type { Cursor } from './cursor.ts';

/** Which workloads a policy is for (istio/api `type/v1beta1/selector.proto`). */
export interface WorkloadSelector {
  readonly matchLabels: Readonly<Record<string, string>>;
}

const MAX_LABELS = 4096;
const MAX_KEY = 316;
const MAX_VALUE = 63;

export function readSelector(at: Cursor): WorkloadSelector | undefined {
  if (isBareLabels(at)) return at.error('labels stand under matchLabels: write { matchLabels: { app: … } }');
  const fields = at.fields<WorkloadSelector>({ matchLabels: readMatchLabels });
  if (fields === undefined) return undefined;
  const matchLabels = fields.matchLabels ?? {};
  const isEmpty = (at.keys() ?? []).every((key) => key === 'matchLabels') && Object.keys(matchLabels).length === 0;
  if (isEmpty) at.warning('an empty selector selects every workload in reach; leave it out to say so');
  return { matchLabels };
}

/** Labels that were written without the object that they stand in. */
function isBareLabels({ value }: Cursor): boolean {
  const fields = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return fields.length > 0 && fields.every(([key, label]) => key !== 'matchLabels' && typeof label === 'string');
}

function readMatchLabels(at: Cursor): Record<string, string> | undefined {
  const keys = at.keys('an object of label names and values');
  if (keys === undefined) return undefined;
  if (keys.length > MAX_LABELS) return at.error(`must hold at most ${MAX_LABELS} labels, holds ${keys.length}`);
  const labels: [string, string][] = [];
  for (const key of keys) {
    const value = readSelectedLabel(at.child(key), key);
    if (value !== undefined) labels.push([key, value]);
  }
  return Object.fromEntries(labels);
}

function readSelectedLabel(at: Cursor, key: string): string | undefined {
  if (key === '') return at.misplaced('a label name must not be empty');
  if (key.includes('*')) return at.misplaced('a label name must not hold "*": selectors match exact labels only');
  if (key.length > MAX_KEY) return at.misplaced(`a label name must be at most ${MAX_KEY} characters long`);
  const value = at.textOrEmpty();
  if (value === undefined) return undefined;
  if (value.includes('*')) return at.error('a label value must not hold "*": selectors match exact labels only');
  return value.length > MAX_VALUE ? at.error(`a label value must be at most ${MAX_VALUE} characters long`) : value;
}
