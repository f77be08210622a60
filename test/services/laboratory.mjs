// An ordinary process that runs the functions it is sent, one after the other or side by side. Knows nothing of any mesh.
import { AsyncLocalStorage } from 'node:async_hooks';
import child from 'node:child_process';
import events from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import stream from 'node:stream/promises';
import tls from 'node:tls';
import vm from 'node:vm';
import undici from 'undici';
import * as ws from 'ws';

const modules = { AsyncLocalStorage, child, events, http, http2, https, net, stream, tls, undici, ws };
/** What one function leaves for the next. */
const kept = {};

const describe = (error) => ({
  name: error?.name,
  message: error?.message ?? String(error),
  code: error?.code,
  cause: error?.cause && describe(error.cause),
});

process.on('message', async ({ id, source, argument }) => {
  try {
    const value = await vm.runInThisContext(`(${source})`)({ ...modules, kept }, argument);
    process.send({ id, value });
  } catch (error) {
    process.send({ id, error: describe(error) });
  }
});
process.send({});
