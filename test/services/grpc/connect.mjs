// An ordinary service and client of Connect over HTTP/2, told what to call. Knows nothing of any mesh.
import http2 from 'node:http2';
import { createFileRegistry, fromJson } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { createClient } from '@connectrpc/connect';
import { connectNodeAdapter, createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';

const WORDS = '.test.v1.Words';
const method = (name, kind = {}) => ({ name, inputType: WORDS, outputType: WORDS, ...kind });
const file = fromJson(FileDescriptorProtoSchema, {
  name: 'talk.proto',
  package: 'test.v1',
  syntax: 'proto3',
  messageType: [
    {
      name: 'Words',
      field: [{ name: 'text', number: 1, label: 'LABEL_OPTIONAL', type: 'TYPE_STRING', jsonName: 'text' }],
    },
  ],
  service: [
    {
      name: 'Talk',
      method: [
        method('Ask'),
        method('Hear', { serverStreaming: true }),
        method('Tell', { clientStreaming: true }),
        method('Chat', { clientStreaming: true, serverStreaming: true }),
      ],
    },
  ],
});
const Talk = createFileRegistry(file, () => undefined).getService('test.v1.Talk');

const handlers = {
  ask: ({ text }, { requestHeader }) => ({
    text: `${text} from ${requestHeader.get('x-forwarded-client-cert')?.split('/sa/').at(-1)}`,
  }),
  async *hear({ text }) {
    for (const word of text.split(' ')) yield { text: word };
  },
  async tell(words) {
    return { text: (await Array.fromAsync(words, ({ text }) => text)).join(' ') };
  },
  async *chat(words) {
    for await (const { text } of words) yield { text: text.toUpperCase() };
  },
};

const transports = {
  grpc: (baseUrl) => createGrpcTransport({ baseUrl }),
  connect: (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '2' }),
};

async function* wordsOf(text) {
  for (const word of text.split(' ')) yield { text: word };
}

async function call({ target, kind, text, protocol }) {
  const client = createClient(Talk, transports[protocol](`http://${target}`));
  const options = { timeoutMs: 10_000 };
  switch (kind) {
    case 'ask':
      return (await client.ask({ text }, options)).text;
    case 'tell':
      return (await client.tell(wordsOf(text), options)).text;
    case 'hear':
      return Array.fromAsync(client.hear({ text }, options), (each) => each.text);
    default:
      return Array.fromAsync(client.chat(wordsOf(text), options), (each) => each.text);
  }
}

process.on('message', (message) => {
  call(message).then(
    (answer) => process.send({ answer }),
    ({ code, rawMessage }) => process.send({ code, details: rawMessage }),
  );
});

if (process.env.SERVES === 'yes') {
  const server = http2.createServer(connectNodeAdapter({ routes: (router) => router.service(Talk, handlers) }));
  server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
} else process.send({});
