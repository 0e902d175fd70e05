// Numbers as people read them. The exchange has numbers that JavaScript cannot hold exactly: those come as text.

const whole = new Intl.NumberFormat("en");
const halves = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

export const NONE = "–";

/** A price, a quantity or a count, exactly. */
export function number(value) {
  if (value === null || value === undefined) return NONE;
  return whole.format(typeof value === "string" ? BigInt(value) : value);
}

/** Between two prices: there may be half a tick. */
export function half(value) {
  return value === null ? NONE : halves.format(value);
}

/** Roughly, where room is scarce. */
export function rough(value) {
  return value === undefined ? NONE : value < 1000 ? whole.format(Math.round(value)) : short.format(value);
}

/** ns in the unit that suits. */
export function duration(ns) {
  if (ns < 1e3) return `${ns} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toPrecision(3)} µs`;
  if (ns < 1e9) return `${(ns / 1e6).toPrecision(3)} ms`;
  return `${(ns / 1e9).toPrecision(3)} s`;
}

/** The time of day, of ms since 1970. */
export function time(ms) {
  return ms === null ? NONE : clock.format(ms);
}

/** Between bid and ask; of the one that is there; or null. */
export function middle(bid, ask) {
  if (bid === null || ask === null) return bid === null && ask === null ? null : Number(bid ?? ask);
  return (Number(bid) + Number(ask)) / 2;
}
