// The order form, and the orders that were sent from it.

import { at, row, say } from "./dom.js";
import { number, wholeTime } from "./format.js";

const ACTIONS = { bid: "Buy", ask: "Sell" };

const UNPRICED = ["market", "market-to-limit", "stop"];
const STOPS = ["stop", "stop-limit"];
const PROTECTED = ["market", "stop"];

// The fields that are checked before an order is sent, and what is wrong with them.
const WRONG = {
  quantity: "Quantity: enter a whole number",
  price: "Price: enter a number",
  trigger_price: "Trigger price: enter a number",
  protection: "Protection: enter a number, or leave it empty",
  expiry: "Expires: enter a date and a time",
  display_quantity: "Display: enter a whole number, or leave it empty",
  minimum_quantity: "Minimum: enter a whole number, or leave it empty",
};

// The expiry time that the form proposes is this far from now.
const EXPIRY_MS = 600_000;

const WHOLE = /^\d+$/;
const DECIMAL = /^-?(\d+\.?\d*|\.\d+)$/;

export class OrderForm {
  /** `send(message)`: false if there is no connection. */
  constructor(send) {
    this.send = send;
    this.form = at("order-form");
    this.fields = this.form.elements;
    this.requests = 0;
    this.orders = [];
    this.rows = new Map(); // by order number
    this.said = new Map(); // the last message about each order
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.order();
    });
    this.form.addEventListener("input", () => this.update());
    for (const name of ["quantity", "price", "trigger_price", "protection", "display_quantity", "minimum_quantity"]) {
      this.fields[name].addEventListener("keydown", (event) => this.step(event, name));
    }
    at("cancel-all").addEventListener("click", () => this.cancelAll());
  }

  /** `hello`: the first message of the server. `prices`: of each instrument. */
  begin(hello, prices) {
    this.instruments = new Map(hello.instruments.map((one) => [one.id, one]));
    this.prices = prices;
    const open = hello.sandbox !== null;
    this.form.hidden = !open;
    at("closed").hidden = open;
    at("cancel-all").hidden = !open;
    for (const name of [".own", ".position"]) document.querySelector(name).hidden = !open;
    say(at("sandbox"), open ? `you trade as owner ${hello.sandbox}` : "");
    at("send").disabled = true; // until the sandbox has logged in
    at("own").replaceChildren(); // a new server numbers its orders from 1 again
    this.rows.clear();
    this.said.clear();
    this.first = true;
    this.update();
  }

  /** Trade in this instrument from now on. */
  choose(instrument) {
    this.instrument = instrument;
    const { tick_size, lot_size, rejects } = this.instruments.get(instrument);
    const prices = this.prices.get(instrument);
    const tick = prices.text(tick_size);
    for (const name of ["type", "time_in_force", "instruction"]) {
      const field = this.fields[name];
      for (const option of field.options) option.disabled = rejects.includes(option.value);
      if (field.selectedOptions[0].disabled) field.value = [...field.options].find((option) => !option.disabled).value;
    }
    this.update();
    say(at("tick"), tick === "1" ? "" : `steps of ${tick}`);
    say(at("lot"), String(lot_size) === "1" ? "" : `steps of ${number(lot_size)}`);
  }

  /** Go to the quantity, to buy or to sell. */
  focus(side) {
    if (this.form.hidden) return;
    this.fields.side.value = side;
    this.update();
    this.fields.quantity.focus();
    this.fields.quantity.select();
  }

  /** Put a price of the book into the form, for the side that would trade with it. */
  take(price, side) {
    this.fields.price.value = this.prices.get(this.instrument).plain(price);
    this.focus(side);
  }

  /** Make the form consistent with its fields. */
  update() {
    const { side, type, time_in_force, price, expiry } = this.fields;
    this.form.dataset.side = side.value;
    say(at("send"), ACTIONS[side.value]);
    price.disabled = UNPRICED.includes(type.value);
    at("trigger").hidden = !STOPS.includes(type.value);
    at("protects").hidden = !PROTECTED.includes(type.value);
    at("expires").hidden = time_in_force.value !== "gtd";
    if (time_in_force.value === "gtd" && expiry.value === "") expiry.value = localTime(Date.now() + EXPIRY_MS);
    for (const name of Object.keys(WRONG)) this.fields[name].removeAttribute("aria-invalid");
  }

  /** Arrow keys: one tick or one lot more or less. */
  step(event, name) {
    const direction = { ArrowUp: 1n, ArrowDown: -1n }[event.key];
    if (direction === undefined) return;
    const field = this.fields[name];
    const text = field.value.trim();
    const { tick_size, lot_size } = this.instruments.get(this.instrument);
    const moved =
      name.endsWith("price") || name === "protection"
        ? this.prices.get(this.instrument).moved(text, direction * BigInt(tick_size))
        : /^\d+$/.test(text) ? String(BigInt(text) + direction * BigInt(lot_size)) : null;
    if (moved === null) return;
    event.preventDefault();
    field.value = moved;
  }

  order() {
    const wrong = this.wrong();
    if (wrong) {
      if (at("more").contains(this.fields[wrong])) at("more").open = true;
      this.fields[wrong].setAttribute("aria-invalid", "true");
      this.fields[wrong].focus();
      this.say(WRONG[wrong], true);
      return;
    }
    const names = ["side", "type", "time_in_force", "instruction", "quantity", "price", "trigger_price", "protection"];
    const fields = [...names, "display_quantity", "minimum_quantity"].map((name) => [name, this.text(name)]);
    const expiry = String(new Date(this.fields.expiry.value).getTime());
    this.ask({ do: "order", instrument: this.instrument, ...Object.fromEntries(fields), expiry });
  }

  text(name) {
    return this.fields[name].value.trim();
  }

  /** The first field that is used and does not hold what it must. */
  wrong() {
    const right = {
      quantity: WHOLE.test(this.text("quantity")),
      price: this.fields.price.disabled || DECIMAL.test(this.text("price")),
      trigger_price: at("trigger").hidden || DECIMAL.test(this.text("trigger_price")),
      protection: at("protects").hidden || this.text("protection") === "" || DECIMAL.test(this.text("protection")),
      expiry: at("expires").hidden || this.fields.expiry.value !== "",
      display_quantity: this.text("display_quantity") === "" || WHOLE.test(this.text("display_quantity")),
      minimum_quantity: this.text("minimum_quantity") === "" || WHOLE.test(this.text("minimum_quantity")),
    };
    return Object.keys(right).find((name) => !right[name]);
  }

  cancelAll() {
    if (!this.form.hidden) this.ask({ do: "cancel all" });
  }

  ask(message) {
    if (!this.send({ ...message, request: ++this.requests })) this.say("Not sent: there is no connection to the server", true);
  }

  /** The server's answer. What happens to an order is in the table. */
  answered({ error }) {
    if (error) this.say(error, true);
  }

  say(text, bad = false) {
    at("says").classList.toggle("bad", bad);
    say(at("says"), text);
  }

  // ------------------------------------------------------------ the orders

  /** Prices, as text, at which your orders rest. */
  resting() {
    const own = this.orders.filter((order) => order.status === "resting" && order.instrument === this.instrument);
    return new Set(own.map((order) => String(order.price)));
  }

  /** `sandbox`: of a frame. */
  show({ ready, state, orders }) {
    this.orders = orders;
    at("send").disabled = !ready;
    if (!ready) this.say(state, true);
    const ids = new Set(orders.map((order) => order.id));
    for (const [id, made] of this.rows) {
      if (!ids.has(id)) {
        this.explain(made, "");
        made.remove();
        this.rows.delete(id);
        this.said.delete(id);
      }
    }
    orders.toReversed().forEach((order) => this.showOrder(order));
    at("no-own").hidden = orders.length > 0;
    at("cancel-all").disabled = !orders.some(isOpen);
    this.first = false;
  }

  showOrder(order) {
    const made = this.rows.get(order.id) ?? this.addRow(order);
    say(made.cells[2], `${number(order.traded)} / ${number(order.quantity)}`);
    say(made.cells[3], order.status);
    made.cells[3].className = order.status;
    say(made.cells[1], this.priceOf(order, order.price));
    this.explain(made, [this.terms(order), order.why].filter(Boolean).join("; "));
    const button = made.cells[4].firstElementChild;
    if (button && !isOpen(order)) {
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
    side.textContent = ACTIONS[order.side];
    const symbol = document.createElement("small");
    symbol.textContent = this.instruments.get(order.instrument)?.symbol ?? `#${order.instrument}`;
    made.cells[0].append(side, ` ${order.id} `, symbol);
    const button = Object.assign(document.createElement("button"), { type: "button", className: "small" });
    button.textContent = "Cancel";
    button.setAttribute("aria-label", `Cancel order ${order.id}`);
    button.addEventListener("click", () => this.ask({ do: "cancel", id: order.id }));
    made.cells[4].append(button);
    at("own").prepend(made);
    this.rows.set(order.id, made);
    return made;
  }

  /** What an order asks for besides a price until it is cancelled. */
  terms(order) {
    const { type, time_in_force, instruction, trigger_price, protection } = order;
    const { display_quantity, minimum_quantity, expiry, hidden } = order;
    return [
      type === "limit" ? "" : words(this.fields.type, type),
      trigger_price !== null && `trigger price ${this.priceOf(order, trigger_price)}`,
      protection !== null && `protection ${this.priceOf(order, protection)}`,
      display_quantity !== null && `displays ${number(display_quantity)}${hidden ? `, ${number(hidden)} hidden` : ""}`,
      minimum_quantity !== null && `at least ${number(minimum_quantity)} at once`,
      time_in_force === "gtd" ? `until ${wholeTime(expiry)}` : time_in_force === "gtc" ? "" : words(this.fields.time_in_force, time_in_force),
      instruction && words(this.fields.instruction, instruction),
    ].filter(Boolean).join(", ");
  }

  /** What an order asks for and why it ended, in a row below the order's. */
  explain(made, why) {
    const below = made.nextElementSibling?.className === "why" ? made.nextElementSibling : null;
    if (!why) below?.remove();
    else if (below) say(below.cells[0], why);
    else {
      const explanation = Object.assign(row(1), { className: "why" });
      explanation.cells[0].colSpan = made.cells.length;
      say(explanation.cells[0], why);
      made.after(explanation);
    }
  }

  priceOf(order, price) {
    return price === null ? "market" : (this.prices.get(order.instrument)?.text(price) ?? number(price));
  }

  /** Say what happened to an order, once, unless it happened before the page was opened. */
  tell(order) {
    const text = `${ACTIONS[order.side]} order ${order.id}: ${this.outcome(order)}`;
    if (this.said.get(order.id) !== text && !this.first && order.status !== "sent") {
      this.say(text, order.status === "rejected" || order.status === "lost");
    }
    this.said.set(order.id, text);
  }

  outcome(order) {
    const traded = order.traded === 0 ? "" : `${number(order.traded)} of ${number(order.quantity)} traded`;
    const last = traded && `, last at ${this.priceOf(order, order.last_price)}`;
    return [order.status, traded + last, order.why].filter(Boolean).join("; ");
  }
}

function isOpen(order) {
  return ["sent", "waiting", "resting"].includes(order.status);
}

/** ms since 1970 as the value of a field for date and time. */
function localTime(ms) {
  return new Date(ms - 60_000 * new Date(ms).getTimezoneOffset()).toISOString().slice(0, 19);
}

/** The words of the form for one of its values. */
function words(field, value) {
  return [...field.options].find((option) => option.value === value).textContent.toLowerCase();
}
