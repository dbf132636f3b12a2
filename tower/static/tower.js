// The only script of the tower: panels, the live stream, keys and the crosshair.
// HTML comes from our own server alone, where everything of a stranger is escaped.

const policy = globalThis.trustedTypes?.createPolicy("tower", { createHTML: (html) => html });
const trusted = (html) => (policy ? policy.createHTML(html) : html);
const body = document.body;
const text = body.dataset;
const MAX_CARDS = 200;
const RETRY_MS = 4000;
const ANNOUNCE_MS = 10_000;

const say = (template, ...values) => values.reduce((done, value) => done.replace("{}", value), template);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const one = (selector, root = document) => root.querySelector(selector);
const state = one("[data-state]");

// --- panels ------------------------------------------------------------------------------

function fill(name, html) {
  const panel = one(`[data-panel="${CSS.escape(name)}"]`);
  if (!panel) return;
  const inside = panel.contains(document.activeElement) ? path(document.activeElement, panel) : null;
  const open = all("details", panel).map((each) => each.open);
  panel.innerHTML = trusted(html);
  panel.removeAttribute("aria-busy");
  all("details", panel).forEach((each, place) => { each.open = open[place] ?? false; });
  if (inside) inside.reduce((node, place) => node?.children[place], panel)?.focus({ preventScroll: true });
}

function path(node, root) {
  const places = [];
  for (; node !== root; node = node.parentElement) places.unshift([...node.parentElement.children].indexOf(node));
  return places;
}

async function load(name) {
  if (!one(`[data-panel="${CSS.escape(name)}"]`)) return;
  try {
    const answer = await fetch(location.href, { headers: { Fragment: name } });
    if (answer.status === 401) { location.reload(); return; }
    if (!answer.ok) throw new Error(answer.status);
    fill(name, await answer.text());
  } catch {
    const panel = one(`[data-panel="${CSS.escape(name)}"]`);
    if (panel) panel.textContent = text.failed;
    setTimeout(load, RETRY_MS, name);
  }
}

// Not the live posts: they are newer than what the index has.
const refresh = () => all("[data-panel]").forEach((panel) => {
  if (!text.live || panel.dataset.panel !== "posts") load(panel.dataset.panel);
});
all('[data-panel][aria-busy="true"]').forEach((panel) => load(panel.dataset.panel));

// --- live posts --------------------------------------------------------------------------

const gone = new Map();
let held = [];
let paused = false;
let source = null;
let lastId = "";
let waiting = [];
let arrivals = [];
let unseen = 0;
let announced = 0;
let stale = false;
let again = 0;
const title = document.title;

const feed = () => one(".feed");
const card = (key) => one(`.feed .card[data-key="${CSS.escape(key)}"]`);

function reading() {
  const list = feed();
  return paused || !list || list.contains(document.activeElement) || (list.getBoundingClientRect().top < 40 && scrollY > 60);
}

function take(post) {
  if ([post.key, `author ${post.author}`].some((name) => (gone.get(name) ?? -1) >= post.version)) return;
  const present = card(post.key);
  if (present) {
    if (Number(present.dataset.version) < post.version) replace(present, post);
    return;
  }
  waiting = waiting.filter((each) => each.key !== post.key || each.version > post.version);
  held = held.filter((each) => each.key !== post.key);
  waiting.push(post);
  arrivals.push(performance.now());
}

function made(post) {
  const template = document.createElement("template");
  template.innerHTML = trusted(post.html);
  return template.content.firstElementChild;
}

function replace(present, post) {
  const focused = present === document.activeElement;
  const next = made(post);
  present.replaceWith(next);
  if (focused) next.focus({ preventScroll: true });
}

function show() {
  if (stale && feed() && !reading()) { stale = false; load("posts"); }
  if (waiting.length) {
    if (reading()) held.push(...waiting);
    else insert(waiting);
    waiting = [];
    held = held.slice(-MAX_CARDS);
  }
  const button = one('[data-act="show-new"]');
  if (button) {
    button.hidden = !held.length;
    if (held.length) button.textContent = say(text.new, held.length);
  }
  const now = performance.now();
  arrivals = arrivals.filter((at) => now - at < 60_000);
  const rate = one("[data-rate]");
  if (rate) rate.textContent = arrivals.length ? `${arrivals.length}/min` : "";
}

function insert(posts) {
  const list = feed();
  if (!list) return;
  one(".empty", list)?.remove();
  list.setAttribute("role", "feed");
  const fragment = document.createDocumentFragment();
  for (const post of posts) fragment.prepend(made(post));
  list.prepend(fragment);
  for (const old of [...list.children].slice(MAX_CARDS)) old.remove();
  if (document.hidden) unseen += posts.length;
}

