// Clients of the platform that LXP_URL and LXP_TOKEN name, and what went over the wire. Their type is that of the
// operations (shard-node/trpc.ts): each call here is compiled against it.

import { createTRPCClient, httpBatchLink, httpLink, TRPCClientError } from "@trpc/client";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

/** @param {string} name */
function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: eval "$(lxp local env)"`);
  return value;
}

export const url = `${setting("LXP_URL").replace(/\/$/, "")}/trpc`;
const token = setting("LXP_TOKEN");

/**
 * @typedef {import("../../shard-node/trpc.ts").AppRouter} AppRouter
 * @typedef {import("@trpc/client").TRPCClient<AppRouter>} Client
 * @typedef {{method: string, url: URL, headers: Headers, body: string | undefined, status: number}} Exchange
 * @typedef {{batch?: boolean, token?: string | null, headers?: Record<string, string>}} Options
 */

/**
 * A client, and the exchanges that it had.
 *
 * @param {Options} [options]
 */
export function connect({ batch = true, token: bearer = token, headers = {} } = {}) {
  /** @type {Exchange[]} */
  const exchanges = [];
  const link = {
    url,
    headers: { ...headers, ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }) },
    /** @type {(input: any, init?: any) => Promise<Response>} */
    async fetch(input, init) {
      const response = await fetch(input, { ...init, signal: AbortSignal.timeout(15_000) });
      exchanges.push({
        method: init.method,
        url: new URL(input),
        headers: new Headers(init.headers),
        body: init.body,
        status: response.status,
      });
      return response;
    },
  };
  /** @type {import("@trpc/client").TRPCLink<AppRouter>[]} */
  const links = [batch ? httpBatchLink(link) : httpLink(link)];
  /** @type {Client} */
  const client = createTRPCClient({ links });
  return { client, exchanges };
}

/** A code that no other run has. @param {string} prefix */
export function unique(prefix) {
  return `${prefix}-${randomUUID().slice(0, 8).toUpperCase()}`;
}

/**
 * The error that a call ends with.
 *
 * @param {Promise<unknown>} call
 * @returns {Promise<TRPCClientError<AppRouter>>}
 */
export async function refused(call) {
  const outcome = await call.then(
    (data) => assert.fail(`answered ${JSON.stringify(data)}`),
    (error) => error,
  );
  assert.ok(outcome instanceof TRPCClientError, String(outcome));
  return outcome;
}

/**
 * A course, a term and a class in it, made by one batch after the other.
 *
 * @param {Client} client
 * @param {number} capacity
 */
export async function openClass(client, capacity) {
  const [course, term] = await Promise.all([
    client.academic.createCourse.mutate({ code: unique("C"), title: "Computing", credits: "30" }),
    client.academic.createTerm.mutate({
      code: unique("T"),
      name: "Autumn",
      startsOn: "2026-09-01",
      endsOn: "2026-12-14",
    }),
  ]);
  return client.academic.createClass.mutate({
    courseId: course.id,
    termId: term.id,
    code: unique("K"),
    capacity,
    waitlistCapacity: 5,
  });
}

/** @param {Client} client */
export function createStudent(client) {
  const studentNo = unique("S");
  return client.academic.createStudent.mutate({ studentNo, givenName: "Ada", familyName: "Lovelace" });
}
