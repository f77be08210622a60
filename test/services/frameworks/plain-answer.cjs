exports.answer = (request, response) => {
  const name = /^\/hello\/(\w+)$/.exec(request.url)?.[1];
  const secure = request.socket.encrypted === true;
  if (name !== undefined) {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ name, protocol: secure ? 'https' : 'http', secure }));
    return;
  }
  let body = '';
  request.on('data', (chunk) => (body += chunk));
  request.on('end', () =>
    response
      .writeHead(201, { 'content-type': 'application/json' })
      .end(JSON.stringify({ created: JSON.parse(body).item })),
  );
};
