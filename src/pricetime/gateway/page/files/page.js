// The page: what comes from the exchange is shown at most once for each picture of the screen.

import { Connection } from "./connection.js";
import { at, say } from "./dom.js";
import { listen } from "./keys.js";
import { MarketView } from "./market.js";
import { Ticket } from "./order_form.js";

const connection = new Connection({ heard, came, went });
const ticket = new Ticket((message) => connection.send(message));
const market = new MarketView(look, (price, side) => ticket.take(price, side));

let version = null;
let chosen = null;
let frame = null;
let wanted = false; // a picture is asked for
let countdown = 0;

function heard(message) {
  if (message.type === "hello") hello(message);
  else if (message.type === "history") market.history(message);
  else if (message.type === "answer") ticket.answered(message);
  else if (message.type === "frame") {
    frame = message;
    market.note(message);
    if (message.sandbox) ticket.show(message.sandbox);
    if (!wanted) requestAnimationFrame(show);
    wanted = true;
  }
}

function hello(message) {
  if (version !== null && version !== message.version) location.reload(); // another server has another page
  version = message.version;
  market.begin(message);
  ticket.begin(message);
  const ids = message.instruments.map((one) => one.id);
  look(ids.includes(chosen) ? chosen : ids[0]);
}

function look(instrument) {
  chosen = instrument;
  market.look(instrument);
  ticket.look(instrument);
  connection.send({ do: "look", instrument });
}

function show() {
  wanted = false;
  market.show(frame, ticket.resting());
}

// ------------------------------------------------------------ the server comes and goes

function came() {
  clearInterval(countdown);
  document.querySelector(".status").dataset.state = "live";
  say(at("status"), "live");
  document.body.classList.remove("stale");
  at("away").hidden = true;
}

function went(again_ms) {
  document.querySelector(".status").dataset.state = "away";
  say(at("status"), "no connection");
  document.body.classList.add("stale");
  at("away").hidden = false;
  const until = performance.now() + again_ms;
  const tick = () => say(at("again"), `Next try in ${Math.max(0, Math.ceil((until - performance.now()) / 1000))} s.`);
  clearInterval(countdown);
  countdown = setInterval(tick, 250);
  tick();
}

at("now").addEventListener("click", () => connection.hurry());
addEventListener("online", () => connection.hurry());

// ------------------------------------------------------------ keys

function neighbour(step) {
  const ids = [...market.instruments.keys()];
  look(ids[(ids.indexOf(chosen) + step + ids.length) % ids.length]);
}

listen({
  b: () => ticket.focus("bid"),
  a: () => ticket.focus("ask"),
  x: () => ticket.cancelAll(),
  "[": () => neighbour(-1),
  "]": () => neighbour(1),
  "?": () => (at("help").open = !at("help").open),
});
