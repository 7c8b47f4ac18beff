// Seals a bid in the page: the work is done by a module in a worker that can reach no network (desk.js, desk-worker.js); this
// script asks, shows, and has the results saved before they are sent (send.js).
(function () {
  'use strict';
  const form = document.getElementById('seal');
  const desk = window.mifengDesk;
  if (!form || !desk || !window.mifengSend) return;

  const id = (name) => document.getElementById(name);
  const word = (name) => form.getAttribute('data-' + name);
  const { facts, inLang, local, named, problem } = desk;

  // Final offers are sealed after the close, in a round of their lot; bids before.
  const offer = form.hasAttribute('data-offer');
  let notice = null;
  let origin = '';
  // The bid that is to be replaced, as its record and receipt showed it (earlier.js).
  let old = null;
  // Sealed and not proved to be in the log: leaving the page would lose it.
  let unsent = null;
  // Ends the signing that began with the seal (desk.js).
  let free = null;
  let working = false;
  let sending = false;
  // Files of this seal that were not asked for yet.
  const wanted = new Set();

  function say(text) {
    id('told').textContent = text;
  }

  function ready() {
    const still = working || sending;
    id('verify').disabled = id('what').disabled = id('who').disabled = id('discard').disabled = still;
    id('ondisk').disabled = still || wanted.size > 0;
    id('go').disabled = still || wanted.size > 0 || !id('ondisk').checked;
  }

  function busy(on) {
    working = on;
    ready();
    id('sealing').hidden = !on;
    id('sealing').removeAttribute('value');
  }

  function records() {
    say(word('fetching'));
    return desk.bundle(word('name'));
  }

  async function look() {
    const { file, given } = await records();
    say(word('looking'));
    const { answer } = await desk.call('look', { tender: given }, null, [file]);
    if (answer.problem) throw new Error(problem(answer.problem));
    const tender = answer.tender;
    const lots = offer ? tender.rounds.map((round) => round.lot) : tender.lots;
    if (lots.length === 0) throw new Error(word('noround'));
    notice = tender.notice.digest;
    origin = tender.origin;
    const lot = old ? old.lot : id('lot').value;
    id('lot').replaceChildren(...lots.map((one) => new Option(one.id + ' · ' + inLang(one.title), one.id)));
    if (lots.some((one) => one.id === lot)) id('lot').value = lot;
    facts(id('relied'), [
      [word('notice'), tender.tender + ' · ' + inLang(tender.title) + ' · ' + named(tender.notice)],
      ...tender.boards.map((board) => [word('board') + ' ' + board.name, named(board)]),
      ...tender.roots.map((root) => [word('root'), root.name + ' · ' + named(root)]),
      [word('policy'), inLang(tender.policy)],
      [word('suite'), tender.suite],
      ...(offer ? tender.rounds.map((round) => [word('round') + round.lot.id, local(round.deadline)]) : [[word('deadline'), local(tender.deadline)]]),
      [word('origin'), tender.origin],
    ]);
    id('looked').hidden = id('what').hidden = id('who').hidden = false;
    say(word('looked'));
  }

  // A final offer's words come from its digits; nothing is sealed before they stand there.
  let spelling = Promise.resolve();

  async function spell() {
    const price = id('price').value.trim();
    id('words').value = '';
    if (price === '') return;
    const { answer } = await desk.call('price', { price }, null, []);
    // Corrected meanwhile: these are the words of another price.
    if (id('price').value.trim() !== price) return;
    if (answer.problem) throw new Error(problem(answer.problem));
    id('words').value = answer.words;
    // Where it is read aloud.
    say(word('spelled') + answer.words);
  }

  // Words rule (order 87 art. 59): who typed two amounts is told before anything is sealed, once for the two.
  let compared = '';

  async function compare() {
    const [price, words] = [id('price').value.trim(), id('words').value.trim()];
    const both = price + ' ' + words;
    if (both === compared) return;
    const { answer } = await desk.call('price', { price, words }, null, []);
    if (answer.same !== false) return;
    compared = both;
    throw new Error(word('differ') + answer.words);
  }

  // The path in the bid: without the name of the chosen folder.
  function path(file) {
    return file.webkitRelativePath ? file.webkitRelativePath.split('/').slice(1).join('/') : file.name;
  }

  function lines(text) {
    return text.split('\n').map((line) => line.trim()).filter((line) => line !== '').map((line) => {
      const at = line.indexOf('=');
      return { name: line.slice(0, Math.max(at, 0)), value: line.slice(at + 1) };
    });
  }

  // The request to the module, and the files by number.
  function collect(bundle) {
    const files = [bundle.file];
    const give = (file, name) => ({ id: files.push(file) - 1, name, size: file.size });
    const one = (input) => (id(input).files.length > 0 ? give(id(input).files[0], id(input).files[0].name) : null);
    const chosen = [...id('files').files, ...id('folder').files];
    const request = {
      tender: bundle.given,
      notice,
      identity: [...id('identity').files].map((file) => give(file, file.name)),
      at: desk.now(),
      lot: id('lot').value,
      files: chosen.map((file) => give(file, path(file))),
      price: id('price').value.trim(),
      price_cn: id('words').value.trim(),
      declarations: { sme: id('small').checked, domestic: id('domestic').checked, brand: id('brand').value.trim() || null },
      fields: lines(id('fields').value),
      detail: one('detail'),
      offer,
      old: old && { record: give(old.record, old.record.name), seal: old.seal.digest },
      number: desk.least(origin),
    };
    return { request, files };
  }

  // What was sealed is in the log, or will not be sent: others may sign.
  function settled() {
    unsent = null;
    if (free !== null) free();
    free = null;
  }

  function discard() {
    settled();
    id('made').hidden = true;
    wanted.clear();
    ready();
  }

  async function seal() {
    if (free === null) free = await desk.hold(origin);
    id('made').hidden = id('lines').hidden = true;
    unsent = null;
    wanted.clear();
    try {
      await sealNow();
    } catch (error) {
      discard();
      throw error;
    }
  }

  async function sealNow() {
    await (offer ? spelling : compare());
    // Again: what was looked at may have changed, and the module compares.
    const bundle = await records();
    say(word('sealing'));
    const { request, files } = collect(bundle);
    await desk.loaded();
    // Last: what fails before leaves the passphrase in its field.
    const { answer, sealed, ms, memory } = await desk.call('seal', request, desk.taken(id('pin')), files, (part) => {
      id('sealing').value = part;
    });
    // For whoever measures.
    form.dataset.ms = Math.round(ms);
    form.dataset.memory = memory;
    id('lines').replaceChildren(...answer.lines.map((line) => {
      const item = document.createElement('li');
      item.className = { good: 'met', note: '', missing: 'unmet' }[line.mark];
      item.textContent = { good: '✔ ', note: '! ', missing: '✘ ' }[line.mark] + inLang(line.text);
      return item;
    }));
    id('lines').hidden = answer.lines.length === 0;
    if (answer.problem) throw new Error(problem(answer.problem));
    show(answer.kept, sealed, old);
  }

  function show(kept, sealed, before) {
    desk.remember(origin, kept.next);
    unsent = kept;
    id('ondisk').checked = false;
    id('proof').textContent = '';
    const base = word('name') + '-' + kept.lot + '-' + kept.seal.digest.slice(0, 8);
    facts(id('facts'), [
      [word('lot'), kept.lot],
      [word('price'), kept.price + ' · ' + kept.price_cn],
      [word('seal'), named(kept.seal)],
      [word('replaces'), kept.replaced && named(kept.replaced)],
      [word('signer'), kept.signer],
      [kept.tried ? '✔' : null, kept.tried ? word('tried') : null],
    ]);
    for (const link of id('keep').querySelectorAll('a')) URL.revokeObjectURL(link.href);
    const row = (end, what, needed, name) => {
      const item = document.createElement('li');
      const link = document.createElement('a');
      desk.savable(link, what, name || base + '.' + end);
      const mark = document.createElement('span');
      if (needed) wanted.add(link);
      link.addEventListener('click', () => {
        mark.textContent = ' ↓';
        wanted.delete(link);
        ready();
        if (wanted.size === 0) say(word('saved'));
      });
      item.append(link, ' — ' + word(end), mark);
      return item;
    };
    const rows = [row('bid', sealed, true), row('rec', kept.record, true), row('own', kept.own, true)];
    if (kept.leaf !== null) rows.push(row('leaf', kept.leaf, true));
    rows.push(row('count', kept.count[1], true, kept.count[0]));
    id('keep').replaceChildren(...rows);
    ready();
    id('go').onclick = () => {
      const taken = window.mifengSend(kept.record, base + '.rec', sealed, (receipt) => {
        sending = false;
        ready();
        if (receipt) check(receipt, kept, before);
      });
      if (!taken) {
        say(word('busy'));
        return;
      }
      sending = true;
      ready();
    };
    id('made').hidden = false;
    say(word('sealed'));
  }

  // Sent is what the receipt proves, not what the host says.
  async function check(receipt, kept, before) {
    const proof = await window.mifengProved(new Blob([receipt]), new Blob([kept.record])).catch((error) => error);
    // Another may have been sealed meanwhile.
    if (unsent !== kept) return;
    if (typeof proof !== 'string') {
      id('proof').textContent = proof.message;
      return;
    }
    settled();
    if (old === before) replace(null);
    document.dispatchEvent(new CustomEvent('mifeng-own', { detail: before && before.seal.digest }));
    id('proof').textContent = proof + (before ? word('counts') + inLang(before.seal.words) : '');
  }

  /** From now on what is sealed takes the place of this bid; of none with `null`. */
  function replace(bid) {
    if (offer) return;
    if (working || sending) throw new Error(word('busy'));
    // What is sealed says what it replaces.
    if (unsent !== null) throw new Error(word('unsent'));
    old = bid;
    id('replacing').hidden = bid === null;
    // Another lot's bid is no replacement.
    id('lot').disabled = bid !== null;
    if (bid !== null) {
      facts(id('replaced'), bid.facts);
      id('lot').value = bid.lot;
    }
  }

  if (offer) {
    id('price').addEventListener('input', () => { id('words').value = ''; });
    id('price').addEventListener('change', () => { spelling = spell().catch((error) => say(error.message)); });
  }
  if (!offer) id('keep-old').addEventListener('click', () => {
    try {
      replace(null);
      id('verify').focus();
    } catch (error) {
      say(error.message);
    }
  });
  // It was withdrawn in this page: nothing can take its place.
  document.addEventListener('mifeng-own', (event) => {
    if (old !== null && old.seal.digest === event.detail) replace(null);
  });

  window.mifengReplace = (bid) => {
    replace(bid);
    form.scrollIntoView();
    (id('what').hidden ? id('verify') : id('files')).focus();
  };

  const doing = (work) => desk.inPlace(async () => {
    busy(true);
    try {
      await work();
    } catch (error) {
      say(error.message);
    } finally {
      busy(false);
    }
  });

  window.addEventListener('beforeunload', (event) => {
    if (!working && unsent === null) return;
    event.preventDefault();
    event.returnValue = '';
  });
  id('ondisk').addEventListener('change', ready);
  id('discard').addEventListener('click', () => {
    discard();
    say(word('discarded'));
    id('verify').focus();
  });
  id('cannot').hidden = true;
  form.hidden = false;
  id('verify').addEventListener('click', () => doing(look));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    doing(seal);
  });
}());
