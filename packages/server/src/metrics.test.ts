import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Metrics } from './metrics.ts';

describe('the metrics', () => {
  it('are text of the Prometheus exposition format', () => {
    const metrics = new Metrics();
    const refused = metrics.counter('refused_total', 'Refused.');
    refused.add({ kind: 'plain"text\\\n' });
    refused.add({ kind: 'x' }, 2);
    refused.add({ kind: 'x' });
    metrics.gauge('planes', { help: 'Planes.', read: () => 3 });
    assert.equal(
      metrics.render(),
      '# HELP refused_total Refused.\n# TYPE refused_total counter\nrefused_total{kind="plain\\"text\\\\\\n"} 1\nrefused_total{kind="x"} 3\n' +
        '# HELP planes Planes.\n# TYPE planes gauge\nplanes 3\n',
    );
  });

  it('show a counter that never counted as 0', () => {
    const metrics = new Metrics();
    metrics.counter('a_total', 'A.');
    assert.match(metrics.render(), /^a_total 0$/m);
  });

  it('keep a bounded number of series', () => {
    const metrics = new Metrics();
    const counter = metrics.counter('a_total', 'A.');
    for (let index = 0; index < 1000; index += 1) {
      counter.add({ name: String(index) });
    }
    assert.ok(metrics.render().split('\n').length < 250);
    assert.match(metrics.render(), /a_total\{overflow="true"\} 800/);
  });
});
