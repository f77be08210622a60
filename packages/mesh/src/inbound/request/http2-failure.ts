/** Whether a session of HTTP/2 ended for what the other side sent, and not for what became of the connection; codes are Node's. */
export function isProtocolFailure(error: unknown): error is Error {
  if (!(error instanceof Error) || !('code' in error)) return false;
  const code = String(error.code);
  return code.startsWith('ERR_HTTP2_') && code !== 'ERR_HTTP2_STREAM_CANCEL' && code !== 'ERR_HTTP2_SESSION_ERROR';
}
