import { dryRunLeft } from '../lints/access/dry-run-left.ts';
import { foreignNamesake } from '../lints/access/foreign-namesake.ts';
import { noDefaultDeny } from '../lints/access/no-default-deny.ts';
import { serviceWithoutPolicy } from '../lints/access/service-without-policy.ts';
import { tokenNotVerified } from '../lints/access/token-not-verified.ts';
import { tokensInOnePlace } from '../lints/access/tokens-in-one-place.ts';
import { wildcardPolicy } from '../lints/access/wildcard-policy.ts';
import { certificateOverADay, longLivedCertificate } from '../lints/mesh/certificate-lifetime.ts';
import { egressOpen } from '../lints/mesh/egress-open.ts';
import { hardCodedSecret } from '../lints/mesh/hard-coded-secret.ts';
import { noAccessLog } from '../lints/mesh/no-access-log.ts';
import { outdatedDataPlane } from '../lints/mesh/outdated-data-plane.ts';
import { severalProviders, unknownProvider, unusedProvider } from '../lints/mesh/providers.ts';
import { doubtfulField } from '../lints/rules/doubtful-field.ts';
import { httpOnTcpPort } from '../lints/rules/http-on-tcp-port.ts';
import { orInsteadOfAnd } from '../lints/rules/or-instead-of-and.ts';
import { ruleNeverMatches } from '../lints/rules/rule-never-matches.ts';
import { selectsNothing } from '../lints/rules/selects-nothing.ts';
import { shadowedRule } from '../lints/rules/shadowed-rule.ts';
import { unknownServiceAccount } from '../lints/rules/unknown-service-account.ts';
import { meshNotStrict } from '../lints/transport/mesh-not-strict.ts';
import { mtlsDisabled } from '../lints/transport/mtls-disabled.ts';
import { outsideMesh } from '../lints/transport/outside-mesh.ts';
import { overruledPeerAuthentication } from '../lints/transport/overruled-peer-authentication.ts';
import { permissiveInProduction } from '../lints/transport/permissive-in-production.ts';
import { permissivePort } from '../lints/transport/permissive-port.ts';
import { trafficRuleBroken, trafficRuleDoubtful } from '../lints/traffic/traffic-rules.ts';
import type { Lint } from './lint.ts';

/** Everything that is looked for, by code: 1 transport, 2 access, 3 rules, 4 the mesh itself, 5 where calls go. */
export const LINTS: readonly Lint[] = [
  permissiveInProduction,
  permissivePort,
  meshNotStrict,
  mtlsDisabled,
  outsideMesh,
  overruledPeerAuthentication,
  wildcardPolicy,
  noDefaultDeny,
  serviceWithoutPolicy,
  dryRunLeft,
  tokenNotVerified,
  tokensInOnePlace,
  foreignNamesake,
  selectsNothing,
  ruleNeverMatches,
  shadowedRule,
  httpOnTcpPort,
  unknownServiceAccount,
  orInsteadOfAnd,
  doubtfulField,
  longLivedCertificate,
  certificateOverADay,
  egressOpen,
  hardCodedSecret,
  noAccessLog,
  outdatedDataPlane,
  unknownProvider,
  unusedProvider,
  severalProviders,
  trafficRuleBroken,
  trafficRuleDoubtful,
];
