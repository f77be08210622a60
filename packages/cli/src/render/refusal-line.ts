import type { ConnectionRefusal, ConnectionRefusalKind } from '@rampart/core';
import { shortIdentity, shortService } from './names.ts';
import { type LineStyle, renderEventLine } from './request-line.ts';

const WHAT: Readonly<Record<ConnectionRefusalKind, string>> = {
  plaintext_rejected: 'plaintext refused',
  certificate_rejected: 'certificate refused',
  handshake_failed: 'handshake failed',
  protocol_error: 'protocol error',
  policy_denied: 'connection denied',
  not_ready: 'not ready',
};

/** A connection that was refused before a request could be read, as one line in the columns of `renderRequestLine`. */
export function renderRefusalLine(refusal: ConnectionRefusal, style: LineStyle): string {
  const peer = refusal.peer === '' ? refusal.remote_address : shortIdentity(refusal.peer, 'cluster.local');
  const whom =
    refusal.destination_service === ''
      ? shortIdentity(refusal.reported_by, 'cluster.local')
      : shortService(refusal.destination_service);
  return renderEventLine(
    { timestamp: refusal.timestamp, who: peer, whom, what: WHAT[refusal.kind] ?? refusal.kind, why: refusal.reason },
    style,
  );
}
