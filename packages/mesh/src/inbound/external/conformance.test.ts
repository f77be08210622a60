import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, afterEach, before, describe, it } from 'node:test';

import type { ExtAuthzProvider } from '@rampart/core';
import { until } from '@rampart/testkit';

import { callOf, clock, providerAt, startAsking } from './testing/ask.ts';
import type { Asked, Asking } from './testing/ask.ts';
import { GrpcAuthorizer } from './testing/grpc-authorizer.ts';
import { HttpAuthorizer } from './testing/http-authorizer.ts';
import { ExternalAuthorizer } from './external-authorizer.ts';
import type { AuthorizerAnswer, Approval } from './external-authorizer.ts';
import type { AuthorizerRefusal } from './refusal.ts';

/** What an authorizer answers, in the words of neither transport. */
type Decision =
  | {
      readonly allow: true;
      readonly header?: readonly [string, string];
      readonly remove?: string;
      readonly response?: readonly [string, string];
    }
  | {
      readonly allow: false;
      readonly status: number;
      readonly body: string;
      readonly header?: readonly [string, string];
    }
  | { readonly broken: true }
  | { readonly silent: true };

interface Subject {
  readonly port: number;
  readonly settings: Partial<ExtAuthzProvider>;
  readonly asked: number;
  answer(decision: Decision): void;
  /** Gives the way to allow the next check instead of answering it. */
  hold(take: (allow: () => void) => void): void;
  seen(): { method: string; path: string; host: string; headers: Record<string, string>; body: string };
  /** Ends every connection, in use or not. */
  cut(): void;
  stop(): Promise<void>;
}

async function overHttp(): Promise<Subject> {
  const server = await HttpAuthorizer.start();
  return {
    port: server.port,
    settings: {
      transport: 'http',
      includeRequestHeadersInCheck: ['x-ext-authz', 'x-session'],
      headersToUpstreamOnAllow: ['x-user'],
      headersToDownstreamOnAllow: ['x-quota'],
      headersToDownstreamOnDeny: ['x-why'],
    },
    get asked() {
      return server.asked.length;
    },
    answer: (decision) => {
      server.decide = (_asked, response) => {
        if ('silent' in decision) return;
        if ('broken' in decision) response.writeHead(503).end('later');
        else if (decision.allow) {
          if (decision.header !== undefined) response.setHeader(...decision.header);
          if (decision.response !== undefined) response.setHeader(...decision.response);
          if (decision.remove !== undefined) response.setHeader('x-envoy-auth-headers-to-remove', decision.remove);
          response.end();
        } else {
          if (decision.header !== undefined) response.setHeader(...decision.header);
          response.writeHead(decision.status).end(decision.body);
        }
      };
    },
    seen: () => {
      const { method, url, headers, body } = server.last;
      return {
        method,
        path: url,
        host: headers.host ?? '',
        headers: headers as Record<string, string>,
        body: body.toString(),
      };
    },
    hold: (take) => {
      server.decide = (_asked, response) => take(() => response.end());
    },
    cut: () => server.dropIdle(),
    stop: () => server.stop(),
  };
}

async function overGrpc(): Promise<Subject> {
  const server = await GrpcAuthorizer.start();
  return {
    port: server.port,
    settings: { transport: 'grpc' },
    get asked() {
      return server.asked.length;
    },
    answer: (decision) => {
      server.decide = (_asked, caller) => {
        if ('silent' in decision) return once(caller, 'abort').then(() => ({}));
        if ('broken' in decision) throw new Error('later');
        const options =
          decision.header === undefined ? [] : [{ header: { key: decision.header[0], value: decision.header[1] } }];
        if (!decision.allow) {
          const { status, body } = decision;
          return {
            status: { code: 7 },
            httpResponse: { case: 'deniedResponse', value: { status: { code: status }, body, headers: options } },
          };
        }
        return {
          status: { code: 0 },
          httpResponse: {
            case: 'okResponse',
            value: {
              headers: options,
              headersToRemove: decision.remove?.split(',') ?? [],
              responseHeadersToAdd:
                decision.response === undefined
                  ? []
                  : [{ header: { key: decision.response[0], value: decision.response[1] } }],
            },
          },
        };
      };
    },
    seen: () => {
      const http = server.last.attributes?.request?.http;
      assert.ok(http !== undefined);
      const { method, path, host, headers, body } = http;
      return { method, path, host, headers, body };
    },
    hold: (take) => {
      server.decide = () => new Promise((resolve) => take(() => resolve({})));
    },
    cut: () => {
      for (const session of server.sessions) session.close();
    },
    stop: () => server.stop(),
  };
}

function approval(answer: AuthorizerAnswer): Approval {
  assert.equal(answer.kind, 'allowed', JSON.stringify(answer));
  return answer.approval;
}

function refusal(answer: AuthorizerAnswer): AuthorizerRefusal {
  assert.notEqual(answer.kind, 'allowed');
  assert.ok(answer.kind !== 'allowed');
  return answer;
}

