// Signs in with the person's own certificate, in the page, and shows what may then be seen. The host's cookie is the session:
// no script reads it.
(function () {
  'use strict';
  const form = document.getElementById('sign-in');
  const desk = window.mifengDesk;
  if (!form || !desk) return;

  const id = (name) => document.getElementById(name);
  const word = (name) => form.getAttribute('data-' + name);
  const base = '/v1/tenders/' + word('name');

  // What a busy host answers: nothing was refused, and the same may be asked again.
  const BUSY = [429, 503];

  // Counts what is shown: whoever signed out meanwhile is shown no list that comes later.
  let turn = 0;
  // What is done when somebody tries again.
  let pending = null;

  function say(text) {
    id('signed').textContent = text;
  }

  async function statement() {
    const bundle = await desk.bundle(word('name'));
    const files = [bundle.file];
    const identity = [...id('sign-identity').files].map((file) => ({ id: files.push(file) - 1, name: file.name, size: file.size }));
    const offered = await (await desk.ask(base + '/sign-in/challenge', { method: 'POST' })).json();
    const request = { tender: bundle.given, identity, at: desk.now(), host: location.host, challenge: offered.challenge };
    await desk.loaded();
    // Last: what fails before leaves it in its field.
    const { answer } = await desk.call('sign_in', request, desk.taken(id('sign-pin')), files);
    if (answer.problem) throw new Error(desk.problem(answer.problem));
    return answer.statement;
  }

  /** What fails for the host's being busy is done again by `retry`. */
  async function retrying(retry, work) {
    try {
      return await work();
    } catch (error) {
      error.retry = error.retry || retry;
      throw error;
    }
  }

  // The statement is signed: whoever tries again types no passphrase.
  async function enter(body) {
    say(word('signing'));
    const who = await retrying(() => enter(body), async () => (await desk.ask(base + '/sign-in', { method: 'POST', body })).json());
    await show(who);
  }

  async function signIn() {
    say(word('signing'));
    await enter(await statement());
  }

  // Nothing of whoever was signed in stays in the page.
  function ended() {
    turn += 1;
    desk.own = [];
    id('own').replaceChildren();
    id('signed-in').hidden = true;
    id('sign-fields').hidden = false;
  }

  async function signOut() {
    await desk.ask(base + '/sign-in', { method: 'DELETE' });
    ended();
    say('');
  }

  function item(text, href) {
    const row = document.createElement('li');
    const inner = document.createElement(href ? 'a' : 'span');
    inner.textContent = text;
    if (href) {
      inner.href = href;
      inner.setAttribute('download', '');
    }
    row.append(inner);
    return row;
  }

  // A bid of one's own; while it can be changed the row leads to where that is done.
  function own(bid) {
    const row = item(word('lot') + ' ' + bid.lot + ' · ' + (bid.offer ? word('final') + ' · ' : '') + word(bid.status) + (bid.until ? desk.local(bid.until) : '') + ' · ' + bid.seal);
    const change = id('earlier');
    if (bid.status === 'live' && !bid.offer && change && !change.hidden) {
      const link = document.createElement('a');
      link.href = '#earlier';
      link.textContent = word('change');
      row.append(' · ', link);
    }
    if (bid.offer_until) {
      const invited = document.createElement('strong');
      invited.textContent = word('invited') + desk.local(bid.offer_until);
      row.append(' · ', invited);
    }
    return row;
  }

  async function show(who) {
    const mine = turn += 1;
    say(word('in') + who.name + (who.roles.length ? ' (' + who.roles.join(', ') + ')' : '') + ' · ' + word('until') + desk.local(who.expires));
    id('sign-fields').hidden = true;
    // Who has no part in it does not ask: every refusal is noted under the person's name.
    const has = who.roles.includes(word('role'));
    const found = has ? await retrying(restore, async () => (await desk.ask(base + '/' + word('list'))).json()) : [];
    if (mine !== turn) return;
    desk.own = found;
    const row = word('list') === 'own' ? own
      : (file) => item(file.path, base + '/opened/' + file.path.split('/').map(encodeURIComponent).join('/'));
    id('own').replaceChildren(...found.map(row));
    id('own-none').hidden = found.length > 0;
    id('signed-in').hidden = false;
  }

  // Says what went wrong; where the host is busy, in words for that, with a button that does the same again.
  function failed(error, work) {
    if (error.status === 401) ended();
    if (!BUSY.includes(error.status)) {
      say(error.message);
      return;
    }
    say(word('busy'));
    pending = error.retry || work;
    id('sign-again').hidden = false;
  }

  async function doing(work) {
    pending = null;
    id('sign-again').hidden = true;
    id('sign-go').disabled = true;
    try {
      await work();
    } catch (error) {
      failed(error, work);
    } finally {
      id('sign-go').disabled = false;
    }
  }

  form.hidden = false;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    doing(signIn);
  });
  id('sign-out').addEventListener('click', () => doing(signOut));
  id('sign-again').querySelector('button').addEventListener('click', () => pending && doing(pending));

  // Whoever signed in before is shown so; who did not, or whose session ended meanwhile, is told nothing.
  async function restore() {
    const mine = turn;
    let who;
    try {
      who = await (await desk.ask(base + '/sign-in')).json();
    } catch (error) {
      // Somebody signed in or out meanwhile.
      if (mine !== turn) return;
      if (error.status !== 401) throw error;
      ended();
      say('');
      return;
    }
    if (mine === turn) await show(who);
  }

  // In the background: what somebody may try again stays offered.
  function look() {
    restore().catch((error) => pending === null && failed(error, restore));
  }

  // Something of one's own changed in this page.
  document.addEventListener('mifeng-own', () => {
    if (!id('signed-in').hidden) look();
  });
  // Who loads the page again is still signed in.
  look();
}());
