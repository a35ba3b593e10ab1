// What the client sends: the requests that the node is written for. Fails when a new client sends others.

import assert from "node:assert/strict";
import test from "node:test";

import { connect, unique } from "./client.js";

/** @param {import("./client.js").Exchange | undefined} exchange */
function sent(exchange) {
  assert.ok(exchange);
  const { method, url, headers, body } = exchange;
  const input = url.searchParams.get("input");
  return {
    method,
    path: url.pathname.replace(/^.*\/trpc\//, ""),
    batch: url.searchParams.get("batch"),
    input: input === null ? undefined : JSON.parse(input),
    type: headers.get("content-type"),
    body: body === undefined ? undefined : JSON.parse(body),
  };
}

test("a batch of queries is a GET with its inputs by position", async () => {
  const { client, exchanges } = connect();
  await Promise.all([
    client.academic.listPrograms.query({ limit: 1 }),
    client.academic.listPrograms.query(),
    client.academic.listCourses.query({ limit: 2 }),
  ]);
  assert.deepEqual(exchanges.map(sent), [{
    method: "GET",
    path: "academic.listPrograms,academic.listPrograms,academic.listCourses",
    batch: "1",
    input: { 0: { limit: 1 }, 2: { limit: 2 } },
    type: null,
    body: undefined,
  }]);
});

test("a mutation in a batch is a POST of JSON with its input by position", async () => {
  const { client, exchanges } = connect();
  const program = { code: unique("P"), name: "P" };
  await client.academic.createProgram.mutate(program);
  assert.deepEqual(exchanges.map(sent), [{
    method: "POST",
    path: "academic.createProgram",
    batch: "1",
    input: undefined,
    type: "application/json",
    body: { 0: program },
  }]);
});

test("a call alone carries its input as it is", async () => {
  const { client, exchanges } = connect({ batch: false });
  const program = { code: unique("P"), name: "P & Q" };
  await client.academic.createProgram.mutate(program);
  await client.academic.listPrograms.query({ code: program.code });
  const [write, read] = exchanges.map(sent);
  assert.deepEqual([write?.path, write?.batch, write?.body], ["academic.createProgram", null, program]);
  assert.deepEqual([read?.path, read?.batch, read?.input], ["academic.listPrograms", null, { code: program.code }]);
});
