import { rulesOfIssuer } from '../../../policy/token/end-user.ts';
import { areShared, serviceTokenPlaces, userTokenPlaces } from '../../../policy/token/places.ts';
import { qualifiedName } from '../../../resource/resource.ts';
import type { Lint } from '../../lint/lint.ts';

export const tokensInOnePlace: Lint = {
  code: 'RAMP2006',
  name: 'tokens-in-one-place',
  severity: 'error',
  title: 'tokens of users and of services are looked for in one place, and no token is good for both',
  find: (mesh) =>
    mesh.ofKind('ServiceTokenPolicy').flatMap((resource) => {
      const users = mesh.ofKind('RequestAuthentication').filter((one) => mesh.shareWorkloads(one, resource));
      const [first] = users;
      const rules = users.flatMap(({ spec }) => spec.jwtRules);
      const places = serviceTokenPlaces(resource.spec);
      const isElsewhere = rules.some((rule) => !areShared(userTokenPlaces(rule), places));
      if (first === undefined || rules.length === 0 || isElsewhere) return [];
      if (rulesOfIssuer(rules, resource.spec.issuer).length > 0) return [];
      const message = `RequestAuthentication ${qualifiedName(first)} looks for tokens in the same place and takes none of ${resource.spec.issuer}, so every request is refused by the one or the other; give one of them fromHeaders of its own`;
      return [{ resource, field: 'spec.issuer', message }];
    }),
};
