/** Gets a small document of an issuer; rejects with a sentence that says why not. */
export type FetchDocument = (url: URL, limits: DocumentLimits) => Promise<string>;

export interface DocumentLimits {
  /** From the call to the last byte. */
  readonly timeoutMs: number;
}

/** A Kubernetes API server answers 406 to who does not take key sets under their own name (RFC 7517 §8.5.2). */
const ACCEPT = 'application/json, application/jwk-set+json, */*;q=0.1';
/** Key sets have a few thousand bytes. */
const MAX_DOCUMENT_BYTES = 262_144;

/**
 * Gets a document by HTTP or HTTPS with what the process trusts and how it reaches others, so that an issuer inside the
 * mesh is reached as any of its services. Redirects are not followed: keys come from where the policy says.
 */
export const fetchDocument: FetchDocument = async (url, { timeoutMs }) => {
  // Loaded only where issuers are asked: as an ES module it brings 14 MB, WebSockets and all.
  const { get } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'));
  return new Promise((resolve, reject) => {
    const give = (problem: string): void => {
      clearTimeout(timer);
      reject(new Error(`${url.href}: ${problem}`));
      request.destroy();
    };
    const request = get(url, { headers: { accept: ACCEPT } }, (response) => {
      if (response.statusCode !== 200) {
        give(`answered ${response.statusCode ?? 0}`);
        return;
      }
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.byteLength;
        if (bytes > MAX_DOCUMENT_BYTES) give(`is larger than ${MAX_DOCUMENT_BYTES} bytes`);
        else chunks.push(chunk);
      });
      response.on('error', (error) => give(error.message));
      response.on('end', () => {
        clearTimeout(timer);
        resolve(Buffer.concat(chunks).toString('utf8'));
      });
    });
    const timer = setTimeout(() => give(`no answer within ${timeoutMs} ms`), timeoutMs);
    // Keys alone are no reason for a process to stay.
    timer.unref();
    request.on('socket', (socket) => socket.unref());
    request.on('error', (error) => give(error.message));
  });
};
