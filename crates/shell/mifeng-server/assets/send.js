// Sends a signed record, and a sealed bid block by block; shows what a receipt says. What was sent stays with the
// host: the same files, chosen again, go on where it was. Written for old browsers.
(function () {
  'use strict';
  var TRIES = 8;
  // Times that a bid is handed in before the host is believed to give no receipt for it.
  var HAND_INS = 3;
  var form = document.getElementById('send');
  var look = document.getElementById('look');
  var able = window.FileReader && window.Blob && Blob.prototype.slice && window.URL && URL.createObjectURL;

  function id(name) { return document.getElementById(name); }
  function word(name) { return form.getAttribute('data-' + name); }
  // Where it is told how a sending goes, and where its receipt is given.
  var place = null;
  function say(text) { place.said.textContent = text; }

  var sending = false;
  // How often a bid is still handed in whose receipt does not say that it is there; none where a receipt need not say so.
  var handIns = 0;
  // Whether the record brings a bid whose file may come after it.
  var later = false;
  // Whether the bid takes the place of an earlier one.
  var replaces = false;
  // Told once when a sending is at its end, whatever came of it; with the receipt if there is one, or the code of a refusal.
  var ended = null;

  function busy(on, receipt, refused) {
    var then = ended;
    sending = on;
    form.querySelector('button').disabled = on;
    id('progress').hidden = !on;
    if (!on) {
      ended = null;
      if (then) { then(receipt, refused); }
    }
  }

  function parsed(text) { try { return JSON.parse(text); } catch (e) { return {}; } }

  // A body may come after its record: then a receipt has to say that it is there.
  function expect(record, bid) {
    var kind;
    try { kind = JSON.parse(atob(JSON.parse(record).body)).type; } catch (e) { kind = ''; }
    later = form.hasAttribute('data-grace') && (kind === 'bid.submit' || kind === 'bid.replace');
    replaces = kind === 'bid.replace';
    handIns = later && bid ? HAND_INS : 0;
  }

  function isWhole(receipt) {
    try { return JSON.parse(atob(JSON.parse(receipt).receipt)).whole === true; } catch (e) { return false; }
  }

  // Waits until somebody signed in, here or in another window of this browser.
  function signedIn(then) {
    say(word('sign'));
    function look() {
      var request = new XMLHttpRequest();
      request.open('GET', form.getAttribute('data-base') + '/sign-in');
      request.onloadend = function () {
        if (request.status === 200) { then(); } else { setTimeout(look, 2000); }
      };
      request.send();
    }
    setTimeout(look, 2000);
  }

  function fail(request) {
    var told = parsed(request.responseText);
    // What failed on the way, or at the host, may have arrived.
    var answered = request.status >= 400 && request.status < 500 && request.status !== 429;
    say(told.title ? told.title + (told.detail ? '：' + told.detail : '') + ' [' + told.code + ']' : place.lost || word('lost'));
    busy(false, undefined, answered ? told.code || String(request.status) : undefined);
  }

  // Asks until there is an answer that is not "try again"; everything here may be asked twice.
  function ask(method, path, body, done) {
    var left = TRIES;
    var wait = 250;
    function once() {
      var request = new XMLHttpRequest();
      request.open(method, form.getAttribute('data-base') + path);
      request.setRequestHeader('accept-language', document.documentElement.lang);
      request.onloadend = function () {
        if (request.status === 401) { signedIn(once); return; }
        var again = request.status === 0 || request.status === 429 || request.status === 503;
        left -= 1;
        if (again && left > 0) {
          say(word('again'));
          setTimeout(once, wait);
          wait *= 2;
          return;
        }
        if (request.status >= 200 && request.status < 300) { done(request); } else { fail(request); }
      };
      request.send(body);
    }
    once();
  }

  function got(name, text, again) {
    if (handIns === 0 || isWhole(text)) { keep(name, text, true); return; }
    handIns -= 1;
    if (handIns === 0) { keep(name, text, false); } else { again(); }
  }

  // What proves nothing of the bid is kept too: it shows what the host did not say.
  function keep(name, text, good) {
    var link = place.kept.querySelector('a');
    link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
    link.download = name.replace(/\.rec$/, '') + '.receipt';
    place.kept.hidden = false;
    busy(false, good ? text : undefined);
    say(word(!good ? 'body' : !later || isWhole(text) ? 'done' : replaces ? 'none' : 'alone'));
    link.focus();
  }

  // A record that waits for its beat: the receipt comes with it, or the record is handed in again.
  function wait(told, name, again) {
    var beat = told.next_beat ? Date.parse(told.next_beat) : Date.now();
    var end = Math.max(beat, Date.now()) + 15000;
    say(word('waiting') + (told.next_beat || ''));
    function tick() {
      var request = new XMLHttpRequest();
      request.open('GET', form.getAttribute('data-base') + '/receipts/' + told.record);
      request.onloadend = function () {
        if (request.status === 200) { got(name, request.responseText, again); return; }
        if (request.status === 401) { signedIn(tick); end = Date.now() + 15000; return; }
        if (Date.now() > end) { again(); return; }
        setTimeout(tick, 1000);
      };
      request.send();
    }
    setTimeout(tick, 1000);
  }

  function taken(request, name, again) {
    if (request.status === 201) { got(name, request.responseText, again); return; }
    wait(parsed(request.responseText), name, again);
  }

  function upload(text, record, bid) {
    function begin() {
      ask('POST', '/uploads', text, function (request) {
        var told = parsed(request.responseText);
        if (told.size !== bid.size) { busy(false); say(word('size') + bid.size + ' / ' + told.size); return; }
        if (!told.missing.length) { finish(told.record); return; }
        blocks(told, 0);
      });
    }
    function blocks(told, at) {
      if (at === told.missing.length) { begin(); return; }
      var number = told.missing[at];
      var all = Math.ceil(told.size / told.block);
      id('progress').value = number / all;
      say(word('sending') + number + ' / ' + all + ' MiB');
      var block = bid.slice(number * told.block, Math.min((number + 1) * told.block, told.size));
      ask('PUT', '/uploads/' + told.record + '/blocks/' + number, block, function () { blocks(told, at + 1); });
    }
    function finish(name) {
      id('progress').value = 1;
      say(word('handing'));
      ask('POST', '/uploads/' + name, null, function (request) { taken(request, record.name, begin); });
    }
    begin();
  }

  function settle(at) {
    place = at || { said: id('said'), kept: id('kept') };
    place.kept.hidden = true;
    busy(true);
  }

  function alone(text, name) {
    ask('POST', '/records', text, function (request) { taken(request, name, function () { alone(text, name); }); });
  }

  function start() {
    var record = id('record').files[0];
    var bid = id('bid') && id('bid').files[0];
    var reader = new FileReader();
    settle(null);
    say(word('reading'));
    reader.onload = function () {
      expect(reader.result, bid);
      if (bid) { upload(reader.result, record, bid); } else { alone(reader.result, record.name); }
    };
    reader.onerror = function () { busy(false); say(word('lost')); };
    reader.readAsText(record);
  }

  // As the other pages: China Standard Time, and what is less than a second where there is some.
  function local(time) {
    var at = new Date(Date.parse(time) + 8 * 3600000);
    return isNaN(at.getTime()) ? time : at.toISOString().slice(0, 23).replace('T', ' ').replace('.000', '');
  }

  // What a receipt says of itself; whether it is true is for the bidder's own program.
  function show() {
    var file = id('receipt').files[0];
    var reader = new FileReader();
    if (!file) { return; }
    reader.onload = function () {
      var body;
      try { body = JSON.parse(atob(JSON.parse(reader.result).receipt)); } catch (e) { body = {}; }
      var seen = id('seen');
      if (!body.received || !body.origin) { seen.textContent = look.getAttribute('data-bad'); return; }
      seen.textContent = body.origin === look.getAttribute('data-origin')
        ? look.getAttribute('data-says') + local(body.received)
        : look.getAttribute('data-other') + body.origin;
    };
    reader.readAsText(file);
  }

  // For what was sealed or signed in this page (seal.js, earlier.js): a bid with its record, or a record alone, whose answers
  // are then told at its own place.
  if (form && able) {
    window.mifengSending = function () { return sending; };
    window.mifengSend = function (text, name, bid, then, at) {
      if (sending) { return false; }
      ended = then;
      settle(at);
      if (!at) { form.scrollIntoView(); }
      expect(text, bid);
      if (bid) { upload(text, { name: name }, bid); } else { alone(text, name); }
      return true;
    };
  }
  if (form) {
    if (able) {
      form.addEventListener('submit', function (event) { event.preventDefault(); start(); });
    } else {
      form.addEventListener('submit', function (event) { event.preventDefault(); id('said').textContent = word('old'); });
    }
  }
  window.addEventListener('beforeunload', function (event) {
    if (sending) { event.preventDefault(); event.returnValue = ''; }
  });
  if (look && able) { id('receipt').addEventListener('change', show); }
}());
