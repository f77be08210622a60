import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { RegistryService } from '@rampart/wire';
import { Client, type Dispatcher } from 'undici';

import { MessageLengths } from './message-lengths.ts';
import { Line } from './unary.ts';

/** How to reach a subject; goes to the processes that make the load. */
export interface Reach {
  readonly subject: 'rampart' | 'etcd';
  readonly origin: string;
  /** Where Consul's API is; the same as the origin for others. */
  readonly consul: string;
  /** PEM. */
  readonly ca: string;
  readonly token: string;
}

/** What one caller of a registry does, the same at every subject. */
export interface Caller {
  /** Registers an instance durably, with a lease of its own; of the service that its number says, unless another is named. */
  register(instance: number, service?: number): Promise<void>;
  /** Every instance of a service. */
  discover(service: number): Promise<number>;
  /** `changed` at every change of the service, from now on. */
  watch(service: number, changed: () => void): void;
  close(): void;
}

/** Instances of one service. */
export const PER_SERVICE = 10;
/** Bytes of a revision and nothing else; a change is hundreds. */
const LONGEST_BOOKMARK = 16;
const LEASE_SECONDS = 600;
const NAMESPACE = 'default';

export function createCaller(reach: Reach): Caller {
  return reach.subject === 'rampart' ? rampartCaller(reach) : etcdCaller(reach);
}

const SERVICE = `/${RegistryService.typeName}`;
const { watch: WATCHING } = RegistryService.method;

/** Registers and discovers over plain HTTP as Consul's clients do, watches over the registry's own API. */
function rampartCaller({ origin, consul, ca, token }: Reach): Caller {
  const http = new Client(consul, { connect: { ca }, pipelining: 1 });
  const headers = { 'x-consul-token': token };
  const streams = new Line(origin, Buffer.from(ca), {
    'content-type': 'application/grpc',
    te: 'trailers',
    authorization: `Bearer ${token}`,
  });
  const ask = (method: 'GET' | 'PUT', path: string, content?: object): Promise<Buffer> => {
    const body = content === undefined ? null : JSON.stringify(content);
    return new Promise((resolve, reject) => {
      http.dispatch({ method, path, headers, body }, new Answer(path, { resolve, reject }));
    });
  };
  return {
    register: async (instance, service) => {
      const { instanceId, service: name, host, port, labels } = registrationOf(instance, service);
      const check = { TTL: `${LEASE_SECONDS}s`, Status: 'passing' };
      await ask('PUT', '/v1/agent/service/register', {
        ID: instanceId,
        Name: name,
        Address: host,
        Port: port,
        Meta: labels,
        Check: check,
      });
    },
    discover: async (service) => (await ask('GET', `/v1/health/service/service-${service}`)).length,
    watch: (service, changed) => {
      const question = create(WATCHING.input, { service: `service-${service}`, namespace: NAMESPACE });
      const lengths = new MessageLengths();
      let isFirst = true;
      const received = (chunk: Buffer): void => {
        for (const length of lengths.of(chunk)) {
          // The first says what is there; bookmarks say that nothing happened, and come by themselves.
          if (!isFirst && length > LONGEST_BOOKMARK) changed();
          isFirst = false;
        }
      };
      streams.stream(`${SERVICE}/Watch`, framed(toBinary(WATCHING.input, question)), { isLast: true, received });
    },
    close: () => {
      void http.destroy();
      streams.close();
    },
  };
}

/** Takes an answer as undici hands it over: streams and bodies of its own would cost more than the rest of the call. */
class Answer implements Dispatcher.DispatchHandler {
  readonly #path: string;
  readonly #settle: Pick<PromiseWithResolvers<Buffer>, 'resolve' | 'reject'>;
  readonly #chunks: Buffer[] = [];
  #status = 0;

  constructor(path: string, settle: Pick<PromiseWithResolvers<Buffer>, 'resolve' | 'reject'>) {
    this.#path = path;
    this.#settle = settle;
  }

  onRequestStart(): void {
    // Nobody takes a request back.
  }

  onResponseStart(_controller: unknown, status: number): void {
    this.#status = status;
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const content = Buffer.concat(this.#chunks);
    if (this.#status === 200) this.#settle.resolve(content);
    else this.#settle.reject(new Error(`${this.#path}: ${this.#status} ${content.toString('utf8')}`));
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#settle.reject(error);
  }
}

interface Registration {
  readonly instanceId: string;
  readonly service: string;
  readonly namespace: string;
  readonly host: string;
  readonly port: number;
  readonly labels: Readonly<Record<string, string>>;
}

function registrationOf(instance: number, of: number = Math.floor(instance / PER_SERVICE)): Registration {
  const service = `service-${of}`;
  const host = `10.${(instance >> 16) & 255}.${(instance >> 8) & 255}.${instance & 255}`;
  return {
    instanceId: `${service}-${instance}`,
    service,
    namespace: NAMESPACE,
    host,
    port: 8080,
    labels: { app: service, version: '1' },
  };
}

// Field numbers of etcd's rpc.proto (etcdserverpb), API of version 3.
const LEASE_GRANT = '/etcdserverpb.Lease/LeaseGrant';
const PUT = '/etcdserverpb.KV/Put';
const RANGE = '/etcdserverpb.KV/Range';
const WATCH = '/etcdserverpb.Watch/Watch';

function etcdCaller({ origin, ca }: Reach): Caller {
  const line = new Line(origin, Buffer.from(ca), { 'content-type': 'application/grpc', te: 'trailers' });
  return {
    register: async (instance, service) => {
      const registration = registrationOf(instance, service);
      const lease = leaseId(
        await line.call(LEASE_GRANT, framed(new BinaryWriter().tag(1, WireType.Varint).int64(LEASE_SECONDS).finish())),
      );
      const put = new BinaryWriter()
        .tag(1, WireType.LengthDelimited)
        .string(keyOf(registration))
        .tag(2, WireType.LengthDelimited)
        .string(JSON.stringify(registration))
        .tag(3, WireType.Varint)
        .int64(lease);
      await line.call(PUT, framed(put.finish()));
    },
    discover: async (service) => (await line.call(RANGE, framed(rangeOf(service)))).length,
    watch: (service, changed) => {
      let isCreated = false;
      const received = (): void => {
        if (isCreated) changed();
        isCreated = true;
      };
      line.stream(WATCH, framed(new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(rangeOf(service)).finish()), {
        isLast: false,
        received,
      });
    },
    close: () => line.close(),
  };
}

function keyOf({ namespace, service, instanceId }: Registration): string {
  return `/${namespace}/${service}/${instanceId}`;
}

/** Everything under a service's prefix: from "…/" up to "…0", the character after the slash. */
function rangeOf(service: number): Uint8Array {
  const prefix = `/${NAMESPACE}/service-${service}`;
  return new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string(`${prefix}/`)
    .tag(2, WireType.LengthDelimited)
    .string(`${prefix}0`)
    .finish();
}

/** `ID` (field 2) of a LeaseGrantResponse. */
function leaseId(answer: Buffer): bigint {
  let at = 5;
  if (answer[at] === 0x0a) at += 2 + (answer[at + 1] ?? 0);
  if (answer[at] !== 0x10) throw new Error('etcd granted a lease without an ID');
  let id = 0n;
  for (let shift = 0n, byte = 0x80; (byte & 0x80) !== 0; shift += 7n) {
    byte = answer[(at += 1)] ?? 0;
    id |= BigInt(byte & 0x7f) << shift;
  }
  return id;
}

/** A message of gRPC: not compressed, and its length before it. */
function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(5 + message.length);
  frame.writeUInt8(0, 0);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}
