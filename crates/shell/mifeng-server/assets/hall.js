// The hall lives: the clock counts by the server's time, and whatever the log says is fetched as it comes.
// Without this script the page is the same and reloads itself.
(function () {
  'use strict';
  var now = document.getElementById('now');
  var lost = document.getElementById('lost');
  var offset = 0;
  var asked = false;
  var again = false;

  function two(n) { return (n < 10 ? '0' : '') + n; }

  function setClock() {
    var count = now.querySelector('.count');
    if (count) { offset = Number(count.getAttribute('data-now')) - Date.now(); }
    tick();
  }

  function tick() {
    var count = now.querySelector('.count');
    if (!count) { return; }
    var left = Math.max(0, Math.ceil((Number(count.getAttribute('data-until')) - Date.now() - offset) / 1000));
    var days = Math.floor(left / 86400);
    var text = two(Math.floor(left / 3600) % 24) + ':' + two(Math.floor(left / 60) % 60) + ':' + two(left % 60);
    count.textContent = (days > 0 ? days + ' ' + now.getAttribute('data-days') + ' ' : '') + text;
  }

  // What somebody unfolded stays so.
  function kept() {
    var older = now.querySelector('details[data-keep]');
    return !!older && older.open;
  }

  function keep(open) {
    var older = now.querySelector('details[data-keep]');
    var there = document.getElementById('there');
    if (older && open) { older.open = true; }
    if (there && now.querySelector('.roll') && !now.querySelector('[data-ended]')) { there.removeAttribute('hidden'); }
    if (window.CustomEvent && typeof CustomEvent === 'function') { document.dispatchEvent(new CustomEvent('mifeng-hall')); }
  }

  // One request at a time; what changes meanwhile is fetched after it.
  function refresh() {
    if (asked) { again = true; return; }
    asked = true;
    var request = new XMLHttpRequest();
    request.open('GET', now.getAttribute('data-part'));
    request.onloadend = function () {
      asked = false;
      if (request.status === 200) {
        var before = now.querySelector('[data-stage]').getAttribute('data-stage');
        var open = kept();
        now.innerHTML = request.responseText;
        keep(open);
        var after = now.querySelector('[data-stage]').getAttribute('data-stage');
        var badge = document.querySelector('.badge');
        if (before !== after && badge) { badge.textContent = after; badge.className = 'badge'; }
        setClock();
      }
      if (again) { again = false; refresh(); }
    };
    request.send();
  }

  setClock();
  setInterval(tick, 250);
  if (!window.EventSource) { setInterval(refresh, 5000); return; }
  var feed = new EventSource(now.getAttribute('data-feed'));
  feed.addEventListener('act', refresh);
  feed.addEventListener('head', refresh);
  feed.onopen = function () { lost.textContent = ''; };
  feed.onerror = function () { lost.textContent = now.getAttribute('data-lost'); };
}());
