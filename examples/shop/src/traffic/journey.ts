import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '@rampart/core';

/** What a shop has to see that another one has not. */
export interface Sights {
  readonly pictures: boolean;
  readonly deliveries: boolean;
}

/** One request of a user, as the user saw it. */
export interface UserRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** 0 when there was no answer. */
  readonly status: number;
  readonly body: string;
}

export interface Journey {
  readonly user: string;
  /** "http://127.0.0.1:8080" */
  readonly target: string;
  readonly random: Random;
  /** Milliseconds a user thinks between two clicks, on average. 0: no pause. */
  readonly thinkMs: number;
  /** Whether this user follows the link that the policies forbid. */
  readonly curious: boolean;
  readonly sights: Sights;
  readonly onRequest: (request: UserRequest) => void;
}

const SKUS = ['lamp', 'mug', 'chair'] as const;

/** A visit to the shop: look around, order something, look at the order and where it is. */
export async function visit(journey: Journey): Promise<void> {
  await click(journey, { method: 'GET', path: '/' });
  await click(journey, { method: 'GET', path: '/products' });
  if (journey.sights.pictures) await click(journey, { method: 'GET', path: '/images/lamp.svg' });
  const sku = SKUS[Math.floor(journey.random() * SKUS.length)];
  const ordered = await click(journey, { method: 'POST', path: '/orders', body: { user: journey.user, sku } });
  const id = orderId(ordered);
  if (id === undefined) return;
  await click(journey, { method: 'GET', path: `/orders/${id}?user=${encodeURIComponent(journey.user)}` });
  if (journey.sights.deliveries)
    await click(journey, { method: 'GET', path: `/orders/${id}/delivery?user=${encodeURIComponent(journey.user)}` });
  if (journey.curious) await click(journey, { method: 'GET', path: `/orders/${id}/status` });
}

interface Click {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
}

async function click(journey: Journey, clicked: Click): Promise<UserRequest> {
  // People are irregular: exponential pauses make a Poisson process.
  if (journey.thinkMs > 0) await pause(-Math.log(1 - journey.random()) * journey.thinkMs);
  const request = await send(journey.target, clicked);
  journey.onRequest(request);
  return request;
}

/** Sends one request as a user's browser would: plain HTTP, from outside the mesh. */
export async function send(target: string, request: Click): Promise<UserRequest> {
  const { method, path } = request;
  try {
    const answer = await fetch(new URL(path, target), {
      method,
      headers: { 'content-type': 'application/json', 'user-agent': 'browser' },
      body: request.body === undefined ? null : JSON.stringify(request.body),
    });
    const body = await answer.text();
    return { method, path, status: answer.status, body };
  } catch (error) {
    return { method, path, status: 0, body: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function orderId(ordered: UserRequest): string | undefined {
  if (ordered.status !== 201) return undefined;
  const order: unknown = JSON.parse(ordered.body);
  return typeof order === 'object' && order !== null && 'id' in order ? String(order.id) : undefined;
}
