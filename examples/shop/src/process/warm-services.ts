// Loads what the services load, so that it is in the compile cache, and ends. It stays outside the mesh: it has no token.
for (const name of ['express', 'fastify', 'undici', 'hono', '@hono/node-server', 'koa', '@koa/router'])
  await import(name);
