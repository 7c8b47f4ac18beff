// The page: takes files, hands them to the worker, shows its answer. Texts from files are put in as
// text, never as markup.
"use strict";

const $ = (id) => document.getElementById(id);

const TEXTS = {
  title: ["密封 · 档案验证", "Mifeng · dossier verification"],
  other: ["English", "中文"],
  reading: ["正在验证", "Verifying"],
  colon: ["：", ": "],
  replaying: ["正在核对签名与日志", "checking signatures and the log"],
  pass: ["通过", "pass"],
  part: ["部分", "in part"],
  fail: ["未通过", "FAIL"],
  notrun: ["未进行", "not run"],
  unknown: ["未定", "not known"],
  whole: ["全文", "document"],
  signature: ["签章", "seal"],
  valid: ["档案有效", "The dossier is valid"],
  invalid: ["档案无效", "The dossier is NOT valid"],
  receipt: ["档案有效，但回执不符", "The dossier is valid, but the receipt does not hold"],
  documentValid: ["文件签章有效", "The document's seals are valid"],
  documentUnknown: ["文件签章无法确认", "The document's seals cannot be confirmed"],
  documentInvalid: ["文件签章无效", "The document's seals are NOT valid"],
  problem: ["无法验证", "Could not verify"],
  bug: ["程序出错，没有得出结论", "The program failed; nothing was established"],
  stopped: ["已停止，没有得出结论", "Stopped; nothing was established"],
  again: ["再次验证", "Verify again"],
  begin: ["开始验证", "Verify"],
  file: ["档案", "Dossier"],
  tender: ["项目", "Tender"],
  suite: ["算法", "Suite"],
  root: ["日志根", "Log root"],
  given: ["另外提供", "Also given"],
  took: ["用时", "Time taken"],
  when: ["验证于", "Verified"],
  seconds: ["秒", "s"],
  culprit: ["未通过的是", "What failed"],
};

/** What the page knows; everything on it follows from this. */
const state = { lang: 0, worker: null, last: null, since: null, names: [] };

const t = (name) => TEXTS[name][state.lang];
const inLang = (text) => (state.lang === 0 ? text.zh : text.en);

