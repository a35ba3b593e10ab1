// What a TRPCClientError says, and that one call's error is not another's.

import { TRPC_ERROR_CODES_BY_KEY } from "@trpc/server/unstable-core-do-not-import";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import test from "node:test";

import { connect, createStudent, openClass, refused, unique } from "./client.js";

/**
 * @param {import("@trpc/client").TRPCClientError<any>} error
 * @param {number} status
 * @param {import("@trpc/server").TRPC_ERROR_CODE_KEY} word
 * @param {string} code
 */
function expectError(error, status, word, code) {
  const { httpStatus, code: sent, problem } = error.data ?? {};
  assert.deepEqual([httpStatus, sent, problem?.code], [status, word, code], error.message);
  assert.equal(error.shape.code, TRPC_ERROR_CODES_BY_KEY[word]);
  assert.match(problem.requestId, /^[\w.-]+$/);
}

for (const batch of [false, true]) {
  const link = batch ? "httpBatchLink" : "httpLink";

  test(`${link}: an error says its status, its code and the problem`, async () => {
    const { client } = connect({ batch });
    const program = { code: unique("P"), name: "P" };
    await client.academic.createProgram.mutate(program);
    const taken = await refused(client.academic.createProgram.mutate(program));
    expectError(taken, 409, "CONFLICT", "code-taken");
    assert.equal(taken.data?.path, "academic.createProgram");
    assert.equal(taken.data?.problem.errors?.[0]?.pointer, "/code");

    const missing = await refused(client.academic.getProgram.query({ id: randomUUID() }));
    expectError(missing, 404, "NOT_FOUND", "not-found");
    // @ts-expect-error there is no such procedure
    const unknown = await refused(client.academic.noSuchThing.query({}));
    expectError(unknown, 404, "NOT_FOUND", "not-found");
    assert.match(unknown.message, /academic\.noSuchThing/);
  });

  test(`${link}: invalid input is pointed at`, async () => {
    const { client } = connect({ batch });
    // @ts-expect-error an unknown member
    const member = await refused(client.academic.createProgram.mutate({ code: "X", name: "X", shoe: 1 }));
    expectError(member, 400, "BAD_REQUEST", "invalid-input");
    assert.match(member.data?.problem.errors?.[0]?.detail ?? "", /shoe/);
    const id = await refused(client.academic.getProgram.query({ id: "seven" }));
    expectError(id, 400, "BAD_REQUEST", "invalid-input");
    assert.equal(id.data?.problem.errors?.[0]?.pointer, "/id");
    // @ts-expect-error an input is an object
    const text = await refused(client.academic.getProgram.query("seven"));
    expectError(text, 400, "BAD_REQUEST", "invalid-input");
  });

  test(`${link}: a read is a query, a write is a mutation`, async () => {
    const { client } = connect({ batch });
    // @ts-expect-error a read is a query
    const read = await refused(client.academic.listPrograms.mutate({}));
    expectError(read, 405, "METHOD_NOT_SUPPORTED", "method-not-allowed");
    // @ts-expect-error a write is a mutation
    const write = await refused(client.academic.createProgram.query({ code: unique("P"), name: "P" }));
    expectError(write, 405, "METHOD_NOT_SUPPORTED", "method-not-allowed");
  });

  for (const [token, code] of [[null, "token-missing"], ["no.token.here", "token-malformed"]]) {
    test(`${link}: 401 ${code}`, async () => {
      const { client } = connect({ batch, token });
      const { meta, data } = await refused(client.academic.listPrograms.query({}));
      // The router refuses it before any procedure is known, with a problem as on every other path.
      const response = /** @type {Response} */ (meta?.response);
      const sent = /** @type {import("../../shard-node/trpc.ts").Problem} */ (meta?.responseJSON);
      const problem = data?.problem ?? sent;
      assert.deepEqual([response.status, problem.code], [401, code]);
    });
  }
}

test("a batch of mixed outcomes is 207, and each call gets its own", async () => {
  const { client, exchanges } = connect();
  const code = unique("P");
  const { id } = await client.academic.createProgram.mutate({ code, name: "P" });
  exchanges.length = 0;
  const [stats, missing, list] = await Promise.allSettled([
    client.academic.getProgramStats.query({ id }),
    client.academic.getProgram.query({ id: randomUUID() }),
    client.academic.listPrograms.query({ code }),
  ]);
  assert.deepEqual([stats.status, missing.status, list.status], ["fulfilled", "rejected", "fulfilled"]);
  assert.deepEqual(exchanges.map(({ status }) => status), [207]);
});

test("a full class refuses one of a batch and seats the other", async () => {
  const { client, exchanges } = connect();
  const { id: classId } = await openClass(client, 1);
  const students = await Promise.all([createStudent(client), createStudent(client)]);
  exchanges.length = 0;
  const outcomes = await Promise.allSettled(
    students.map(({ id: studentId }) => client.academic.enrollStudent.mutate({ classId, studentId })),
  );
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  const full = outcomes.find((outcome) => outcome.status === "rejected");
  expectError(full?.reason, 409, "CONFLICT", "class-full");
  assert.deepEqual(exchanges.map(({ status }) => status), [207]);
});

test("a batch larger than is allowed is refused whole", async () => {
  const { client } = connect();
  const calls = Array.from({ length: 51 }, () => client.academic.listPrograms.query({}));
  for (const error of await Promise.all(calls.map(refused))) {
    expectError(error, 400, "BAD_REQUEST", "invalid-input");
  }
});
