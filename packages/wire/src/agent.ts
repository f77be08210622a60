/** The messages between agents and the control plane as plain objects with their encoders, as in `./control.ts`. */
export {
  IssueJwtSvidRequest,
  IssueX509SvidRequest,
  JwtSvidResponse,
  SyncRequest,
  SyncUpdate,
} from './gen/plain/rampart/v1/agent.ts';
export type { BundleDocument, Entry } from './gen/plain/rampart/v1/agent.ts';
