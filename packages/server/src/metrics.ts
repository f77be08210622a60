/** Labels of one series. */
export type Labels = Readonly<Record<string, string>>;

/** A number that only grows. */
export interface Counter {
  add(labels?: Labels, by?: number): void;
}

interface Family {
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  /** Series by their rendered labels. */
  readonly series: Map<string, number>;
  readonly read?: () => number;
}

const MOST_SERIES = 200;

/** The numbers of the control plane in the text format of Prometheus (exposition format 0.0.4). */
export class Metrics {
  readonly #families = new Map<string, Family>();

  counter(name: string, help: string): Counter {
    const series = new Map<string, number>([]);
    this.#families.set(name, { help, type: 'counter', series });
    return {
      add: (labels = {}, by = 1) => {
        const key = renderLabels(labels);
        // Labels come from callers too: a bounded number of them is kept apart.
        const slot = series.has(key) || series.size < MOST_SERIES ? key : renderLabels({ overflow: 'true' });
        series.set(slot, (series.get(slot) ?? 0) + by);
      },
    };
  }

  /** A number that is read when somebody asks. */
  gauge(name: string, options: { readonly help: string; readonly read: () => number }): void {
    this.#families.set(name, { help: options.help, type: 'gauge', series: new Map(), read: options.read });
  }

  render(): string {
    const lines: string[] = [];
    for (const [name, { help, type, series, read }] of this.#families) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
      const values = read === undefined ? series : new Map([['', read()]]);
      for (const [labels, value] of values.size > 0 ? values : new Map([['', 0]])) {
        lines.push(`${name}${labels} ${value}`);
      }
    }
    return `${lines.join('\n')}\n`;
  }
}

function renderLabels(labels: Labels): string {
  let pairs = '';
  for (const name of Object.keys(labels)) {
    pairs += `${pairs === '' ? '' : ','}${name}="${escaped(labels[name] ?? '')}"`;
  }
  return pairs === '' ? '' : `{${pairs}}`;
}

/** Almost no value needs it, and values are looked at with each call. */
const NEEDS_ESCAPE = /[\\"\n]/;

function escaped(value: string): string {
  if (!NEEDS_ESCAPE.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
