import assert from 'node:assert/strict';

import { parseResource, toDocument, toJson } from '@rampart/core';
import { parseDocuments } from '@rampart/core/documents';

import { outcome, textOf, type FuzzTarget } from '../engine/target.ts';
import { otherKinds } from './other-kinds.ts';
import { policyJson, POLICY_WORDS } from './policy-seeds.ts';

/** Resources as JSON, as a data plane gets them from the control stream. */
export const resourceJson: FuzzTarget = {
  name: 'resource-json',
  form: 'json',
  seeds: [...policyJson, ...otherKinds].map((policy) => JSON.stringify(policy)),
  words: POLICY_WORDS,
  run: (input) => {
    const json = parse(textOf(input));
    if (json === undefined) return 'no json';
    const parsed = parseResource(json);
    if (!parsed.ok) {
      assert.ok(
        parsed.problem.some(({ severity }) => severity === 'error'),
        'refused without an error',
      );
      return outcome(parsed.problem[0]?.message ?? '');
    }
    const again = parseResource(JSON.parse(toJson(parsed.value)));
    assert.ok(again.ok, 'what was read is refused on the wire');
    assert.equal(toJson(again.value), toJson(parsed.value), 'the canonical form is not stable');
    // A text is read for one mesh, whose settings stand in its root namespace; JSON comes from there.
    const { kind, metadata } = parsed.value;
    const mesh = kind === 'MeshConfig' ? { rootNamespace: metadata.namespace } : {};
    const { resources } = parseDocuments(JSON.stringify(toDocument(parsed.value)), { file: 'fuzz.yaml', ...mesh });
    assert.deepEqual(resources, [parsed.value], 'what was read is something else when written as a document');
    return `read ${Object.keys(parsed.value.spec).join(' ')}`;
  },
};

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
