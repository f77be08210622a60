import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  AdminService,
  ApiTokenService,
  AgentService,
  ControlService,
  IdentityService,
  NonceService,
  QuotaService,
  TelemetryService,
  AuditService,
  LedgerService,
  RegistryService,
  RevocationService,
  TrustService,
} from '@rampart/wire';
import { methodsOfRoles } from '../admin/api-tokens/role.ts';
import { accessOf, listedMethods } from './access.ts';

const SERVICES = [
  AdminService,
  ApiTokenService,
  AgentService,
  ControlService,
  IdentityService,
  NonceService,
  QuotaService,
  TelemetryService,
  AuditService,
  LedgerService,
  RegistryService,
  RevocationService,
  TrustService,
];
const METHODS = SERVICES.flatMap((service) => service.methods.map((method) => `${service.typeName}/${method.name}`));

describe('the access table', () => {
  for (const method of METHODS) {
    it(`has a row for ${method}`, () => assert.ok(accessOf(method) !== undefined));
  }

  it('has no row for a method that does not exist', () => {
    assert.deepEqual(
      listedMethods().filter((method) => !METHODS.includes(method)),
      [],
    );
  });

  it('lets anyone ask for a challenge, attest, and nothing else', () => {
    assert.deepEqual(
      METHODS.filter((method) => accessOf(method) === 'anyone'),
      ['rampart.v1.IdentityService/Challenge', 'rampart.v1.IdentityService/Attest'],
    );
  });

  it('gives roles no method that does not exist, and none that is not for operators', () => {
    assert.deepEqual(
      methodsOfRoles().filter((method) => !['admin', 'participant'].includes(accessOf(method) ?? '')),
      [],
    );
  });

  for (const unknown of ['', 'rampart.v1.AdminService/Shutdown', '__proto__', 'rampart.v1.adminservice/apply']) {
    it(`knows nobody who may call ${JSON.stringify(unknown)}`, () => assert.equal(accessOf(unknown), undefined));
  }
});