function remove(what) {
  if (what.author) {
    remember(`author ${what.author}`, what.version);
    all(`.card[data-author="${CSS.escape(what.author)}"]`).forEach((each) => each.remove());
    // The author may be named in a table; many erasures make one refresh.
    again ||= setTimeout(() => { again = 0; refresh(); }, 1000);
  } else {
    remember(what.key, what.version);
    all(`.card[data-key="${CSS.escape(what.key)}"]`).forEach((each) => {
      if (Number(each.dataset.version) <= what.version) each.remove();
    });
  }
  const stays = (post) => post.author !== what.author && !(post.key === what.key && post.version <= what.version);
  held = held.filter(stays);
  waiting = waiting.filter(stays);
}

function remember(name, version) {
  gone.set(name, version);
  if (gone.size > 5000) gone.delete(gone.keys().next().value);
}

function tell(message, bad = false) {
  if (!state) return;
  state.hidden = !message;
  state.classList.toggle("bad", bad);
  state.textContent = message;
}

let wasAway = false;
function status(now) {
  if (!text.live) return;
  if (now.live) {
    if (wasAway) { tell(text.back); setTimeout(() => { if (!wasAway) tell(""); }, 5000); }
    wasAway = false;
  } else {
    wasAway = true;
    tell(text.away, true);
  }
}

const handlers = {
  post: take,
  gone: remove,
  changed: remove,
  panel: (panel) => fill(panel.name, panel.html),
  lost: (lost) => tell(say(text.lost, lost.count), true),
  reset: () => { stale = true; },
  state: status,
  desk: () => { if (text.page === "live") load("alarms"); },
  alert(alert) {
    load("alarms");
    if (Date.now() - announced > ANNOUNCE_MS) { announced = Date.now(); tell(say(text.alarm, alert.title)); }
    document.title = `(${alert.severity}) ${title}`;
    if (localStorage.getItem("sound") === "on") sound();
  },
};

function connect() {
  if (source || !text.events || document.hidden) return;
  const url = new URL(text.events, location.href);
  if (lastId) url.searchParams.set("after", lastId);
  source = new EventSource(url);
  for (const [name, handle] of Object.entries(handlers)) {
    source.addEventListener(name, (event) => {
      if (event.lastEventId) lastId = event.lastEventId;
      handle(JSON.parse(event.data));
    });
  }
  source.onerror = () => {
    status({ live: false });
    if (source.readyState === EventSource.CLOSED) { source = null; setTimeout(connect, RETRY_MS); }
  };
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) { source?.close(); source = null; return; }
  unseen = 0;
  document.title = title;
  connect();
});
if (text.events) { connect(); setInterval(show, 400); }

function sound() {
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  volume.gain.setValueAtTime(0.15, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.8);
  tone.connect(volume).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.8);
}

// --- clicks ------------------------------------------------------------------------------

