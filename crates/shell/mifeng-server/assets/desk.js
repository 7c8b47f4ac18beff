// What the desks have in common that work with a key in the page: the module in its worker, the tender's records, errors.
window.mifengDesk = (function () {
  'use strict';
  if (!(window.Worker && window.WebAssembly && window.BigInt && window.crypto && crypto.getRandomValues && window.fetch)) return null;

  const zh = document.documentElement.lang.startsWith('zh');
  const inLang = (text) => (zh ? text.zh : text.en);
  const gone = zh ? '平台暂不可用，请稍后再试' : 'the host is not available: please try again later';
  const bug = zh ? '程序出错，什么也没有签：' : 'the program failed, nothing was signed: ';
  let module = null;

  /** A file's name, what is wrong with it, and the stable code. */
  function problem(told) {
    return (told.file ? told.file + (zh ? '：' : ': ') : '') + inLang(told.text) + ' [' + told.code + ']';
  }

  /** An answer of the host; what it refuses is told in its own words. */
  async function ask(path, more) {
    let answer;
    try {
      answer = await fetch(path, { cache: 'no-store', headers: { 'accept-language': document.documentElement.lang }, ...more });
    } catch (error) {
      throw new Error(gone);
    }
    if (answer.ok) return answer;
    const told = await answer.json().catch(() => ({}));
    const failure = new Error(told.title ? told.title + (told.detail ? (zh ? '：' : ': ') + told.detail : '') + ' [' + told.code + ']' : gone);
    failure.status = answer.status;
    throw failure;
  }

  /** The tender's records now, as file number 0. */
  async function bundle(name) {
    const file = await (await ask('/v1/tenders/' + name + '/bundle')).blob();
    return { file, given: { id: 0, name: name + '.tar', size: file.size } };
  }

  /** The module; the browser may keep it for some minutes. */
  async function loaded() {
    if (module === null) module = await (await ask('/assets/desk.wasm', { cache: 'default' })).arrayBuffer();
    return module;
  }

  /** One call of the module, in a worker of its own that ends with it; `pin` is wiped. */
  async function call(name, request, pin, files, progress) {
    let worker = null;
    try {
      const code = await loaded();
      worker = new Worker('/assets/desk-worker.js');
      return await new Promise((done, dead) => {
        worker.onmessageerror = () => dead(new Error(bug + 'message'));
        worker.onerror = () => dead(new Error(bug + 'worker'));
        worker.onmessage = ({ data }) => {
          if (data.type === 'progress') progress(data.total > 0 ? data.done / data.total : 0);
          else if (data.type === 'bug') dead(new Error(bug + data.text));
          else done(data);
        };
        worker.postMessage({ call: name, module: code, request, pin, files }, pin === null ? [] : [pin.buffer]);
      });
    } finally {
      if (worker !== null) worker.terminate();
      // What was handed over is empty here.
      if (pin !== null && pin.length > 0) pin.fill(0);
    }
  }

  /** What was typed into a field, as bytes; the field is empty then. */
  function taken(input) {
    const bytes = new TextEncoder().encode(input.value);
    input.value = '';
    return bytes;
  }

  /** The instant in the canonical form of every record. */
  const now = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

  return { ask, bundle, call, inLang, loaded, now, problem, taken };
}());
