import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { x509BundlesResponse, x509Response } from './x509.ts';

const MIB = 1024 * 1024;

describe('revocation lists in the Workload API', () => {
  it('are there', () => {
    const crls = [Uint8Array.of(1), Uint8Array.of(2, 3)];
    assert.deepEqual(x509Response([], [], crls).crl, crls);
    assert.deepEqual(x509BundlesResponse([], crls).crl, crls);
  });

  it('are left out when stock clients could not take the message', () => {
    const crls = [new Uint8Array(MIB), new Uint8Array(MIB + 1)];
    assert.deepEqual(x509Response([], [], crls).crl, []);
    assert.deepEqual(x509BundlesResponse([], crls).crl, []);
  });
});