const acts = {
  theme() {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=strict`;
  },
  keys: () => one("#keys").showModal(),
  pause(button) {
    paused = !paused;
    button.setAttribute("aria-pressed", paused);
    const other = text.paused;
    text.paused = button.textContent;
    button.textContent = other;
    if (!paused) acts["show-new"]();
  },
  "show-new"() {
    const posts = held;
    held = [];
    insert(posts);
    show();
    one(".feed .card")?.focus({ preventScroll: true });
    document.activeElement?.blur();
  },
  "keys-off"(box) { localStorage.setItem("keys", box.checked ? "off" : "on"); },
  sound(box) { localStorage.setItem("sound", box.checked ? "on" : "off"); if (box.checked) sound(); },
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button) acts[button.dataset.act]?.(button);
  const added = event.target.closest("a[data-add]");
  if (added) {
    event.preventDefault();
    const url = new URL(location.href);
    url.searchParams.set("add", added.dataset.add);
    location.assign(url);
  }
  for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

// --- keys --------------------------------------------------------------------------------

let going = false;
const off = () => localStorage.getItem("keys") === "off";
const box = one('[data-act="keys-off"]');
if (box) box.checked = off();
const soundBox = one('[data-act="sound"]');
if (soundBox) soundBox.checked = localStorage.getItem("sound") === "on";

function move(by) {
  const items = all(".card, .alert-list a");
  if (!items.length) return;
  const at = items.findIndex((item) => item.contains(document.activeElement));
  const next = items[Math.min(items.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

function shift(by) {
  const url = new URL(location.href);
  const until = Date.parse(url.searchParams.get("until") ?? new Date().toISOString());
  const spans = { m: 60e3, h: 3600e3, d: 86400e3 };
  const last = url.searchParams.get("last") ?? "24h";
  const since = url.searchParams.get("since");
  const length = since ? until - Date.parse(since) : parseInt(last) * spans[last.at(-1)];
  const moved = until + by * length / 2;
  url.searchParams.delete("last");
  url.searchParams.set("since", new Date(moved - length).toISOString().slice(0, 19) + "Z");
  url.searchParams.set("until", new Date(moved).toISOString().slice(0, 19) + "Z");
  location.assign(url);
}

const keys = {
  "/": () => one("#q")?.select(),
  g: () => { going = true; setTimeout(() => { going = false; }, 1500); },
  j: () => move(1),
  k: () => move(-1),
  p: () => one('[data-act="pause"]')?.click(),
  "[": () => shift(-1),
  "]": () => shift(1),
  ".": refresh,
  "?": acts.keys,
  n: () => one("[data-note]")?.focus(),
  a: () => one("[data-assign]")?.focus(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const field = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "Escape") { field?.blur(); if (document.activeElement !== body) document.activeElement?.blur(); return; }
  const chart = event.target.closest("[data-chart]");
  if (chart && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
    event.preventDefault();
    cross(chart, (chart.at ?? -1) + (event.key === "ArrowRight" ? 1 : -1));
    return;
  }
  if (event.key === "Enter" && event.target.matches(".card")) { one("a[href]", event.target)?.click(); return; }
  if (field || off()) return;
  if (going) {
    going = false;
    const link = one(`.rail a[data-key="${CSS.escape(event.key)}"]`);
    if (link) { event.preventDefault(); link.click(); return; }
  }
  const act = keys[event.key];
  if (act) { event.preventDefault(); act(); }
});

// --- the crosshair: it reads the table below the chart -------------------------------------

function cross(chart, place) {
  const svg = all("svg", chart).find((each) => each.getClientRects().length);
  if (!svg) return;
  const count = Number(svg.dataset.count);
  const rows = all("tbody tr", chart.parentElement);
  const at = Math.min(count - 1, Math.max(0, place));
  chart.at = at;
  const line = one(".cross", svg);
  const x = (at + 0.5) * Number(svg.dataset.wide) / count;
  line.removeAttribute("hidden");
  line.setAttribute("x1", x);
  line.setAttribute("x2", x);
  const heads = all("thead th", chart.parentElement).map((head) => head.textContent);
  const each = Math.round(rows.length / count);
  const cells = [...(rows[at * each]?.children ?? [])].map((cell) => cell.textContent);
  const tip = one(".tip", chart);
  tip.hidden = false;
  tip.textContent = heads.map((head, number) => `${head} ${cells[number] ?? ""}`).join("\n");
  const view = svg.viewBox.baseVal.width;
  const share = (x + Number(svg.dataset.left)) / view;
  const left = share * chart.clientWidth;
  tip.style.setProperty("left", `${share > 0.6 ? left - tip.offsetWidth - 8 : left + 8}px`);
}

document.addEventListener("pointermove", (event) => {
  const chart = event.target.closest?.("[data-chart]");
  if (!chart) return;
  const svg = all("svg", chart).find((each) => each.getClientRects().length);
  const area = svg?.getBoundingClientRect();
  if (!area) return;
  const x = (event.clientX - area.left) * svg.viewBox.baseVal.width / area.width - Number(svg.dataset.left);
  cross(chart, Math.floor(x / Number(svg.dataset.wide) * Number(svg.dataset.count)));
});
document.addEventListener("pointerleave", (event) => {
  if (event.target.matches?.("[data-chart]")) { one(".tip", event.target).hidden = true; one(".cross:not([hidden])", event.target)?.setAttribute("hidden", "hidden"); }
}, true);

// --- a job of this page: the page comes again when it is done --------------------------------

const job = one("[data-wait-job]");
if (job) {
  const look = setInterval(async () => {
    const answer = await fetch(job.dataset.waitJob).then((found) => found.json()).catch(() => null);
    if (answer && answer.state !== "running") { clearInterval(look); location.reload(); }
  }, 1500);
}

// --- a television: it turns by itself, goes to grave alarms, and wakes after an outage --------

const params = new URL(location.href).searchParams;
if (params.get("kiosk")) {
  navigator.wakeLock?.request("screen").catch(() => {});
  const seconds = Math.max(10, Number(params.get("rotate")) || 60);
  const turn = async () => {
    try {
      const { alerts } = await (await fetch("/api/v1/alerts?standing=open&last=24h&size=5")).json();
      const grave = alerts.find((each) => each.alert.severity >= 4 && Date.now() - (sessionStorage.getItem(each.alert.id) ?? 0) > 300_000);
      if (grave) sessionStorage.setItem(grave.alert.id, Date.now());
      location.assign(grave ? `/alerts/${encodeURIComponent(grave.alert.id)}?kiosk=1&rotate=${seconds}` : text.turn);
    } catch { setTimeout(turn, seconds * 1000); }
  };
  setTimeout(turn, seconds * 1000);
}
