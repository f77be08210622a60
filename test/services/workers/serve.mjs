// What each worker does: says who it is, calls others, takes its time.
import { threadId } from 'node:worker_threads';

export async function serve(request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://here');
  switch (pathname) {
    case '/call': {
      const answer = await fetch(searchParams.get('url')).catch((error) => error);
      response.end(String(answer.status ?? answer.cause?.message ?? answer.message));
      break;
    }
    case '/hold':
      response.write('held ');
      setTimeout(() => response.end('to the end'), Number(searchParams.get('ms')));
      break;
    default:
      // One request each, so that callers meet all of them.
      response.setHeader('connection', 'close');
      response.end(`${process.pid}/${threadId}`);
  }
}
