// Procedures through the router: alone, in batches, repeated under a key.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import test from "node:test";

import { connect, createStudent, openClass, unique } from "./client.js";

for (const batch of [false, true]) {
  const link = batch ? "httpBatchLink" : "httpLink";

  test(`${link}: a program is created, read, listed and counted`, async () => {
    const { client } = connect({ batch });
    const code = unique("P");
    const made = await client.academic.createProgram.mutate({
      code,
      name: "BSc Informatik – ünïcode & more?",
      termSystem: "SEMESTER",
      termsPerYear: 2,
      weeksPerTerm: 15,
    });
    assert.equal(made.code, code);
    assert.equal(made.status, "DRAFT");
    assert.equal(made.termSystem.type, "SEMESTER");

    const [read, list, stats] = await Promise.all([
      client.academic.getProgram.query({ id: made.id }),
      client.academic.listPrograms.query({ code, limit: 2, select: "id,code" }),
      client.academic.getProgramStats.query({ id: made.id }),
    ]);
    assert.deepEqual(read, made);
    assert.deepEqual(list.items, [{ id: made.id, code }]);
    assert.equal(list.total, 1);
    assert.equal(stats.studentCount, 0);
    assert.equal(stats.courseCount, 0);
  });

  test(`${link}: a call may come without input`, async () => {
    const { client } = connect({ batch });
    const list = await client.academic.listPrograms.query();
    assert.ok(Array.isArray(list.items));
  });

  test(`${link}: a student gets the seat, the next one waits`, async () => {
    const { client } = connect({ batch });
    const { id: classId } = await openClass(client, 1);
    const first = await createStudent(client);
    const second = await createStudent(client);
    const seated = await client.academic.enrollStudent.mutate({ classId, studentId: first.id });
    assert.equal(seated.status, "ACTIVE");
    const waits = await client.academic.enrollStudent.mutate({
      classId,
      studentId: second.id,
      onFull: "waitlist",
    });
    assert.deepEqual([waits.status, waits.waitlistPosition], ["WAITLISTED", 1]);
    const again = await client.academic.enrollStudent.mutate({ classId, studentId: first.id });
    assert.equal(again.id, seated.id);
  });
}

test("calls of one tick are one request, and each gets its own answer", async () => {
  const { client, exchanges } = connect();
  const codes = Array.from({ length: 10 }, () => unique("P"));
  const made = await Promise.all(
    codes.map((code) => client.academic.createProgram.mutate({ code, name: code })),
  );
  assert.deepEqual(made.map((program) => program.code), codes);
  const read = await Promise.all(made.map(({ id }) => client.academic.getProgram.query({ id })));
  assert.deepEqual(read, made);
  assert.deepEqual(exchanges.map(({ method, status }) => [method, status]), [["POST", 200], ["GET", 200]]);
});

test("a batch that is sent again under its key is applied once", async () => {
  const headers = { "idempotency-key": randomUUID() };
  const codes = [unique("P"), unique("P")];
  const send = () => {
    const { client } = connect({ headers });
    return Promise.all(codes.map((code) => client.academic.createProgram.mutate({ code, name: code })));
  };
  const made = await send();
  assert.notEqual(made[0]?.id, made[1]?.id);
  assert.deepEqual(await send(), made);
});
