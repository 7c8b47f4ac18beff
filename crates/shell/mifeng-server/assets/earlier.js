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
  // A signed withdrawal of which it is not known whether it arrived.
  let pending = null;

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

  function asking(on) {
    id('withdraw').hidden = !on;
    id('withdraw-ask').setAttribute('aria-expanded', String(on));
  }

  function forget() {
    bid = null;
    id('earlier-bid').hidden = true;
    asking(false);
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
    say(ended || word('looked') + (listed ? '' : word('signed-out')));
  }

  function ask() {
    asking(true);
    id('withdrawn').hidden = pending === null;
    id('sure').focus();
  }

  async function withdraw() {
    if (!id('sure').checked) throw new Error(word('unsure'));
    if (window.mifengSending()) throw new Error(word('busy'));
    const asked = bid;
    const free = await desk.hold(asked.origin);
    try {
      pending = { ...await signed(asked), asked, free };
    } catch (error) {
      free();
      throw error;
    }
    asking(false);
    await sent();
  }

  async function signed(asked) {
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
    return { record: kept.record, name };
  }

  /** Hands the withdrawal in, the same one as often as needed; what the host says is told here. */
  async function sent() {
    const { record, name, asked } = pending;
    const at = { said: id('earlier-said'), kept: id('withdrawn-kept'), lost: word('lost') };
    id('withdraw-again').hidden = false;
    const { file, refused } = await new Promise((done, dead) => {
      const ended = (receipt, code) => done({ file: receipt, refused: code });
      if (!window.mifengSend(record, name, null, ended, at)) dead(new Error(word('busy')));
    });
    if (file) {
      const proof = await window.mifengProved(new Blob([file]), new Blob([record]));
      forget();
      say(word('done') + desk.inLang(asked.seal.words) + word('then') + proof);
    } else if (!refused) {
      return;
    } else if (refused === 'bid.unknown') {
      // The host's own words stand there.
      say(id('earlier-said').textContent + word('unknown'));
    }
    pending.free();
    pending = null;
    id('withdraw-again').hidden = true;
    if (file) document.dispatchEvent(new CustomEvent('mifeng-own', { detail: asked.seal.digest }));
  }

  const doing = (work) => desk.inPlace(async () => {
    const parts = ['earlier-look', 'earlier-record', 'earlier-receipt', 'withdraw', 'replace', 'withdraw-ask', 'withdraw-again'].map(id);
    for (const part of parts) part.disabled = true;
    try {
      await work();
    } catch (error) {
      say(error.message);
    } finally {
      for (const part of parts) part.disabled = false;
      // The fields that asked are gone once it is signed.
      if (id('withdraw').hidden && document.activeElement === document.body) id(pending === null ? 'withdraw-ask' : 'withdraw-again').focus();
    }
  });

  form.hidden = false;
  for (const file of ['earlier-record', 'earlier-receipt']) {
    id(file).addEventListener('change', () => {
      forget();
      id('withdrawn').hidden = pending === null;
      say('');
    });
  }
  // What was looked at has ended: it was replaced in this page.
  document.addEventListener('mifeng-own', (event) => {
    if (bid !== null && bid.seal.digest === event.detail) forget();
  });
  window.addEventListener('beforeunload', (event) => {
    if (pending === null) return;
    event.preventDefault();
    event.returnValue = '';
  });
  id('earlier-look').addEventListener('click', () => doing(look));
  id('replace').addEventListener('click', () => {
    try {
      window.mifengReplace(bid);
      asking(false);
    } catch (error) {
      say(error.message);
    }
  });
  id('withdraw-ask').addEventListener('click', ask);
  id('withdraw-again').addEventListener('click', () => doing(sent));
  id('withdraw-not').addEventListener('click', () => {
    asking(false);
    id('sure').checked = false;
    id('withdraw-pin').value = '';
    id('withdraw-ask').focus();
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    doing(bid === null ? look : withdraw);
  });
}());
