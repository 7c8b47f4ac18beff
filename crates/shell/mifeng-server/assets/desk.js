// What the desks have in common that work with a key in the page: the module in its worker, the tender's records, errors.
window.mifengDesk = (function () {
  'use strict';
  if (!(window.Worker && window.WebAssembly && window.BigInt && window.crypto && crypto.getRandomValues && window.fetch)) return null;

  const zh = document.documentElement.lang.startsWith('zh');
  const inLang = (text) => (zh ? text.zh : text.en);
  const gone = zh ? '平台暂不可用，请稍后再试' : 'the host is not available: please try again later';
  const bug = zh ? '程序出错，什么也没有签：' : 'the program failed, nothing was signed: ';
  const waits = zh ? '本浏览器中有一份正在签署或已签署而未提交：请先提交或放弃它（可能在另一窗口），否则它的编号作废'
    : 'something is being signed in this browser, or is signed and not sent: send or discard it first (perhaps in another window), or its number is void';
  // Another window has just ended its own, perhaps.
  const HOLD_MS = 1000;
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

  /** What a receipt proves of a record of the tender: the host's signature, the log's proof, by the keys that its records name. */
  async function proved(name, receipt, record) {
    const tender = await bundle(name);
    const give = (number, file, called) => ({ id: number, name: file.name || called, size: file.size });
    const request = { tender: tender.given, receipt: give(1, receipt, 'receipt'), record: give(2, record, 'record') };
    const { answer } = await call('receipt', request, null, [tender.file, receipt, record]);
    if (answer.problem) throw new Error(problem(answer.problem));
    return answer.proved;
  }

  /** What was typed into a field, as bytes; the field is empty then. */
  function taken(input) {
    const bytes = new TextEncoder().encode(input.value);
    input.value = '';
    return bytes;
  }

  /** The instant in the canonical form of every record. */
  const now = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

  /** A list of names and values; `null` values are left out. */
  function facts(list, entries) {
    list.replaceChildren(...entries.filter(([, value]) => value !== null).flatMap(([name, value]) => {
      const term = document.createElement('dt');
      const said = document.createElement('dd');
      term.textContent = name;
      said.textContent = value;
      return [term, said];
    }));
  }

  /** As the other pages: China Standard Time. */
  const local = (time) => new Date(Date.parse(time) + 8 * 3600000).toISOString().slice(0, 19).replace('T', ' ');

  const named = (one) => inLang(one.words) + ' · ' + one.digest;

  // The next number of the bidder's own count, by log. It stays in the browser under the log's name, so that a page that is
  // loaded again does not give a number twice.
  const numbers = new Map();
  const slot = (origin) => 'mifeng-count ' + origin;

  function least(origin) {
    const number = numbers.get(origin) ?? 0;
    try {
      const kept = Number(localStorage.getItem(slot(origin)));
      return Number.isSafeInteger(kept) && kept > number ? kept : number;
    } catch (error) {
      return number;
    }
  }

  function remember(origin, next) {
    // Never back: another window may have gone on meanwhile.
    const most = Math.max(next, least(origin));
    numbers.set(origin, most);
    try {
      localStorage.setItem(slot(origin), String(most));
    } catch (error) {
      // Forbidden or full: the file with the count is saved, and time goes on.
    }
  }

  // A host takes numbers in their order. So there is one signing at a time for each log, in all windows of this browser, and
  // the next begins when what was signed is sent or discarded.
  const held = new Set();

  /** Begins a signing; what is given back ends it. */
  async function hold(origin) {
    const name = slot(origin);
    if (held.has(name)) throw new Error(waits);
    held.add(name);
    let free = () => {};
    if (navigator.locks && window.AbortController) {
      const stop = new AbortController();
      setTimeout(() => stop.abort(), HOLD_MS);
      const got = await new Promise((told) => {
        navigator.locks.request(name, { signal: stop.signal }, () => new Promise((end) => {
          free = end;
          told(true);
        })).catch((error) => told(error.name !== 'AbortError'));
      });
      if (!got) {
        held.delete(name);
        throw new Error(waits);
      }
    }
    let on = true;
    return () => {
      if (on) held.delete(name);
      on = false;
      free();
    };
  }

  /** Does something for which fields are shut; whoever was in one of them is there again afterwards. */
  async function inPlace(work) {
    const was = document.activeElement;
    await work();
    if (was && document.activeElement === document.body) was.focus();
  }

  /** A link that saves something under a name, in place of what the link saved before. */
  function savable(link, what, name) {
    if (link.href) URL.revokeObjectURL(link.href);
    link.href = URL.createObjectURL(new Blob([what], { type: 'application/octet-stream' }));
    link.download = link.textContent = name;
  }

  // `own`: the bids of whoever is signed in, as the host lists them (sign.js).
  return { ask, bundle, call, facts, hold, inLang, inPlace, least, loaded, local, named, now, own: [], problem, proved, remember, savable, taken };
}());
