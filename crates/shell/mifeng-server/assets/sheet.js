// A score sheet, filled in here and nowhere else: the draft is made in the browser and never sent.
(function () {
  'use strict';

  // Decimal text without a sign, as a number of thousandths: no rounding decides what is in range.
  function thousandths(text) {
    var found = /^(\d{1,6})(?:\.(\d{1,3}))?$/.exec(text);
    return found ? Number(found[1]) * 1000 + Number(((found[2] || '') + '000').slice(0, 3)) : -1;
  }

  function draft(form) {
    var scores = {};
    var rows = form.querySelectorAll('tbody tr');
    var count = 0;
    for (var i = 0; i < rows.length; i += 1) {
      var inputs = rows[i].querySelectorAll('input');
      var own = {};
      var filled = 0;
      for (var j = 0; j < inputs.length; j += 1) {
        var text = inputs[j].value.trim();
        if (text === '') { continue; }
        var points = thousandths(text);
        if (points < 0 || points > thousandths(inputs[j].getAttribute('data-max'))) {
          return { wrong: inputs[j], text: form.getAttribute('data-over') + inputs[j].getAttribute('aria-label') };
        }
        own[inputs[j].getAttribute('data-item')] = text;
        filled += 1;
      }
      if (filled > 0 && filled < inputs.length) {
        return { wrong: inputs[0], text: form.getAttribute('data-holes') + rows[i].querySelector('th').textContent };
      }
      if (filled > 0) { scores[rows[i].getAttribute('data-bidder')] = own; count += 1; }
    }
    return count ? { scores: scores } : { wrong: null, text: form.getAttribute('data-none') };
  }

  function make(form) {
    var made = draft(form);
    var link = form.querySelector('a.button');
    var said = form.querySelector('.said');
    link.hidden = !made.scores;
    if (!made.scores) {
      said.textContent = made.text;
      if (made.wrong) { made.wrong.focus(); }
      return;
    }
    link.href = URL.createObjectURL(new Blob([JSON.stringify(made.scores, null, 2) + '\n'], { type: 'application/json' }));
    link.download = 'scores-' + form.getAttribute('data-lot') + '.json';
    said.textContent = form.getAttribute('data-done');
    link.focus();
  }

  var forms = document.querySelectorAll('form.sheet');
  for (var i = 0; i < forms.length; i += 1) {
    forms[i].addEventListener('submit', function (event) { event.preventDefault(); make(event.target); });
  }
}());
