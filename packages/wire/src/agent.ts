/** The messages between agents and the control plane as plain objects with their encoders, as in `./control.ts`. */
export {
  IssueJwtSvidRequest,
  IssueX509SvidRequest,
  JwtSvidResponse,
  ReportChecksRequest,
  ReportChecksResponse,
  SyncRequest,
  SyncUpdate,
} from './gen/plain/rampart/v1/agent.ts';
export type { BundleDocument, CheckedInstance, Entry, HostCheckReport } from './gen/plain/rampart/v1/agent.ts';
export type { CheckRegistration } from './gen/plain/rampart/v1/traits.ts';
