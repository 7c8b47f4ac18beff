// Opens our timelock vectors with tlock-js (npm), and ours must refuse nothing of it: the other direction is
// `mifeng-testkit vectors` over files that tlock-js, drand's tlock (Go) and tlock_age (Rust) made.
//
//   npm install --prefix DIR tlock-js@0.9.0 && node tests/interop/tlock.mjs DIR test-vectors/tlock/own.json
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const [folder, file] = process.argv.slice(2);
const require = createRequire(join(resolve(folder), "package.json"));
const { decryptOnG2 } = require("tlock-js/crypto/ibe.js");
const bytes = (text) => Buffer.from(text, "hex");
const vector = JSON.parse(readFileSync(file));

const open = async (row) => {
  const c = bytes(row.ciphertext);
  const parts = { U: c.subarray(0, 96), V: c.subarray(96, 112), W: c.subarray(112) };
  return Buffer.from(await decryptOnG2(bytes(row.signature), parts)).toString("hex");
};

let failed = 0;
for (const row of vector.sealed) {
  const agrees = (await open(row)) === row.m;
  console.log(`${agrees ? "ok     " : "FAILED "} round ${row.round} opens`);
  failed += agrees ? 0 : 1;
}
for (const row of vector.refused.filter((row) => row.code === "lock.timelock-ciphertext")) {
  const refused = await open(row).then((m) => m !== vector.sealed[0].m, () => true);
  console.log(`${refused ? "ok     " : "FAILED "} ${row.why}`);
  failed += refused ? 0 : 1;
}
process.exit(failed ? 1 : 0);
