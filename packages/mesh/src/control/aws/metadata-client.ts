const TIMEOUT_MS = 2000;
const MAX_BYTES = 65_536;

/** Asks a service that gives credentials to who can reach it. Rejects with an `Error` without any of them. */
export async function ask(
  url: URL,
  { method = 'GET', headers }: { readonly method?: string; readonly headers: Readonly<Record<string, string>> },
): Promise<string> {
  // Loaded only on AWS: as an ES module it brings 14 MB, WebSockets and all.
  const client = await (url.protocol === 'https:' ? import('node:https') : import('node:http'));
  return new Promise((resolve, reject) => {
    const give = (problem: string): void => {
      clearTimeout(timer);
      reject(new Error(`no AWS credentials: ${url.origin} ${problem}`));
      request.destroy();
    };
    const request = client.request(url, { method, headers, agent: false }, (response) => {
      if (response.statusCode !== 200) return give(`answered ${response.statusCode ?? 0}`);
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
        if (text.length > MAX_BYTES) give('answered at too great length');
      });
      response.on('error', (error) => give(error.message));
      response.on('end', () => {
        clearTimeout(timer);
        resolve(text);
      });
    });
    const timer = setTimeout(() => give(`did not answer within ${TIMEOUT_MS} ms`), TIMEOUT_MS);
    request.on('error', (error) => give(error.message));
    request.end();
  });
}
