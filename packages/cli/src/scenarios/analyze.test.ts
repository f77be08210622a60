import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { type Outcome, runIn, type ScenarioMesh, startScenarioMesh } from './mesh.ts';

const RISKY = `apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { env: production } }
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: shop }
spec:
  mtls:
    mode: PERMISSIVE
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: open, namespace: shop }
spec:
  rules:
    - {}
    - to: [{ operation: { methods: [GET] } }]
`;
const CLEAN = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: deny-all, namespace: istio-system }
spec: {}
`;

interface Findings {
  readonly findings: readonly {
    readonly code: string;
    readonly message: string;
    readonly resource?: { readonly name: string };
  }[];
  readonly unchecked: readonly { readonly code: string }[];
}

suite('analyze', () => {
  let folder: string;
  const rampart = (line: string): Promise<Outcome> => runIn(line.split(' '), { workingDirectory: folder });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rampart-analyze-'));
    await writeFile(join(folder, 'risky.yaml'), RISKY);
    await writeFile(join(folder, 'clean.yaml'), CLEAN);
    await writeFile(join(folder, 'broken.yaml'), RISKY.replace('mode:', 'mood:'));
  });
  after(() => rm(folder, { recursive: true }));

  test('lists findings at their places, and exits 1 for an error', async () => {
    const { code, stdout } = await rampart('analyze -f risky.yaml');
    assert.equal(code, 1);
    const lines = stdout.split('\n');
    const at = (lint: string): string => lines.find((line) => line.includes(`(${lint} `)) ?? '';
    assert.match(
      at('RAMP1001'),
      /^risky\.yaml:10:5: error: PeerAuthentication shop\/default spec\.mtls\.mode: PERMISSIVE/,
    );
    assert.match(
      at('RAMP2001'),
      /^risky\.yaml:17:7: warning: AuthorizationPolicy shop\/open spec\.rules\[0\]: an empty rule/,
    );
    assert.match(
      at('RAMP3003'),
      /^risky\.yaml:18:7: warning: AuthorizationPolicy shop\/open spec\.rules\[1\]: rules\[0\] /,
    );
    assert.match(stdout, /\n\n1 error, \d+ warnings\nnot checked, /);
  });

  test('exits as it is told to', async () => {
    assert.equal((await rampart('analyze -f risky.yaml --fail-on never')).code, 0);
    assert.equal((await rampart('analyze -f risky.yaml --ignore RAMP1001')).code, 0);
    assert.equal((await rampart('analyze -f risky.yaml --ignore permissive-in-production --fail-on warning')).code, 1);
    const clean = await rampart('analyze -f clean.yaml --fail-on info');
    assert.equal(clean.code, 0);
    assert.match(clean.stdout, /^nothing found\n/);
  });

  test('gives the same as data', async () => {
    const { findings, unchecked } = JSON.parse((await rampart('analyze -f risky.yaml -o json')).stdout) as Findings;
    assert.deepEqual(findings[0], {
      code: 'RAMP4003',
      name: 'egress-open',
      severity: 'warning',
      message: findings[0]?.message,
      resource: { kind: 'Namespace', namespace: '', name: 'shop' },
      field: '',
      file: 'risky.yaml',
      line: 1,
      column: 1,
    });
    assert.ok(unchecked.some(({ code }) => code === 'RAMP4001'));
  });

  test('refuses files with an error, and exits 1', async () => {
    const { code, stderr } = await rampart('analyze -f broken.yaml -o sarif');
    assert.equal(code, 1);
    assert.match(stderr, /^broken\.yaml:10:5: spec\.mtls\.mood: unknown field/m);
  });

  test('writes SARIF 2.1.0', async () => {
    const { code, stdout } = await rampart('analyze -f risky.yaml -o sarif');
    assert.equal(code, 1);
    assertSarif(JSON.parse(stdout) as Sarif);
  });
});

/** What the schema of SARIF 2.1.0 asks of the parts that are written. */
function assertSarif(log: Sarif): void {
  assert.equal(log.version, '2.1.0');
  assert.match(log.$schema, /^https:.*sarif-schema-2\.1\.0\.json$/);
  assert.equal(log.runs.length, 1);
  const [run] = log.runs;
  assert.ok(run);
  const { driver } = run.tool;
  assert.equal(driver.name, 'rampart');
  assert.match(driver.semanticVersion, /^\d+\.\d+\.\d+/);
  const ids = driver.rules.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  const levels = new Set(['none', 'note', 'warning', 'error']);
  for (const rule of driver.rules) {
    assert.ok(rule.shortDescription.text.length > 0);
    assert.ok(levels.has(rule.defaultConfiguration.level));
  }
  assert.ok(run.results.length > 3);
  for (const { ruleId, ruleIndex, level, message, locations } of run.results) {
    assert.equal(ids[ruleIndex], ruleId);
    assert.ok(levels.has(level));
    assert.ok(message.text.length > 0);
    assert.equal(locations.length, 1, 'GitHub takes no result without a place');
    for (const { physicalLocation } of locations) {
      assert.ok(physicalLocation);
      const { artifactLocation, region } = physicalLocation;
      assert.equal(artifactLocation.uri, 'risky.yaml');
      assert.ok(Number.isInteger(region.startLine) && region.startLine >= 1);
      assert.ok(Number.isInteger(region.startColumn) && region.startColumn >= 1);
    }
  }
  const [invocation] = run.invocations;
  assert.equal(invocation?.executionSuccessful, true);
  for (const { message, associatedRule } of invocation.toolExecutionNotifications) {
    assert.match(message.text, /^RAMP\d{4} was not checked/);
    assert.equal(ids[associatedRule.index], associatedRule.id);
  }
}

interface Sarif {
  readonly $schema: string;
  readonly version: string;
  readonly runs: readonly {
    readonly tool: {
      readonly driver: {
        readonly name: string;
        readonly semanticVersion: string;
        readonly rules: readonly {
          readonly id: string;
          readonly shortDescription: { readonly text: string };
          readonly defaultConfiguration: { readonly level: string };
        }[];
      };
    };
    readonly invocations: readonly {
      readonly executionSuccessful: boolean;
      readonly toolExecutionNotifications: readonly {
        readonly message: { readonly text: string };
        readonly associatedRule: { readonly id: string; readonly index: number };
      }[];
    }[];
    readonly results: readonly {
      readonly ruleId: string;
      readonly ruleIndex: number;
      readonly level: string;
      readonly message: { readonly text: string };
      readonly locations: readonly {
        readonly physicalLocation?: {
          readonly artifactLocation: { readonly uri: string };
          readonly region: { readonly startLine: number; readonly startColumn: number };
        };
      }[];
    }[];
  }[];
}

suite('analyze of a running mesh', () => {
  let mesh: ScenarioMesh;
  before(async () => {
    mesh = await startScenarioMesh(Date.now);
    await writeFile(join(mesh.folder, 'clean.yaml'), CLEAN);
    await writeFile(
      join(mesh.folder, 'orders.yaml'),
      'apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: orders, namespace: shop}\nspec:\n  selector: {matchLabels: {app: orders}}\n',
    );
  });
  after(async () => assert.equal(await mesh.stop(), 0));

  test('looks at what is applied, at the registry and at certificates', async () => {
    await mesh.run(['apply', '-f', 'clean.yaml', '-f', 'orders.yaml']);
    const { code, stdout } = await mesh.run(['analyze', '-o', 'json']);
    assert.equal(code, 0);
    const { findings, unchecked } = JSON.parse(stdout) as Findings;
    assert.deepEqual(unchecked, []);
    assert.ok(
      findings.some(({ code: lint, resource }) => lint === 'RAMP3001' && resource?.name === 'orders'),
      stdout,
    );
  });

  test('lays files over it when asked to', async () => {
    const { stdout } = await mesh.run(['analyze', '-f', 'orders.yaml', '--with-mesh']);
    assert.match(
      stdout,
      /^orders\.yaml:5:3: warning: AuthorizationPolicy shop\/orders spec\.selector: selects no workload/m,
    );
    assert.doesNotMatch(stdout, /RAMP1003/);
  });
});
