// The node's table of error codes is that of @trpc/server.

import { HTTP_CODE_TO_JSONRPC2, TRPC_ERROR_CODES_BY_KEY } from "@trpc/server/unstable-core-do-not-import";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";

const source = new URL("../../shard-node/src/trpc/envelope.rs", import.meta.url);

test("every status that tRPC has a word for has that word and number", async () => {
  const rows = (await readFile(source, "utf8")).matchAll(/^ +(\S+) => \("([A-Z_]+)", (-\d+)\),$/gm);
  const table = new Map([...rows].map(([, status, word, number]) => [status, [word, Number(number)]]));
  // 400 stands for all of the client's errors, 500 for all of ours.
  const place = /** @type {Record<string, string>} */ ({ 400: "400..=499", 500: "_" });
  const left = new Set(table.keys());
  for (const [status, word] of Object.entries(HTTP_CODE_TO_JSONRPC2)) {
    // No answer of ours has 499: whoever would read it has gone.
    if (status === "499") continue;
    const key = place[status] ?? status;
    assert.deepEqual(table.get(key), [word, TRPC_ERROR_CODES_BY_KEY[word]], `status ${status}`);
    left.delete(key);
  }
  assert.deepEqual([...left], [], "rows that tRPC does not have");
});
