// The page: it passes the server's messages to its parts, and draws the newest frame once for each refresh of the screen.

import { Charts } from "./charts.js";
import { Connection } from "./connection.js";
import { at, say } from "./dom.js";
import { middle, Prices } from "./format.js";
import { History } from "./history.js";
import { Instruments } from "./instruments.js";
import { listen } from "./keys.js";
import { Ladder } from "./ladder.js";
import { middleOf, showPhase } from "./phase.js";
import { Position } from "./position.js";
import { showServer } from "./server.js";
import { OrderForm } from "./order_form.js";
import { Trades } from "./trades.js";

const connection = new Connection({ received, connected, disconnected });
const form = new OrderForm((message) => connection.send(message));
const instruments = new Instruments(choose);
const ladder = new Ladder((price, side) => form.take(price, side));
const trades = new Trades();
const charts = new Charts();
const position = new Position();

let version = null;
let known = new Map(); // the instruments, by id
let prices = new Map(); // how to write their prices
let chosen = null;
let history = new History(0);
let frame = null;
let asked = false; // the screen was asked to draw
let countdown = 0;

function received(message) {
  if (message.type === "hello") hello(message);
  else if (message.type === "history") remember(message.instrument, message.points);
  else if (message.type === "answer") form.answered(message);
  else if (message.type === "frame") {
    frame = message;
    remember(message.book.instrument, message.book.points);
    if (message.sandbox) {
      form.show(message.sandbox);
      position.update(message.sandbox.positions);
    }
    if (!asked) requestAnimationFrame(show);
    asked = true;
  }
}

function hello(message) {
  if (version !== null && version !== message.version) location.reload(); // a new server may have a different page
  version = message.version;
  known = new Map(message.instruments.map((one) => [one.id, one]));
  prices = new Map(message.instruments.map((one) => [one.id, new Prices(one)]));
  history = new History(message.history_s);
  say(at("role"), message.role);
  instruments.begin(message, prices);
  ladder.begin(message.levels);
  form.begin(message, prices);
  say(at("version"), `pricetime ${version}`);
  choose(known.has(chosen) ? chosen : message.instruments[0].id);
}

function choose(instrument) {
  chosen = instrument;
  history.clear();
  trades.clear();
  instruments.mark(instrument, known.get(instrument).symbol);
  form.choose(instrument);
  connection.send({ do: "show", instrument });
}

function remember(instrument, points) {
  if (instrument === chosen) history.add(points);
}

function show() {
  asked = false;
  const { book, at: now, skipped } = frame;
  instruments.show(frame.instruments, chosen);
  showServer(frame);
  if (book.instrument !== chosen) return; // it was sent before the server knew
  const own = prices.get(chosen);
  const mid = book.collects
    ? middle(book.indicative?.price ?? null, null)
    : middle(book.bids[0]?.[0] ?? null, book.asks[0]?.[0] ?? null);
  showPhase(book, own);
  ladder.show(book.bids, book.asks, form.resting(), own, middleOf(book, own));
  trades.show(book.tape, skipped, own);
  charts.show(history, book, now, own, position.average(chosen));
  position.show(chosen, mid, own);
}

// ------------------------------------------------------------ the connection

function connected() {
  clearInterval(countdown);
  document.querySelector(".status").dataset.state = "live";
  say(at("status"), "live");
  document.body.classList.remove("stale");
  at("away").hidden = true;
}

function disconnected(retry_ms) {
  document.querySelector(".status").dataset.state = "away";
  say(at("status"), "no connection");
  document.body.classList.add("stale");
  at("away").hidden = false;
  const until = performance.now() + retry_ms;
  const tick = () => say(at("again"), `Next try in ${Math.max(0, Math.ceil((until - performance.now()) / 1000))} s.`);
  clearInterval(countdown);
  countdown = setInterval(tick, 250);
  tick();
}

at("now").addEventListener("click", () => connection.hurry());
addEventListener("online", () => connection.hurry());

// ------------------------------------------------------------ keys

function neighbour(step) {
  const ids = [...known.keys()];
  choose(ids[(ids.indexOf(chosen) + step + ids.length) % ids.length]);
}

listen({
  b: () => form.focus("bid"),
  s: () => form.focus("ask"),
  x: () => form.cancelAll(),
  "[": () => neighbour(-1),
  "]": () => neighbour(1),
  "?": () => (at("help").open = !at("help").open),
});
