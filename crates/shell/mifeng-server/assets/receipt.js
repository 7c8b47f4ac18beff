// Checks a receipt by the module (desk.js): the host's signature and the log's proof, against the record and the keys that the
// tender's records name. Beside, send.js shows what the receipt says of itself.
(function () {
  'use strict';
  const form = document.getElementById('look');
  const desk = window.mifengDesk;
  if (!form || !desk) return;

  const id = (name) => document.getElementById(name);
  const word = (name) => form.getAttribute('data-' + name);

  /** What a receipt proves of a record, in words; throws what is wrong with it. */
  async function proved(receipt, record) {
    const { said, named } = await desk.proved(word('name'), receipt, record);
    return word('proved') + desk.inLang(said) + word('words') + desk.inLang(named.words);
  }
  window.mifengProved = proved;

  async function check() {
    const [receipt, record] = [id('receipt').files[0], id('of').files[0]];
    if (!receipt || !record) return;
    try {
      id('proved').textContent = '';
      id('proved').textContent = await proved(receipt, record);
    } catch (error) {
      id('proved').textContent = error.message;
    }
  }

  id('of-row').hidden = false;
  id('of').addEventListener('change', check);
  id('receipt').addEventListener('change', check);
}());
