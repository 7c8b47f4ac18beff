// Seals beside the page. The answer that brought this script forbids it every connection: what it reads, the key among it,
// goes nowhere but into its own memory, which is wiped after each call, and to the page as the sealed file.
'use strict';

const PROGRESS_EVERY_MS = 100;
// Pieces of the sealed file that stand in memory before the browser is given them as one, which it may put on its disk.
const PIECES = 16;
// The host's page and the module beside it are made by two builds, and only one of them may have been made anew.
const OTHER_VERSION = '网页与平台的网页程序版本不符，请平台重新生成后再用，或改用命令 '
  + '/ this page and the host\'s module are of different versions: the host has to build it anew; or use the command [desk.other-version]';

/** One call of the module over `files` (File objects by number); a fresh memory each time. */
function run(compiled, { call, request, pin, files }) {
  const reader = new FileReaderSync();
  const made = [];
  let pieces = [];
  let told = 0;
  let bug = null;
  let memory = null;
  const bytes = (at, len) => new Uint8Array(memory.buffer, at >>> 0, len >>> 0);
  const gather = () => {
    made.push(new Blob(pieces));
    pieces = [];
  };

  const imports = {
    mifeng: {
      read(id, at, to, len) {
        try {
          const piece = new Uint8Array(reader.readAsArrayBuffer(files[id].slice(at, at + len)));
          bytes(to, piece.length).set(piece);
          return piece.length;
        } catch (error) {
          return -1;
        }
      },
      failed(at, len) {
        bug = new TextDecoder().decode(bytes(at, len).slice());
      },
      random(to, len) {
        try {
          crypto.getRandomValues(bytes(to, len));
          return 0;
        } catch (error) {
          return -1;
        }
      },
      write(at, len) {
        try {
          pieces.push(bytes(at, len).slice());
          if (pieces.length === PIECES) gather();
          return 0;
        } catch (error) {
          return -1;
        }
      },
      progress(done, total) {
        const now = performance.now();
        if (now - told < PROGRESS_EVERY_MS) return;
        told = now;
        postMessage({ type: 'progress', done, total });
      },
    },
  };

  try {
    const { exports } = new WebAssembly.Instance(compiled, imports);
    memory = exports.memory;
    const give = (data) => {
      const at = exports.alloc(data.length) >>> 0;
      bytes(at, data.length).set(data);
      return at;
    };
    const text = new TextEncoder().encode(JSON.stringify(request));
    const more = pin === null ? [] : [give(pin), pin.length];
    if (!(call in exports)) throw new Error(OTHER_VERSION);
    const answer = BigInt.asUintN(64, exports[call](give(text), text.length, ...more));
    if (answer === 0n) throw new Error(OTHER_VERSION);
    const json = bytes(Number(answer >> 32n), Number(answer & 0xffffffffn)).slice();
    gather();
    return { answer: JSON.parse(new TextDecoder().decode(json)), sealed: new Blob(made), memory: memory.buffer.byteLength };
  } catch (error) {
    throw new Error(bug ?? String(error));
  } finally {
    // Keys, passphrase and the secret of the seal were in here.
    if (memory !== null) new Uint8Array(memory.buffer).fill(0);
    if (pin !== null) pin.fill(0);
  }
}

self.onmessage = async (event) => {
  try {
    const compiled = await WebAssembly.compile(event.data.module);
    const start = performance.now();
    const done = run(compiled, event.data);
    postMessage({ type: 'done', ms: performance.now() - start, ...done });
  } catch (error) {
    postMessage({ type: 'bug', text: String(error.message ?? error) });
  }
};
