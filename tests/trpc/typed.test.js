// What the router's type allows and what not. `tsc` is the test of the lines that are expected to be wrong: it fails
// where one of them is not. The others are also called.

import assert from "node:assert/strict";
import test from "node:test";

import { connect, refused, unique } from "./client.js";

const { client } = connect();

test("answers have the members of their types", async () => {
  const code = unique("P");
  const program = await client.academic.createProgram.mutate({ code, name: "Computing" });
  /** @type {string} */
  const id = program.id;
  /** @type {number} */
  const version = program.rowVersion;
  assert.equal(version, 1);
  const list = await client.academic.listPrograms.query({ code, limit: 1 });
  /** @type {import("../../shard-node/trpc.ts").Program | undefined} */
  const first = list.items[0];
  assert.equal(first?.id, id);
  /** @type {null} */
  const nothing = await client.academic.deleteProgram.mutate({ id });
  assert.equal(nothing, null);
});

test("an error has the problem", async () => {
  const error = await refused(client.academic.getProgram.query({ id: "seven" }));
  /** @type {string | undefined} */
  const pointer = error.data?.problem.errors?.[0]?.pointer;
  assert.equal(pointer, "/id");
  /** @type {number | undefined} */
  const status = error.data?.httpStatus;
  assert.equal(status, 400);
});

/** Compiled, never called. */
export async function wrong() {
  const id = "0190a1b2-0000-7000-8000-000000000001";
  // @ts-expect-error there is no such group
  await client.nothing.getProgram.query({ id });
  // @ts-expect-error there is no such procedure
  await client.academic.getNothing.query({ id });
  // @ts-expect-error a read is a query
  await client.academic.getProgram.mutate({ id });
  // @ts-expect-error a write is a mutation
  await client.academic.createProgram.query({ code: "A", name: "A" });
  // @ts-expect-error what is demanded may not be absent
  await client.academic.getProgram.query();
  // @ts-expect-error nor a member of it
  await client.academic.createProgram.mutate({ code: "A" });
  // @ts-expect-error an unknown member
  await client.academic.createProgram.mutate({ code: "A", name: "A", institutionId: id });
  // @ts-expect-error a member of another type
  await client.academic.listPrograms.query({ limit: "1" });
  // @ts-expect-error a word that is none of those allowed
  await client.academic.enrollStudent.mutate({ classId: id, studentId: id, onFull: "perhaps" });
  const program = await client.academic.getProgram.query({ id });
  // @ts-expect-error an answer has no such member
  program.shoe;
  // @ts-expect-error its member has another type
  program.rowVersion.toUpperCase();
  const student = await client.academic.getStudent.query({ id });
  // @ts-expect-error what may be null is not used as if it could not be
  student.email.length;
  const error = await refused(client.academic.getProgram.query({ id }));
  // @ts-expect-error a problem's code is a text
  error.data?.problem.code.toFixed();
}
