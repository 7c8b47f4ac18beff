// Runs one verification at a time beside the page. It reads the files in slices, and sends nothing
// anywhere: its only ways out are the module's two imports and messages to the page.
"use strict";

const PROGRESS_EVERY_MS = 100;

let module = null;

/** The module, from the page's bytes or, in the folder, from the file beside this one. */
async function load(bytes) {
  if (module === null) {
    const source = bytes ?? (await (await fetch("mifeng.wasm")).arrayBuffer());
    module = await WebAssembly.compile(source);
  }
  return module;
}

/** Runs the module over `files` (File objects by number); a fresh memory each time. */
function run(compiled, request, files) {
  const reader = new FileReaderSync();
  let read = 0;
  let told = 0;
  let bug = null;
  let memory = null;

  const imports = {
    mifeng: {
      read(id, at, to, len) {
        try {
          const slice = files[id].slice(at, at + len);
          const bytes = new Uint8Array(reader.readAsArrayBuffer(slice));
          new Uint8Array(memory.buffer, to >>> 0, bytes.length).set(bytes);
          read += bytes.length;
          const now = performance.now();
          if (now - told > PROGRESS_EVERY_MS) {
            told = now;
            postMessage({ type: "progress", read });
          }
          return bytes.length;
        } catch (error) {
          return -1;
        }
      },
      failed(at, len) {
        bug = new TextDecoder().decode(new Uint8Array(memory.buffer, at >>> 0, len >>> 0).slice());
      },
    },
  };

  try {
    const { exports } = new WebAssembly.Instance(compiled, imports);
    memory = exports.memory;
    const text = new TextEncoder().encode(JSON.stringify(request));
    const at = exports.alloc(text.length) >>> 0;
    new Uint8Array(memory.buffer, at, text.length).set(text);
    const answer = BigInt.asUintN(64, exports.verify(at, text.length));
    const place = Number(answer >> 32n);
    const length = Number(answer & 0xffffffffn);
    const json = new TextDecoder().decode(new Uint8Array(memory.buffer, place, length).slice());
    exports.free(place, length);
    return { answer: JSON.parse(json), read, memory: memory.buffer.byteLength };
  } catch (error) {
    throw new Error(bug ?? String(error));
  }
}

self.onmessage = async (event) => {
  const { wasm, request, files } = event.data;
  try {
    const compiled = await load(wasm);
    const start = performance.now();
    const done = run(compiled, request, files);
    postMessage({ type: "done", ms: performance.now() - start, ...done });
  } catch (error) {
    postMessage({ type: "bug", text: String(error.message ?? error) });
  }
};
