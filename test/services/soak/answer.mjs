/** Answers with as many bytes as were asked for, and with the token of the request: an answer to another request shows. */
export function answer(request, response) {
  let bytes = 0;
  request.on('data', (chunk) => (bytes += chunk.length));
  request.on('end', () => {
    const size = Number(new URL(request.url, 'http://here').searchParams.get('size') ?? 0);
    response.writeHead(200, {
      'content-length': size,
      'x-token': request.headers['x-token'] ?? '',
      'x-received': bytes,
    });
    response.end(Buffer.alloc(size, 'x'));
  });
}
