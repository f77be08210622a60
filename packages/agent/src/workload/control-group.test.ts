import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { controlGroupFacts } from './control-group.ts';

const ID = 'a1'.repeat(32);
const OTHER = 'b2'.repeat(32);

describe('what a control group says of a process', () => {
  const cases: readonly (readonly [rule: string, path: string, facts: ReturnType<typeof controlGroupFacts>])[] = [
    ['the root says nothing', '/', {}],
    ['a unit of the system', '/system.slice/web.service', { unit: 'web.service' }],
    ['a template of a unit', '/system.slice/system-web.slice/web@1.service', { unit: 'web@1.service' }],
    ['what a unit arranges below itself is its own word', '/system.slice/a.service/b.service', { unit: 'a.service' }],
    ['a user may call a group what they like', '/user.slice/user-1000.slice/user@1000.service/web.service', {}],
    ['a group of a user is no container', `/user.slice/user-1000.slice/docker-${ID}.scope`, {}],
    ['a group outside of what can be seen', '/../web.service', {}],
    ['Docker under systemd', `/system.slice/docker-${ID}.scope`, { containerId: ID }],
    ['Docker under cgroupfs', `/docker/${ID}`, { containerId: ID }],
    [
      'containerd under Kubernetes',
      `/kubepods.slice/kubepods-pod1.slice/cri-containerd-${ID}.scope`,
      { containerId: ID },
    ],
    ['a container inside a container is the outer one', `/docker/${ID}/docker/${OTHER}`, { containerId: ID }],
    ['an identifier of another length', `/docker/${ID}0`, {}],
    ['a scope that is no container', '/system.slice/session-1.scope', {}],
  ];
  for (const [rule, path, facts] of cases) it(rule, () => assert.deepEqual(controlGroupFacts(path), facts));
});