function size(bytes) {
  if (bytes < 1e3) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

// ---- language

function speak(lang) {
  state.lang = lang;
  document.documentElement.lang = lang === 0 ? "zh-CN" : "en";
  document.title = t("title");
  for (const element of document.querySelectorAll("[data-zh]")) {
    element.textContent = lang === 0 ? element.dataset.zh : element.dataset.en;
  }
  $("lang").textContent = t("other");
  $("lang").lang = lang === 0 ? "en" : "zh-CN";
  $("start").textContent = state.last === null ? t("begin") : t("again");
  render();
  // What a screen reader was told stands in the page as well.
  if (state.last !== null && $("busy").hidden) $("status").textContent = $("verdict").textContent;
}

// ---- files

/** Puts dropped files where they belong, by their names; of two bundles the larger is the dossier. */
function sort(files) {
  const places = { dossier: [], trust: [], earlier: [], receipt: [], record: [] };
  for (const file of files) {
    if (/\.(cer|crt|pem|der|crl)$/i.test(file.name)) places.trust.push(file);
    else if (/\.receipt$/i.test(file.name)) places.receipt.push(file);
    else if (/\.rec$/i.test(file.name)) places.record.push(file);
    else places.dossier.push(file);
  }
  places.dossier.sort((a, b) => b.size - a.size);
  places.earlier = places.dossier.splice(1, 1);
  places.dossier.length = Math.min(places.dossier.length, 1);
  for (const [id, found] of Object.entries(places)) {
    if (found.length === 0) continue;
    const list = new DataTransfer();
    for (const file of id === "trust" ? found : found.slice(0, 1)) list.items.add(file);
    $(id).files = list.files;
    if (id !== "dossier") $("more").open = true;
  }
  return places.dossier.length > 0;
}

/** The instant in the canonical form of every record: whole seconds, since a fraction must not end in 0. */
function now() {
  return new Date().toISOString().replace(/\.\d+Z$/, "Z");
}

/** The request to the module, and the files by number. */
function collect() {
  const files = [];
  const give = (file) => {
    files.push(file);
    return { id: files.length - 1, name: file.name, size: file.size };
  };
  const one = (id) => ($(id).files.length > 0 ? give($(id).files[0]) : null);
  const request = {
    dossier: one("dossier"),
    trust: [...$("trust").files].map(give),
    earlier: one("earlier"),
    receipt: one("receipt"),
    record: one("record"),
    at: now(),
  };
  return { request, files };
}

// ---- the worker

function worker() {
  if (state.worker !== null) return {};
  const source = $("worker-source");
  if (source === null) {
    state.worker = new Worker("worker.js");
    return {};
  }
  // The single file carries both inside.
  const url = URL.createObjectURL(new Blob([source.textContent], { type: "text/javascript" }));
  state.worker = new Worker(url);
  return { wasm: Uint8Array.from(atob($("wasm-source").textContent), (c) => c.charCodeAt(0)).buffer };
}

function start() {
  const { request, files } = collect();
  if (request.dossier === null) return;
  halt();
  const total = files[request.dossier.id].size + (request.earlier?.size ?? 0);
  state.names = files.slice(1).map((file) => file.name);
  $("chosen").hidden = false;
  $("chosen").textContent = `${request.dossier.name} · ${size(request.dossier.size)}`;
  $("result").hidden = true;
  $("busy").hidden = false;
  $("stop").hidden = false;
  $("start").disabled = true;
  $("status").textContent = t("reading");
  progress(0, total);
  const { wasm } = worker();
  state.worker.onerror = () => finish({ type: "bug", text: "worker" }, request);
  state.worker.onmessage = (event) => {
    if (event.data.type === "progress") progress(event.data.read, total);
    else finish(event.data, request);
  };
  state.worker.postMessage({ wasm, request, files });
}

/** Every byte is read three times: its hash, its form, its content. */
function progress(read, total) {
  $("bar").value = Math.min(0.99, read / Math.max(1, 3 * total));
  $("busy-text").textContent = `${t("reading")}${t("colon")}${t("replaying")} · ${size(read)}`;
}

function halt() {
  if (state.worker === null || $("busy").hidden) return;
  state.worker.terminate();
  state.worker = null;
}

function finish(data, request) {
  $("busy").hidden = true;
  $("stop").hidden = true;
  $("start").disabled = false;
  if (data.type === "bug") {
    state.worker?.terminate();
    state.worker = null;
  }
  state.last = { data, request, when: new Date() };
  speak(state.lang);
  $("result").hidden = false;
  $("verdict").focus();
}

// ---- the answer

function make(name, text, className) {
  const element = document.createElement(name);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

function banner(kind, mark, title, text) {
  $("banner").className = `banner ${kind}`;
  $("mark").textContent = mark;
  $("verdict").textContent = title;
  $("conclusion").textContent = text;
}

function render() {
  if (state.last === null) return;
  const { data } = state.last;
  const answer = data.type === "done" ? data.answer : null;
  const report = answer?.report ?? null;
  verdict(data, answer);
  facts(data, report);
  rows(answer?.document?.checks ?? report?.checks ?? null, answer?.document != null);
  const keeping = answer?.keeping ?? null;
  $("keeping").hidden = keeping === null;
  $("keeping").textContent = keeping === null ? "" : inLang(keeping);
  const open = answer?.not_checked ?? [];
  $("open").hidden = open.length === 0;
  $("open-list").replaceChildren(...open.map((note) => make("li", inLang(note))));
  const held = answer?.receipt ?? null;
  $("held").hidden = held === null;
  $("held").textContent = held === null ? "" : `${held.holds ? "✔" : "✘"} ${inLang(held.text)}`;
  $("held").className = `held ${held?.holds ? "good" : "bad"}`;
  $("save").hidden = report === null && answer?.document == null;
}

function verdict(data, answer) {
  const checks = answer?.document?.checks ?? answer?.report?.checks ?? [];
  const failed = checks.find((check) => check.verdict === "fail");
  $("culprit").hidden = failed === undefined;
  if (failed) {
    const title = inLang(failed);
    const saw = state.lang === 0 ? failed.saw_zh : failed.saw_en;
    const id = answer.document ? signature(failed.id) : failed.id;
    $("culprit").textContent = `${t("culprit")}${t("colon")}${id} ${title} — ${saw} [${failed.code}]`;
  }
  if (data.type === "stopped") return banner("unknown", "!", t("stopped"), "");
  if (data.type === "bug") return banner("unknown", "!", t("bug"), data.text);
  if (answer.problem) {
    const { file, text, code } = answer.problem;
    return banner("unknown", "!", t("problem"), `${file}: ${inLang(text)} [${code}]`);
  }
  if (answer.document) {
    const kind = { valid: "Valid", undetermined: "Unknown" }[answer.document.verdict] ?? "Invalid";
    const look = { Valid: ["good", "✔"], Unknown: ["unknown", "?"], Invalid: ["bad", "✘"] }[kind];
    return banner(...look, t(`document${kind}`), inLang(answer.conclusion));
  }
  if (answer.valid) return banner("good", "✔", t("valid"), inLang(answer.conclusion));
  const title = answer.receipt && !answer.receipt.holds ? t("receipt") : t("invalid");
  return banner("bad", "✘", title, inLang(answer.conclusion));
}

function facts(data, report) {
  const { request, when } = state.last;
  const list = [["file", `${request.dossier.name} · ${size(request.dossier.size)}`]];
  if (state.names.length > 0) list.push(["given", state.names.join(state.lang === 0 ? "、" : ", ")]);
  if (report?.tender) list.push(["tender", report.tender]);
  if (report?.suite) list.push(["suite", report.suite]);
  if (report?.root) list.push(["root", report.root]);
  if (data.type === "done") list.push(["took", `${(data.ms / 1e3).toFixed(1)} ${t("seconds")}`]);
  list.push(["when", when.toLocaleString(state.lang === 0 ? "zh-CN" : "en-GB")]);
  const parts = list.flatMap(([name, value]) => [make("dt", t(name)), make("dd", value)]);
  $("facts").replaceChildren(...parts);
}

/** What a step of a document is about: the document, or one of its seals. */
const signature = (id) => (id === "0" ? t("whole") : `${t("signature")} ${id}`);

function rows(checks, ofDocument) {
  $("checks").hidden = checks === null;
  const marks = { pass: "✔", part: "◐", fail: "✘", notrun: "·", unknown: "?" };
  const made = (checks ?? []).map((check) => {
    const row = make("tr", "", check.verdict === "unknown" ? "part" : check.verdict);
    const title = make("th", "");
    title.scope = "row";
    title.append(make("span", ofDocument ? signature(check.id) : check.id, "id"), make("span", inLang(check), "name"));
    const end = make("td", "", "end");
    const mark = make("span", marks[check.verdict], "tick");
    mark.setAttribute("aria-hidden", "true");
    end.append(mark, make("span", t(check.verdict)));
    const saw = make("td", state.lang === 0 ? check.saw_zh : check.saw_en, "saw");
    if (check.code) saw.append(" ", make("code", check.code));
    row.append(title, end, saw);
    return row;
  });
  $("rows").replaceChildren(...made);
}

function save() {
  const url = URL.createObjectURL(new Blob([state.last.data.answer.json], { type: "application/json" }));
  const link = make("a", "");
  link.href = url;
  link.download = `${state.last.request.dossier.name}.verify.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

// ---- hands

$("lang").addEventListener("click", () => speak(1 - state.lang));
$("start").addEventListener("click", start);
$("print").addEventListener("click", () => window.print());
$("save").addEventListener("click", save);
$("stop").addEventListener("click", () => {
  const { request } = collect();
  halt();
  finish({ type: "stopped" }, request);
});
$("dossier").addEventListener("change", start);
for (const id of ["trust", "earlier", "receipt", "record"]) {
  $(id).addEventListener("change", () => {
    $("start").disabled = $("dossier").files.length === 0 || !$("busy").hidden;
  });
}

let over = 0;
const hover = (by) => {
  over = Math.max(0, over + by);
  $("drop").classList.toggle("over", over > 0);
};
document.addEventListener("dragenter", () => hover(1));
document.addEventListener("dragleave", () => hover(-1));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  hover(-over);
  if (sort(event.dataTransfer.files)) start();
  else $("start").disabled = $("dossier").files.length === 0 || !$("busy").hidden;
});

if (location.hash === "#en") speak(1);
