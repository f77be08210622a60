// An ordinary service of several processes. Its workers share a port; the primary may have one of its own. Knows nothing of any mesh.
import cluster from 'node:cluster';
import { once } from 'node:events';
import { createServer } from 'node:http';

import { serve } from './serve.mjs';

if (cluster.isPrimary) {
  cluster.schedulingPolicy = process.env.POLICY === 'none' ? cluster.SCHED_NONE : cluster.SCHED_RR;
  const workers = [];
  const fork = async () => {
    const worker = cluster.fork();
    workers.push(worker);
    const [{ port }] = await once(worker, 'message');
    return port;
  };
  const [port] = await Promise.all([fork(), fork()]);
  const own = createServer(serve).listen(0, '127.0.0.1');
  await once(own, 'listening');
  process.on('message', ({ kill, disconnect }) => {
    const worker = workers[kill ?? disconnect];
    worker.once('exit', (code, signal) => process.send({ code, signal }));
    if (kill === undefined) worker.disconnect();
    else worker.process.kill('SIGKILL');
  });
  process.send({ port, own: own.address().port, pids: workers.map(({ process: { pid } }) => pid) });
} else {
  const server = createServer(serve).listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
}
