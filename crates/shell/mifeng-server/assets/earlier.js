// A bid that was handed in before: shows what its record proves, and withdraws it or hands it on to be replaced (seal.js). The
// withdrawal is signed by the module in a worker that can reach no network (desk.js, desk-worker.js).
(function () {
  'use strict';
  const form = document.getElementById('earlier');
  const desk = window.mifengDesk;
  if (!form || !desk || !window.mifengSend || !window.mifengReplace) return;

  const id = (name) => document.getElementById(name);
  const word = (name) => form.getAttribute('data-' + name);
  const base = '/v1/tenders/' + word('name');
  // Hexadecimal digits of a commitment that people compare.
  const SHORT = 16;

  // What was looked at: the record's file, and what it proves.
  let bid = null;

  function say(text) {
    id('earlier-said').textContent = text;
  }

  const given = (number, file, name) => ({ id: number, name, size: file.size });

  // The receipt for the record: the bidder's own file, or else the host's, which has the latest at hand. Without one there is
  // nothing that could be withdrawn.
  async function receipt(commitment) {
    const own = id('earlier-receipt').files[0];
    if (own) return own;
    try {
      return await (await desk.ask(base + '/receipts/' + commitment)).blob();
    } catch (error) {
      throw error.status === 404 ? new Error(word('unlogged')) : error;
    }
  }

  function forget() {
    bid = null;
    id('earlier-bid').hidden = id('withdraw').hidden = true;
    id('sure').checked = false;
    id('withdraw-pin').value = '';
  }

  async function look() {
    forget();
    const record = id('earlier-record').files[0];
    if (!record) throw new Error(word('choose'));
    say(word('looking'));
    const bundle = await desk.bundle(word('name'));
    const request = { tender: bundle.given, record: given(1, record, record.name) };
    const found = await desk.call('earlier', request, null, [bundle.file, record]);
    if (found.answer.problem) throw new Error(desk.problem(found.answer.problem));
    const told = found.answer.bid;
    const file = await receipt(told.commitment);
    // The host had a beat meanwhile, perhaps; the keys are the same.
    const proof = await desk.call('receipt', { ...request, receipt: given(2, file, file.name || 'receipt') }, null, [bundle.file, record, file]);
    if (proof.answer.problem) throw new Error(desk.problem(proof.answer.problem));
    const received = proof.answer.proved.received;
    const facts = [
      [word('lot'), told.lot.id + ' · ' + desk.inLang(told.lot.title)],
      [word('received'), desk.local(received)],
      [word('commitment'), told.commitment.slice(0, SHORT) + '…'],
      [word('seal'), desk.named(told.seal)],
      [word('signer'), told.signer],
    ];
    bid = { record, lot: told.lot.id, seal: told.seal, origin: told.origin, facts };
    desk.facts(id('earlier-facts'), facts);
    // The receipt shows that it came. Whether it still counts the log hides until the close: the host tells its bidder.
    const listed = desk.own.find((one) => one.seal === told.seal.digest);
    const ended = listed && word(listed.status);
    id('earlier-choices').hidden = Boolean(ended);
    id('earlier-bid').hidden = false;
    say(ended || word('looked'));
  }

  function ask() {
    id('withdraw').hidden = false;
    id('withdrawn').hidden = true;
    id('sure').focus();
  }

  async function withdraw() {
    if (!id('sure').checked) throw new Error(word('unsure'));
    const asked = bid;
    say(word('signing'));
    const bundle = await desk.bundle(word('name'));
    const files = [bundle.file];
    const give = (file) => given(files.push(file) - 1, file, file.name);
    const request = {
      tender: bundle.given,
      identity: [...id('withdraw-identity').files].map(give),
      at: desk.now(),
      bid: { record: give(asked.record), seal: asked.seal.digest },
      number: desk.least(asked.origin),
    };
    await desk.loaded();
    // Last: what fails before leaves the passphrase in its field.
    const { answer } = await desk.call('withdraw', request, desk.taken(id('withdraw-pin')), files);
    if (answer.problem) throw new Error(desk.problem(answer.problem));
    const kept = answer.kept;
    desk.remember(asked.origin, kept.next);
    const name = word('name') + '-' + asked.lot + '-' + asked.seal.digest.slice(0, 8) + '-withdraw.rec';
    desk.savable(id('withdrawn-record'), kept.record, name);
    desk.savable(id('withdrawn-count'), kept.count[1], kept.count[0]);
    id('withdrawn').hidden = false;
    await sent(kept.record, name, asked);
  }

  /** Hands the withdrawal in; what the host says is told here. */
  async function sent(record, name, asked) {
    const at = { said: id('earlier-said'), kept: id('withdrawn-kept') };
    const file = await new Promise((done, dead) => {
      if (!window.mifengSend(record, name, null, done, at)) dead(new Error(word('busy')));
    });
    // What the host refused stands there in its words.
    if (!file) return;
    const proof = await window.mifengProved(new Blob([file]), new Blob([record]));
    forget();
    say(word('done') + desk.inLang(asked.seal.words) + word('then') + proof);
    document.dispatchEvent(new Event('mifeng-own'));
  }

  const doing = (work) => desk.inPlace(async () => {
    const parts = ['earlier-look', 'earlier-record', 'earlier-receipt', 'withdraw', 'replace', 'withdraw-ask'].map(id);
    for (const part of parts) part.disabled = true;
    try {
      await work();
    } catch (error) {
      say(error.message);
    } finally {
      for (const part of parts) part.disabled = false;
    }
  });

  form.hidden = false;
  for (const file of ['earlier-record', 'earlier-receipt']) {
    id(file).addEventListener('change', () => {
      forget();
      id('withdrawn').hidden = true;
      say('');
    });
  }
  id('earlier-look').addEventListener('click', () => doing(look));
  id('replace').addEventListener('click', () => {
    id('withdraw').hidden = true;
    window.mifengReplace(bid);
  });
  id('withdraw-ask').addEventListener('click', ask);
  id('withdraw-not').addEventListener('click', () => {
    id('withdraw').hidden = true;
    id('sure').checked = false;
    id('withdraw-pin').value = '';
    id('withdraw-ask').focus();
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    doing(bid === null ? look : withdraw);
  });
}());
