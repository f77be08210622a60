// A thread that checkpoints: `workerData` is the file. It answers each order before it takes the next.
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

export type CheckpointOrder = 'checkpoint' | 'close';

const database = new DatabaseSync(String(workerData), { timeout: 5000 });
// What the file is given must be on the disk before the log may begin anew.
database.exec('PRAGMA synchronous = FULL');
const checkpoint = database.prepare('PRAGMA wal_checkpoint(PASSIVE)');

parentPort?.on('message', (order: CheckpointOrder) => {
  if (order === 'close') {
    database.close();
    parentPort?.close();
    return;
  }
  try {
    checkpoint.all();
  } finally {
    parentPort?.postMessage('done', []);
  }
});
