// The order form, and the orders that were sent from here.

import { at, row, say } from "./dom.js";
import { number } from "./format.js";

const WORDS = { bid: "Bid", ask: "Ask" };

export class Ticket {
  /** `send(message)`: false when there is no server just now. */
  constructor(send) {
    this.send = send;
    this.form = at("ticket");
    this.fields = this.form.elements;
    this.tickets = 0;
    this.rows = new Map();
    this.told = new Map(); // what was said of each order last
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.order();
    });
    this.form.addEventListener("input", () => this.follow());
    for (const name of ["quantity", "price"]) {
      this.fields[name].addEventListener("keydown", (event) => this.step(event, name));
    }
    at("cancel-all").addEventListener("click", () => this.cancelAll());
  }

  begin(hello) {
    this.instruments = new Map(hello.instruments.map((one) => [one.id, one]));
    const open = hello.sandbox !== null;
    this.form.hidden = !open;
    at("closed").hidden = open;
    at("cancel-all").hidden = !open;
    document.querySelector(".own").hidden = !open;
    say(at("sandbox"), open ? `sandbox, owner ${hello.sandbox}` : "");
    at("send").disabled = true; // until the sandbox has logged in
    at("own").replaceChildren(); // another server counts its orders from 1 again
    this.rows.clear();
    this.told.clear();
    this.first = true;
  }

  look(instrument) {
    this.instrument = instrument;
    const { tick_size, lot_size } = this.instruments.get(instrument);
    say(at("tick"), String(tick_size) === "1" ? "" : `of ${number(tick_size)}`);
    say(at("lot"), String(lot_size) === "1" ? "" : `of ${number(lot_size)}`);
  }

  /** To the quantity, for a bid or an ask. */
  focus(side) {
    if (this.form.hidden) return;
    this.fields.side.value = side;
    this.follow();
    this.fields.quantity.focus();
    this.fields.quantity.select();
  }

  /** A price of the book, and the side that would take it. */
  take(price, side) {
    this.fields.price.value = price;
    this.focus(side);
  }

  /** What the form shows of itself. */
  follow() {
    const side = this.fields.side.value;
    this.form.dataset.side = side;
    say(at("send"), `Send ${side}`);
    this.fields.price.disabled = this.fields.time_in_force.value === "market";
    for (const name of ["quantity", "price"]) this.fields[name].removeAttribute("aria-invalid");
  }

  /** Arrows: a tick or a lot more or less. */
  step(event, name) {
    const direction = { ArrowUp: 1n, ArrowDown: -1n }[event.key];
    const text = this.fields[name].value.trim();
    if (direction === undefined || !/^-?\d+$/.test(text)) return;
    event.preventDefault();
    const { tick_size, lot_size } = this.instruments.get(this.instrument);
    this.fields[name].value = String(BigInt(text) + direction * BigInt(name === "price" ? tick_size : lot_size));
  }

  order() {
    const wrong = this.wrong();
    if (wrong) {
      this.fields[wrong].setAttribute("aria-invalid", "true");
      this.fields[wrong].focus();
      this.say(`${wrong}: give a whole number`, true);
      return;
    }
    const { side, quantity, price, time_in_force } = this.fields;
    this.ask({
      do: "order",
      instrument: this.instrument,
      side: side.value,
      quantity: quantity.value.trim(),
      price: price.value.trim(),
      time_in_force: time_in_force.value,
    });
  }

  /** The first field that cannot be meant. */
  wrong() {
    const { quantity, price } = this.fields;
    if (!/^\d+$/.test(quantity.value.trim())) return "quantity";
    return price.disabled || /^-?\d+$/.test(price.value.trim()) ? null : "price";
  }

  cancelAll() {
    if (!this.form.hidden) this.ask({ do: "cancel all" });
  }

  ask(message) {
    if (!this.send({ ...message, ticket: ++this.tickets })) this.say("not sent: there is no server just now", true);
  }

  /** The server took it, or says why not. What becomes of an order stands in the table. */
  answered({ error }) {
    if (error) this.say(error, true);
  }

  say(text, bad = false) {
    at("says").classList.toggle("bad", bad);
    say(at("says"), text);
  }

  // ------------------------------------------------------------ the orders

  /** Prices at which orders of ours rest. */
  resting() {
    const own = this.orders?.filter((order) => order.status === "resting" && order.instrument === this.instrument);
    return new Set(own?.map((order) => String(order.price)));
  }

  show({ ready, state, orders }) {
    this.orders = orders;
    at("send").disabled = !ready;
    if (!ready) this.say(state, true);
    const ids = new Set(orders.map((order) => order.id));
    for (const [id, made] of this.rows) {
      if (!ids.has(id)) {
        made.remove();
        this.rows.delete(id);
        this.told.delete(id);
      }
    }
    orders.toReversed().forEach((order) => this.showOrder(order));
    at("no-own").hidden = orders.length > 0;
    this.first = false;
  }

  showOrder(order) {
    const made = this.rows.get(order.id) ?? this.addRow(order);
    say(made.cells[2], `${number(order.traded)} / ${number(order.quantity)}`);
    const [status, why] = made.cells[3].children;
    say(status, order.status);
    status.className = order.status;
    say(why, order.why);
    const button = made.cells[4].firstElementChild;
    const open = order.status === "resting" || order.status === "sent";
    if (button && !open) {
      const focused = document.activeElement === button;
      button.remove();
      if (focused) (document.querySelector("#own button") ?? at("own-title")).focus();
    }
    this.tell(order);
  }

  addRow(order) {
    const made = row(5, true);
    made.cells[0].scope = "row";
    const side = Object.assign(document.createElement("span"), { className: `side ${order.side}` });
    side.textContent = WORDS[order.side];
    made.cells[0].append(side, ` ${order.id}`);
    const { symbol } = this.instruments.get(order.instrument) ?? { symbol: `#${order.instrument}` };
    say(made.cells[1], `${symbol} ${order.price === null ? "market" : number(order.price)}`);
    const why = Object.assign(document.createElement("span"), { className: "why" });
    made.cells[3].append(document.createElement("span"), why);
    const button = Object.assign(document.createElement("button"), { type: "button", className: "small" });
    button.textContent = "Cancel";
    button.setAttribute("aria-label", `Cancel order ${order.id}`);
    button.addEventListener("click", () => this.ask({ do: "cancel", id: order.id }));
    made.cells[4].append(button);
    at("own").prepend(made);
    this.rows.set(order.id, made);
    return made;
  }

  /** Say what happened to an order, once; not what had happened before the page came. */
  tell(order) {
    const text = `${WORDS[order.side]} ${order.id}: ${outcome(order)}`;
    if (this.told.get(order.id) !== text && !this.first && order.status !== "sent") {
      this.say(text, order.status === "rejected" || order.status === "lost");
    }
    this.told.set(order.id, text);
  }
}

function outcome(order) {
  const traded = order.traded === 0 ? "" : `${number(order.traded)} of ${number(order.quantity)} traded`;
  const last = traded && `, last at ${number(order.last_price)}`;
  const parts = [order.status, traded + last, order.why].filter(Boolean);
  return parts.join("; ");
}
