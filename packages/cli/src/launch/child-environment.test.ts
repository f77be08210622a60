import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { childEnvironment } from './child-environment.ts';
import { kindOfFirstLine, programKindOf } from './program-kind.ts';

const ENTRY = {
  registerUrl: 'file:///opt/a%20b/register.js',
  address: 'https://127.0.0.1:8443',
  caFile: '/data/ca.pem',
  evidence: { RAMPART_JOIN_TOKEN: 'secret' },
};
const LOAD = '--import=file:///opt/a%20b/register.js';

suite('the environment of a service', () => {
  test('carries the loader, the control plane and the token', () => {
    assert.deepEqual(childEnvironment({ HOME: '/h' }, ENTRY, 'node'), {
      HOME: '/h',
      NODE_OPTIONS: LOAD,
      RAMPART_CONTROL_PLANE: 'https://127.0.0.1:8443',
      RAMPART_CA_FILE: '/data/ca.pem',
      RAMPART_JOIN_TOKEN: 'secret',
    });
  });
  test('keeps the options that were there, and loads once', () => {
    const once = childEnvironment({ NODE_OPTIONS: '--enable-source-maps' }, ENTRY, 'shell');
    assert.equal(once['NODE_OPTIONS'], `--enable-source-maps ${LOAD}`);
    assert.equal(childEnvironment(once, ENTRY, 'node')['NODE_OPTIONS'], `--enable-source-maps ${LOAD}`);
  });
  test('has no token beside evidence that is given', () => {
    const evidence = { RAMPART_ATTESTATION: 'join-token', RAMPART_JOIN_TOKEN_FILE: '/t' };
    const environment = childEnvironment({ RAMPART_JOIN_TOKEN: 'old' }, { ...ENTRY, evidence }, 'node');
    assert.deepEqual([environment['RAMPART_JOIN_TOKEN'], environment['RAMPART_JOIN_TOKEN_FILE']], [undefined, '/t']);
  });
  test('of a package manager loads nothing into itself, only into the scripts it starts', () => {
    const environment = childEnvironment({}, ENTRY, 'package-manager');
    assert.equal(environment['NODE_OPTIONS'], undefined);
    assert.equal(environment['npm_config_node_options'], LOAD);
  });
});

suite('the kind of a program', () => {
  const at = { path: '', workingDirectory: import.meta.dirname };
  const names: readonly (readonly [string, string | undefined])[] = [
    ['node', 'node'],
    ['/usr/bin/node', 'node'],
    ['npm', 'package-manager'],
    ['yarn', 'yarn'],
    ['sh', 'shell'],
    ['../main.ts', 'node'],
    ['timeout 5 node app.js', 'shell'],
    ['env A=node npm start', 'package-manager'],
    ['tini -- sh -c x', 'shell'],
    ['nice -n 5 curl', 'other'],
    ['no-such-program', undefined],
  ];
  for (const [name, kind] of names) {
    test(`${name} is ${kind ?? 'none'}`, async () => assert.equal(await programKindOf(name.split(' '), at), kind));
  }
  const lines: readonly (readonly [string, string])[] = [
    ['#!/usr/bin/env node', 'node'],
    ['#!/usr/bin/env -S A=b node --flag', 'node'],
    ['#! /bin/sh -e', 'shell'],
    ['#!/usr/bin/python3', 'other'],
    ['\u007fELF', 'other'],
    ['', 'other'],
  ];
  for (const [line, kind] of lines)
    test(`${JSON.stringify(line)} is ${kind}`, () => assert.equal(kindOfFirstLine(line), kind));
});
