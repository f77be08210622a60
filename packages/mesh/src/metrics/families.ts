import { BOUNDS } from './histogram.ts';
import type { Histogram } from './histogram.ts';

/** Labels in their order. */
export type Labels = readonly (readonly [name: string, value: string])[];

/** One metric with its samples, in plain values that can be cloned: what one process knows of it. */
export interface MetricFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** The name of a sample is that of its family with a suffix, where it is one of a histogram; labels as they are written. */
  readonly samples: readonly (readonly [suffix: string, labels: string, value: number])[];
}

/** `a="b",c="d"`, escaped as the text format wants it. */
export function labelText(labels: Labels): string {
  return labels.map(([name, value]) => `${name}="${escaped(value)}"`).join(',');
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** The samples of one series of a histogram: cumulative buckets, sum and count. */
export function histogramSamples(labels: string, { counts, sum }: Histogram): MetricFamily['samples'] {
  const samples: [string, string, number][] = [];
  let total = 0;
  counts.forEach((count, bucket) => {
    total += count;
    const bound = BOUNDS[bucket] ?? '+Inf';
    samples.push(['_bucket', `${labels},le="${bound}"`, total]);
  });
  samples.push(['_sum', labels, sum], ['_count', labels, total]);
  return samples;
}

/** What several processes know, as one: samples with the same labels are added up. */
export function merged(all: readonly (readonly MetricFamily[])[]): readonly MetricFamily[] {
  const families = new Map<string, { readonly family: MetricFamily; readonly sums: Map<string, Sum> }>();
  for (const family of all.flat()) {
    const known = families.get(family.name) ?? { family, sums: new Map<string, Sum>() };
    families.set(family.name, known);
    for (const [suffix, labels, value] of family.samples) {
      const key = `${suffix}{${labels}`;
      const sum = known.sums.get(key);
      if (sum === undefined) known.sums.set(key, [suffix, labels, value]);
      else sum[2] += value;
    }
  }
  return [...families.values()].map(({ family, sums }) => ({ ...family, samples: [...sums.values()] }));
}

type Sum = [suffix: string, labels: string, value: number];

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The text format of Prometheus, version 0.0.4. */
export function expositionText(families: readonly MetricFamily[]): string {
  let text = '';
  for (const { name, type, help, samples } of families) {
    if (samples.length === 0) continue;
    text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
    for (const [suffix, labels, value] of samples)
      text += `${name}${suffix}${labels === '' ? '' : `{${labels}}`} ${value}\n`;
  }
  return text;
}
