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

  // Counts what is shown: whoever signed out meanwhile is shown no list that comes later.
  let turn = 0;

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

  async function signIn() {
    say(word('signing'));
    await show(await (await desk.ask(base + '/sign-in', { method: 'POST', body: await statement() })).json());
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
    const found = has ? await (await desk.ask(base + '/' + word('list'))).json() : [];
    if (mine !== turn) return;
    desk.own = found;
    const row = word('list') === 'own' ? own
      : (file) => item(file.path, base + '/opened/' + file.path.split('/').map(encodeURIComponent).join('/'));
    id('own').replaceChildren(...found.map(row));
    id('own-none').hidden = found.length > 0;
    id('signed-in').hidden = false;
  }

  async function doing(work) {
    id('sign-go').disabled = true;
    try {
      await work();
    } catch (error) {
      if (error.status === 401) ended();
      say(error.message);
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
  function again() {
    const mine = turn;
    desk.ask(base + '/sign-in').then((answer) => answer.json()).then((who) => mine === turn && show(who)).catch((error) => {
      if (mine !== turn) return;
      if (error.status !== 401) {
        say(error.message);
        return;
      }
      // The session ended meanwhile.
      ended();
      say('');
    });
  }

  // Something of one's own changed in this page.
  document.addEventListener('mifeng-own', () => {
    if (!id('signed-in').hidden) again();
  });
  // Who signed in before, and loads the page again, is still signed in.
  again();
}());
