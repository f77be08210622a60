import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ended, type PlaneProcess, startProcess } from './testing/plane-process.ts';
import { TestPlanes } from './testing/test-plane.ts';
import { type ApiClient, connectAsAdmin } from './testing/workload-client.ts';

const SHARED = 200;

/** Which generation each resource is of, by its name. */
type Generations = Readonly<Record<string, string>>;

/** What a change leads to: every shared resource of that generation, and one that is of its own. */
function generation(number: number, before: Generations = {}): Generations {
  const shared = Array.from({ length: SHARED }, (_, index) => [`shared-${index}`, `/${number}`] as const);
  return { ...before, ...Object.fromEntries(shared), [`only-${number}`]: `/${number}` };
}

function documentOf(number: number): string {
  return Object.entries(generation(number))
    .map(([name, path]) =>
      JSON.stringify({
        apiVersion: 'security.istio.io/v1',
        kind: 'AuthorizationPolicy',
        metadata: { name },
        spec: { rules: [{ to: [{ operation: { paths: [path] } }] }] },
      }),
    )
    .join('\n---\n');
}

async function generationsOf(admin: ApiClient['admin']): Promise<Generations> {
  const { resources } = await admin.getResources({});
  return Object.fromEntries(
    resources.map(({ name, json }) => [name, /"paths":\["([^"]*)"\]/.exec(json)?.[1] ?? json] as const),
  );
}

/** When the process is killed, counted from the moment at which the change was asked for. */
const MOMENTS: Readonly<Record<string, (file: DataFile) => Promise<void>>> = {
  'while the request is on its way': () => Promise.resolve(),
  'as its first bytes are written': (file) => file.written(),
};

/** The write-ahead log: what is committed stands in it first. */
class DataFile {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Resolves when it grows or is written to again. */
  async written(): Promise<void> {
    const name = join(this.#directory, 'rampart.db-wal');
    const before = await stat(name);
    const watcher = watch(name);
    try {
      await new Promise<void>((resolve) => {
        watcher.on('change', () => resolve());
        // What was written between the two looks is not told of.
        void stat(name).then((now) => {
          if (now.mtimeMs !== before.mtimeMs) resolve();
        });
      });
    } finally {
      watcher.close();
    }
  }
}

interface Change {
  ask(admin: ApiClient['admin']): Promise<unknown>;
  /** What it makes of the set. */
  wanted(): Generations;
}

describe('a control plane that is killed in the middle of a change', () => {
  const planes = new TestPlanes();
  const running = new Set<ChildProcess>();

  beforeEach(() => planes.open());
  afterEach(async () => {
    for (const child of running) {
      child.kill('SIGKILL');
      await ended(child);
    }
    await planes.close();
  });

  async function start(): Promise<PlaneProcess> {
    const started = await startProcess(planes.dataDirectory);
    running.add(started.child);
    return started;
  }

  async function kill(child: ChildProcess): Promise<void> {
    child.kill('SIGKILL');
    await ended(child);
    running.delete(child);
  }

  for (const [moment, come] of Object.entries(MOMENTS)) {
    it(`${moment}, has the old set or the new one, applied or brought back`, async () => {
      let { child, plane } = await start();
      let client = connectAsAdmin(plane);
      const first = (await client.admin.apply({ document: documentOf(1) })).revision;
      let newest = (await client.admin.apply({ document: documentOf(2) })).revision;
      let held = generation(2, generation(1));
      const changes: readonly Change[] = [
        { ask: (admin) => admin.apply({ document: documentOf(3) }), wanted: () => generation(3, held) },
        { ask: (admin) => admin.rollback({ revision: first }), wanted: () => generation(1) },
      ];
      for (const change of changes) {
        const wanted = change.wanted();
        const answer = change.ask(client.admin).then(
          () => true,
          () => false,
        );
        await come(new DataFile(planes.dataDirectory));
        await kill(child);
        client.close();
        const isAcknowledged = await answer;

        ({ child, plane } = await start());
        client = connectAsAdmin(plane);
        const found = await generationsOf(client.admin);
        const isNew = found['shared-0'] === wanted['shared-0'];
        assert.deepEqual(found, isNew ? wanted : held);
        assert.ok(isNew || !isAcknowledged, 'what was acknowledged is there');
        const { revision } = await client.admin.getResources({});
        const { revisions } = await client.admin.listRevisions({});
        const latest = revisions[0]?.revision ?? 0n;
        assert.ok(revision >= latest && latest >= newest, `${newest}, then ${latest} of ${revision}`);
        assert.equal(isNew, latest > newest, 'history and set tell the same');
        const nothing = await client.admin.rollback({ revision: latest, dryRun: true });
        assert.deepEqual(nothing.resources, []);
        held = found;
        newest = latest;
      }
      const last = await client.admin.apply({ document: documentOf(4) });
      assert.ok(last.revision > newest, 'revisions go on from there');
      client.close();
      await kill(child);
    });
  }
});
