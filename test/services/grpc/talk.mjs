// An ordinary gRPC service and client, told what to call. Knows nothing of any mesh.
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const definition = loadSync(fileURLToPath(new URL('talk.proto', import.meta.url)));
const { Talk } = grpc.loadPackageDefinition(definition).test.v1;

const caller = (call) =>
  String(call.metadata.get('x-forwarded-client-cert')[0] ?? '')
    .split('/sa/')
    .at(-1);

let cancelled = 0;

const handlers = {
  ask: (call, answer) => {
    const { text } = call.request;
    call.on('cancelled', () => (cancelled += 1));
    if (text === 'never') return;
    if (text === 'cancelled') answer(null, { text: String(cancelled) });
    else if (text === 'fail') answer({ code: grpc.status.NOT_FOUND, details: 'no such thing' });
    else {
      const trailers = new grpc.Metadata();
      trailers.set('x-words', String(text.split(' ').length));
      answer(null, { text: `${text} from ${caller(call)}` }, trailers);
    }
  },
  hear: (call) => {
    call.on('cancelled', () => (cancelled += 1));
    if (call.request.text === 'endless') {
      call.write({ text: 'first' });
      return;
    }
    for (const word of call.request.text.split(' ')) call.write({ text: word });
    call.end();
  },
  tell: (call, answer) => {
    const words = [];
    call.on('data', ({ text }) => words.push(text));
    call.on('end', () => answer(null, { text: words.join(' ') }));
  },
  chat: (call) => {
    call.on('data', ({ text }) => call.write({ text: text.toUpperCase() }));
    call.on('end', () => call.end());
  },
};

const clients = new Map();
const clientOf = (target) => {
  if (!clients.has(target)) clients.set(target, new Talk(target, grpc.credentials.createInsecure()));
  return clients.get(target);
};

const collected = (stream) =>
  new Promise((resolve, reject) => {
    const words = [];
    stream.on('data', ({ text }) => words.push(text));
    stream.on('error', reject);
    stream.on('end', () => resolve(words));
  });

function call({ target, kind, text }) {
  const client = clientOf(target);
  const words = text.split(' ');
  const deadline = { deadline: Date.now() + (kind === 'late' ? 300 : 10_000) };
  if (kind === 'cancel') {
    const stream = client.hear({ text: 'endless' }, deadline);
    stream.once('data', () => stream.cancel());
    return collected(stream);
  }
  if (kind === 'hear') return collected(client.hear({ text }, deadline));
  if (kind === 'chat') {
    const stream = client.chat(deadline);
    for (const word of words) stream.write({ text: word });
    stream.end();
    return collected(stream);
  }
  const { promise, resolve, reject } = Promise.withResolvers();
  const done = (error, answer) => (error ? reject(error) : resolve(answer.text));
  if (kind === 'ask' || kind === 'late') client.ask({ text }, deadline, done);
  else if (kind === 'trailers') {
    const asked = client.ask({ text }, deadline, (error) => error && reject(error));
    asked.on('status', ({ metadata }) => resolve(metadata.get('x-words')));
  } else {
    const stream = client.tell(deadline, done);
    for (const word of words) stream.write({ text: word });
    stream.end();
  }
  return promise;
}

process.on('message', (message) => {
  call(message).then(
    (answer) => process.send({ answer }),
    ({ code, details }) => process.send({ code, details }),
  );
});

if (process.env.SERVES === 'yes') {
  const server = new grpc.Server();
  server.addService(Talk.service, handlers);
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    process.send({ port });
  });
} else process.send({});
