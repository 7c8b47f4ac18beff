// Seals a bid in the page: the work is done by a module in a worker that can reach no network (desk.js, desk-worker.js); this
// script asks, shows, and has the results saved before they are sent (send.js).
(function () {
  'use strict';
  const form = document.getElementById('seal');
  const desk = window.mifengDesk;
  if (!form || !desk || !window.mifengSend) return;

  const id = (name) => document.getElementById(name);
  const word = (name) => form.getAttribute('data-' + name);
  const { inLang, problem } = desk;

  let notice = null;
  // The next number of the bidder's own count, for as long as the page stands.
  let number = 0;

  function say(text) {
    id('told').textContent = text;
  }

  function busy(on) {
    id('verify').disabled = on;
    for (const button of form.querySelectorAll('button[type=submit]')) button.disabled = on;
    id('sealing').hidden = !on;
    id('sealing').removeAttribute('value');
  }

  // A list of names and values; `null` values are left out.
  function facts(list, entries) {
    list.replaceChildren(...entries.filter(([, value]) => value !== null).flatMap(([name, value]) => {
      const term = document.createElement('dt');
      const said = document.createElement('dd');
      term.textContent = name;
      said.textContent = value;
      return [term, said];
    }));
  }

  const named = (one) => inLang(one.words) + ' · ' + one.digest;

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
    notice = tender.notice.digest;
    facts(id('relied'), [
      [word('notice'), tender.tender + ' · ' + named(tender.notice)],
      ...tender.boards.map((board) => [word('board') + ' ' + board.name, named(board)]),
      ...tender.roots.map((root) => [word('root'), root.name + ' · ' + root.digest]),
      [word('policy'), JSON.stringify(tender.policy)],
      [word('suite'), tender.suite],
      [word('deadline'), tender.deadline],
      [word('origin'), tender.origin],
    ]);
    id('looked').hidden = id('what').hidden = id('who').hidden = false;
    say(word('looked'));
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
      old: one('old'),
      number,
    };
    return { request, files };
  }

  async function seal() {
    const pin = desk.taken(id('pin'));
    id('made').hidden = id('lines').hidden = true;
    // Again: what was looked at may have changed, and the module compares.
    const bundle = await records();
    say(word('sealing'));
    const { request, files } = collect(bundle);
    const { answer, sealed, ms, memory } = await desk.call('seal', request, pin, files, (part) => {
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
    show(answer.kept, sealed, request.lot);
  }

  function show(kept, sealed, lot) {
    number = kept.next;
    const base = word('name') + '-' + lot + '-' + kept.seal.digest.slice(0, 8);
    facts(id('facts'), [
      [word('seal'), named(kept.seal)],
      [word('signer'), kept.signer],
      [kept.tried ? '✔' : null, kept.tried ? word('tried') : null],
    ]);
    for (const link of id('keep').querySelectorAll('a')) URL.revokeObjectURL(link.href);
    const wanted = new Set();
    const row = (end, what, needed, name) => {
      const item = document.createElement('li');
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([what], { type: 'application/octet-stream' }));
      link.download = link.textContent = name || base + '.' + end;
      const mark = document.createElement('span');
      if (needed) wanted.add(link);
      link.addEventListener('click', () => {
        mark.textContent = ' ✔';
        wanted.delete(link);
        id('go').disabled = wanted.size > 0;
        if (wanted.size === 0) say(word('saved'));
      });
      item.append(link, ' — ' + word(end), mark);
      return item;
    };
    const rows = [row('bid', sealed, true), row('rec', kept.record, true), row('own', kept.own, true)];
    if (kept.leaf !== null) rows.push(row('leaf', kept.leaf, true));
    rows.push(row('count', kept.count[1], false, kept.count[0]));
    id('keep').replaceChildren(...rows);
    id('go').disabled = true;
    id('go').onclick = () => {
      id('go').disabled = true;
      window.mifengSend(kept.record, base + '.rec', sealed, () => {
        id('go').disabled = false;
      });
    };
    id('made').hidden = false;
    say(word('sealed'));
  }

  async function doing(work) {
    busy(true);
    try {
      await work();
    } catch (error) {
      say(error.message);
    } finally {
      busy(false);
    }
  }

  id('cannot').hidden = true;
  form.hidden = false;
  id('verify').addEventListener('click', () => doing(look));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    doing(seal);
  });
}());
