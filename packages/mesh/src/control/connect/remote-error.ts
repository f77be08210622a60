/** Why the control plane did not do what it was asked: a code of the Connect protocol and its own words. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  /** "unauthenticated", "permission_denied", "invalid_argument", "unavailable"… */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const MOST_CHARACTERS = 1000;

/** Reads the error object of a response or of the end of a stream; undefined when there is none in it. */
export function readRemoteError(json: Uint8Array, fallback: string): RemoteError {
  const parsed = parse(json);
  const code = typeof parsed?.code === 'string' ? parsed.code : 'unknown';
  const message = typeof parsed?.message === 'string' ? parsed.message : fallback;
  return new RemoteError(code, message.slice(0, MOST_CHARACTERS));
}

/** The error with which a stream ended; undefined when it ended well. */
export function readEndOfStream(json: Uint8Array): RemoteError | undefined {
  const { error } = (parse(json) ?? {}) as { error?: unknown };
  if (error === undefined) return undefined;
  return readRemoteError(Buffer.from(JSON.stringify(error)), 'the control plane ended the stream');
}

function parse(json: Uint8Array): { code?: unknown; message?: unknown; error?: unknown } | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(json).toString('utf8'));
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}
