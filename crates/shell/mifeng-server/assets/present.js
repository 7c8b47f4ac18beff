// Those present at the opening: signs the opening record, a question or an answer inside the page (desk.js, desk-worker.js),
// and hands the signed record in. What is signed is shown from the log's own records first.
(function () {
  'use strict';
  const form = document.getElementById('present');
  const desk = window.mifengDesk;
  if (!form || !desk) return;

  const id = (name) => document.getElementById(name);
  const word = (name) => form.getAttribute('data-' + name);
  const base = '/v1/tenders/' + word('name');
  // Status of the rows in the hall's own words, as it shows them.
  const told = () => new Map([...document.querySelectorAll('.roll tbody tr')].map((row) => [row.className, row.children[2].textContent]));

  // The opening record that was looked at.
  let minutes = null;
  // A signed record of which it is not known whether it arrived.
  let pending = null;

  function say(text) {
    id('present-said').textContent = text;
  }

  const act = () => form.querySelector('input[name=act]:checked').value;

  function chosen() {
    for (const part of form.querySelectorAll('[data-act]')) part.hidden = part.getAttribute('data-act') !== act();
    if (act() === 'answer') open();
    say('');
  }

  /** The questions that wait, as the hall lists them. */
  function open() {
    const before = id('answer-to').value;
    const waiting = [...document.querySelectorAll('#now [data-ask]')].filter((one) => one.hasAttribute('data-open'));
    id('answer-to').replaceChildren(...waiting.map((one) => {
      const option = document.createElement('option');
      option.value = one.getAttribute('data-ask');
      option.textContent = one.getAttribute('data-short');
      return option;
    }));
    if (waiting.some((one) => one.getAttribute('data-ask') === before)) id('answer-to').value = before;
  }

  /** As the hall writes it. */
  function money(yuan) {
    const [whole, ...rest] = yuan.split('.');
    return [whole.replace(/\B(?=(\d{3})+$)/g, ','), ...rest].join('.');
  }

  function row(one, words) {
    const line = document.createElement('tr');
    line.className = one.status;
    for (const text of [one.lot, one.name, words.get(one.status) || one.status, one.price ? money(one.price) : '—']) {
      const cell = document.createElement('td');
      cell.textContent = text;
      line.append(cell);
    }
    line.lastChild.className = 'num';
    return line;
  }

  async function look() {
    minutes = null;
    id('minutes-shown').hidden = true;
    id('minutes-sure').checked = false;
    say(word('looking'));
    const bundle = await desk.bundle(word('name'));
    const { answer } = await desk.call('present', { tender: bundle.given }, null, [bundle.file]);
    if (answer.problem) throw new Error(desk.problem(answer.problem));
    if (answer.present.minutes === null) throw new Error(word('none'));
    minutes = answer.present.minutes;
    const words = told();
    desk.facts(id('minutes-facts'), [[word('record'), desk.named(minutes)]]);
    id('minutes-rows').replaceChildren(...answer.present.rows.map((one) => row(one, words)));
    id('minutes-shown').hidden = false;
    say(word('looked'));
  }

  /** What is to be signed, or the reason why there is nothing. */
  function wanted() {
    if (act() === 'sign') {
      if (minutes === null || !id('minutes-sure').checked) throw new Error(word('first'));
      return { sign: { minutes: minutes.digest } };
    }
    const text = id(act() + '-text').value.trim();
    if (act() === 'answer' && !id('answer-to').value) throw new Error(word('unasked'));
    if (!text) throw new Error(word('empty'));
    return act() === 'ask' ? { ask: { kind: id('ask-kind').value, text } } : { answer: { ask: id('answer-to').value, text } };
  }

  async function sign() {
    // What is signed and may have arrived comes first.
    if (pending !== null) throw new Error(word('lost'));
    const what = wanted();
    say(word('signing'));
    const bundle = await desk.bundle(word('name'));
    const files = [bundle.file];
    const identity = [...id('present-identity').files].map((file) => ({ id: files.push(file) - 1, name: file.name, size: file.size }));
    const request = { tender: bundle.given, origin: word('origin'), identity, at: desk.now(), act: what };
    await desk.loaded();
    // Last: what fails before leaves the passphrase in its field.
    const { answer } = await desk.call('say', request, desk.taken(id('present-pin')), files);
    if (answer.problem) throw new Error(desk.problem(answer.problem));
    const name = word('name') + '-' + Object.keys(what)[0];
    pending = { record: answer.record, signer: answer.signer, name, text: id(act() + '-text') };
    desk.savable(id('present-record'), answer.record, name + '.rec');
    id('present-receipt-row').hidden = true;
    id('present-kept').hidden = false;
    await send();
  }

  /** Hands the signed record in, the same one as often as needed. */
  async function send() {
    say(word('sending'));
    id('present-again').hidden = true;
    let receipt;
    try {
      receipt = await (await desk.ask(base + '/records', { method: 'POST', body: pending.record })).blob();
    } catch (error) {
      // Refused is refused; what failed on the way may have arrived.
      const answered = error.status >= 400 && error.status < 500 && error.status !== 429;
      if (!answered) {
        id('present-again').hidden = false;
        throw new Error(word('lost'));
      }
      pending = null;
      throw error;
    }
    const done = pending;
    pending = null;
    // It is in: who sees the check fail does not say it once more.
    if (done.text) done.text.value = '';
    id('minutes-sure').checked = false;
    desk.savable(id('present-receipt'), receipt, done.name + '.receipt');
    id('present-receipt-row').hidden = false;
    const { said } = await desk.proved(word('name'), receipt, new Blob([done.record]));
    say(word('done') + done.signer + ' · ' + desk.inLang(said));
  }

  const doing = (work) => desk.inPlace(async () => {
    const parts = [id('minutes-look'), id('present-go'), id('present-again')];
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
  for (const choice of form.querySelectorAll('input[name=act]')) choice.addEventListener('change', chosen);
  id('minutes-look').addEventListener('click', () => doing(look));
  id('present-again').addEventListener('click', () => doing(send));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    doing(sign);
  });
  // The hall lists a question, or its answer.
  document.addEventListener('mifeng-hall', open);
  window.addEventListener('beforeunload', (event) => {
    if (pending === null) return;
    event.preventDefault();
    event.returnValue = '';
  });
}());