type PeekBody = NonNullable<ReturnType<typeof callOf>['http']>['peekBody'];

function lateBy(milliseconds: number, peekBody: PeekBody): PeekBody {
  return async (limit, signal) => {
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    assert.ok(peekBody !== undefined);
    return peekBody(limit, signal);
  };
}

function bodyOf(answer: AuthorizerRefusal): string {
  return Buffer.from(answer.body).toString();
}

for (const [name, start] of [
  ['HTTP', overHttp],
  ['gRPC', overGrpc],
] as const) {
  describe(`an external authorizer over ${name}`, () => {
    let subject: Subject;
    let asking: Asking;
    const ask = (asked?: Asked, settings?: Partial<ExtAuthzProvider>): Promise<AuthorizerAnswer> =>
      asking.ask(providerAt(subject.port, { ...subject.settings, ...settings }), asked);

    before(async () => {
      subject = await start();
    });
    before(() => {
      asking = startAsking();
    });
    afterEach(() => subject.answer({ allow: true }));
    after(async () => {
      asking.authorizer.close();
      await subject.stop();
    });

    it('is asked about method, path with query, host and the headers of its list', async () => {
      subject.answer({ allow: true });
      const rawHeaders = [
        'Host',
        'orders-api:80',
        'X-Session',
        'abc',
        'Authorization',
        'Bearer t',
        'Content-Length',
        '12',
      ];
      approval(await ask({ method: 'PUT', target: '/orders/7?a=b', host: 'orders-api:80', rawHeaders }));
      const { method, path, host, headers } = subject.seen();
      assert.deepEqual({ method, path, host }, { method: 'PUT', path: '/orders/7?a=b', host: 'orders-api:80' });
      assert.equal(headers['x-session'], 'abc');
      assert.equal(headers['authorization'], 'Bearer t');
    });

    it('allows, and its approval names provider and policy', async () => {
      const { provider, policy, failedOpen } = approval(await ask());
      assert.deepEqual(
        { provider: provider.name, policy, failedOpen },
        { provider: 'sample-ext-authz', policy: 'default/ext-authz', failedOpen: '' },
      );
    });

    it('sets and removes headers of the request, and adds to the response', async () => {
      subject.answer({
        allow: true,
        header: ['X-User', 'ada'],
        remove: 'X-Session,host,content-length',
        response: ['X-Quota', '3'],
      });
      const { request, response } = approval(await ask());
      assert.deepEqual(request, [
        { action: 'set', name: 'x-user', value: 'ada' },
        { action: 'remove', name: 'x-session', value: '' },
      ]);
      assert.deepEqual(response, [{ action: 'add', name: 'x-quota', value: '3' }]);
    });

    it('denies with its own status, body and headers', async () => {
      subject.answer({ allow: false, status: 401, body: 'who are you?', header: ['X-Why', 'no session'] });
      const answer = refusal(await ask());
      assert.equal(answer.kind, 'denied');
      assert.equal(answer.status, 401);
      assert.equal(bodyOf(answer), 'who are you?');
      const headers = Object.fromEntries(answer.headers);
      assert.equal(headers['x-why'], 'no session');
      assert.equal(headers['content-length'], '12');
      assert.equal(headers['content-type'], 'text/plain');
      const { decision, policy, rule, action, reason } = answer.verdict;
      assert.deepEqual(
        { decision, policy, rule, action },
        { decision: 'DENY', policy: 'default/ext-authz', rule: 0, action: 'CUSTOM' },
      );
      assert.match(reason, /"sample-ext-authz" said no with 401/);
    });

    it('a failure denies with statusOnError', async () => {
      subject.answer({ broken: true });
      const answer = refusal(await ask({}, { statusOnError: 503 }));
      assert.equal(answer.kind, 'failed');
      assert.equal(answer.status, 503);
      assert.equal(bodyOf(answer), '');
      assert.match(answer.verdict.reason, /could not be asked: /);
    });

    it('a failure allows where the provider fails open, and says so', async () => {
      subject.answer({ broken: true });
      assert.match(approval(await ask({}, { failOpen: true })).failedOpen, /could not be asked: /);
    });

    it('a denial stays one where the provider fails open', async () => {
      subject.answer({ allow: false, status: 403, body: '' });
      assert.equal(refusal(await ask({}, { failOpen: true })).kind, 'denied');
    });

    it('has as long as its timeout says', async () => {
      subject.answer({ silent: true });
      const answer = refusal(await ask({}, { timeoutMs: 60 }));
      assert.equal(answer.kind, 'failed');
      assert.match(answer.verdict.reason, /no answer within 60 ms/);
      subject.answer({ allow: true });
      approval(await ask());
    });

    it('may have longer than timers can count', async () => {
      approval(await ask({}, { timeoutMs: 40 * 24 * 3_600_000 }));
    });

    it('is not waited for when the caller goes away, and that never allows', async () => {
      subject.answer({ silent: true });
      const caller = new AbortController();
      const before = subject.asked;
      const answer = ask({ signal: caller.signal }, { failOpen: true });
      await until('the check to arrive', () => subject.asked > before);
      caller.abort();
      assert.match(refusal(await answer).verdict.reason, /the caller went away/);
    });

    it('nobody listens: a failure', async () => {
      const answer = refusal(await asking.ask(providerAt(1, subject.settings)));
      assert.equal(answer.kind, 'failed');
      assert.match(answer.verdict.reason, /could not be asked: .*ECONNREFUSED/);
    });

    it('no connection can be made: a failure', async () => {
      const connect = (): never => {
        throw new Error('no instance of it is registered');
      };
      const provider = providerAt(subject.port, subject.settings);
      const lonely = new ExternalAuthorizer({ connect, clock });
      const answer = lonely.ask({ kind: 'ask', provider, policy: 'default/ext-authz', rule: 0 }, callOf());
      assert.match(refusal(await answer).verdict.reason, /no instance of it is registered/);
      lonely.close();
    });

    it('connections are used again, and many checks at once all get their own answer', async () => {
      subject.answer({ allow: true });
      await ask();
      const { opened } = asking.connections;
      for (let turn = 0; turn < 20; turn += 1) approval(await ask());
      assert.equal(asking.connections.opened, opened);
      const answers = await Promise.all(Array.from({ length: 300 }, () => ask()));
      for (const answer of answers) approval(answer);
      assert.ok(asking.connections.opened - opened <= 128);
    });

    it('a connection that the server ended between checks is replaced without a failure', async () => {
      subject.answer({ allow: true });
      approval(await ask());
      for (let turn = 0; turn < 5; turn += 1) {
        subject.cut();
        approval(await ask());
      }
    });

    it('a check under way ends where connections are let go, and the next one has a new connection', async () => {
      let release: (() => void) | undefined;
      subject.hold((go) => {
        release = go;
      });
      const answer = ask();
      const go = await until('the check to arrive', () => release);
      const { opened } = asking.connections;
      asking.authorizer.close();
      go();
      approval(await answer);
      subject.answer({ allow: true });
      approval(await ask());
      assert.equal(asking.connections.opened, opened + 1);
      await until('the old connection to be gone', () => asking.connections.sockets.size === 1);
    });

    it('gets the body when it wants one, and learns whether that is all', async () => {
      subject.answer({ allow: true });
      const whole = {
        includeRequestBodyInCheck: { maxRequestBytes: 10, allowPartialMessage: false, packAsBytes: false },
      };
      const rawHeaders = ['X-Envoy-Auth-Partial-Body', 'false', 'Content-Type', 'text/plain', 'Content-Length', '5'];
      approval(await ask({ method: 'POST', body: 'hello', rawHeaders }, whole));
      assert.equal(subject.seen().body, 'hello');
      assert.equal(subject.seen().headers['x-envoy-auth-partial-body'], 'false');
      const partial = { includeRequestBodyInCheck: { ...whole.includeRequestBodyInCheck, allowPartialMessage: true } };
      approval(await ask({ method: 'POST', body: 'hello, authorizer', rawHeaders }, partial));
      assert.equal(subject.seen().body, 'hello, aut');
      assert.equal(subject.seen().headers['x-envoy-auth-partial-body'], 'true');
    });

    it('a body larger than it takes is answered with 413, and it is not asked', async () => {
      const asked = subject.asked;
      const includeRequestBodyInCheck = { maxRequestBytes: 4, allowPartialMessage: false, packAsBytes: false };
      const answer = refusal(
        await ask({ method: 'POST', body: 'hello' }, { includeRequestBodyInCheck, failOpen: true }),
      );
      assert.equal(answer.status, 413);
      assert.equal(subject.asked, asked);
    });

    it('a body that comes slowly is not its time, nor a way around it', async () => {
      subject.answer({ allow: false, status: 403, body: 'no' });
      const includeRequestBodyInCheck = { maxRequestBytes: 10, allowPartialMessage: false, packAsBytes: false };
      const provider = providerAt(subject.port, {
        ...subject.settings,
        includeRequestBodyInCheck,
        timeoutMs: 600,
        failOpen: true,
      });
      const call = callOf({ method: 'POST', body: 'hello' });
      assert.ok(call.http !== undefined);
      const { peekBody } = call.http;
      const late = { ...call, http: { ...call.http, peekBody: lateBy(700, peekBody) } };
      const ask = { kind: 'ask', provider, policy: 'default/ext-authz', rule: 0 } as const;
      assert.equal(refusal(await asking.authorizer.ask(ask, late)).kind, 'denied');
      const broken = { ...call, http: { ...call.http, peekBody: () => Promise.reject(new Error('cut off')) } };
      assert.match(refusal(await asking.authorizer.ask(ask, broken)).verdict.reason, /cut off/);
    });

    it('a header that a caller sent twice is shown as one', async () => {
      subject.answer({ allow: true });
      approval(await ask({ rawHeaders: ['x-session', 'one', 'X-Session', 'two'] }));
      assert.equal(subject.seen().headers['x-session'], 'one,two');
    });
  });
}
