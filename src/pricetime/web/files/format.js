// Numbers as people read them. Integers that JavaScript cannot hold exactly arrive as text, and are shown exactly.

const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

export const NONE = "–";

const MINUS = "−";

/** A quantity or a count, exact. */
export function number(value) {
  if (value === null || value === undefined) return NONE;
  return whole.format(typeof value === "string" ? BigInt(value) : value);
}

/** A count in little room: 1.2K. */
export function rough(value) {
  return value === undefined ? NONE : value < 1000 ? whole.format(Math.round(value)) : short.format(value);
}

/** ns in a unit that suits. */
export function duration(ns) {
  if (ns < 1e3) return `${ns} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toPrecision(3)} µs`;
  if (ns < 1e9) return `${(ns / 1e6).toPrecision(3)} ms`;
  return `${(ns / 1e9).toPrecision(3)} s`;
}

/** The time of day of ms since 1970. */
export function time(ms) {
  return ms === null ? NONE : clock.format(ms);
}

/** The same with ms. */
export function exactTime(ms) {
  return ms === null ? NONE : `${clock.format(ms)}.${String(ms % 1000).padStart(3, "0")}`;
}

/** Date and time of ms since 1970, without the date if it is today. */
export function wholeTime(ms) {
  const date = new Date(ms).toDateString() === new Date().toDateString() ? "" : `${day.format(ms)} `;
  return `${date}${clock.format(ms)}`;
}

/** Halfway between bid and ask; the one that is there; null if neither is. */
export function middle(bid, ask) {
  if (bid === null || ask === null) return bid === null && ask === null ? null : Number(bid ?? ask);
  return (Number(bid) + Number(ask)) / 2;
}

/** Prices of one instrument. One tick is worth `unit` / 10 ** `decimals` in currency. */
export class Prices {
  constructor({ unit, decimals }) {
    this.unit = BigInt(unit);
    this.decimals = decimals;
    this.value = Number(unit) / 10 ** decimals;
    const digits = (least, most) => new Intl.NumberFormat("en", { minimumFractionDigits: least, maximumFractionDigits: most });
    this.between = digits(decimals, decimals + 1);
    this.money = digits(Math.min(decimals, 2), Math.max(decimals, 2));
  }

  /** Whole ticks in currency, exact. */
  text(ticks) {
    return ticks === null || ticks === undefined ? NONE : this.exact(ticks, (value) => whole.format(value));
  }

  /** The same without separators, for the order form. */
  plain(ticks) {
    return this.exact(ticks, String);
  }

  exact(ticks, write) {
    const scaled = BigInt(ticks) * this.unit;
    const digits = String(scaled < 0n ? -scaled : scaled).padStart(this.decimals + 1, "0");
    const point = digits.length - this.decimals;
    const fraction = this.decimals ? `.${digits.slice(point)}` : "";
    return `${scaled < 0n ? "-" : ""}${write(BigInt(digits.slice(0, point)))}${fraction}`;
  }

  /** A price that may lie between two ticks, such as a mid or an average. */
  rounded(ticks) {
    return ticks === null ? NONE : this.between.format(ticks * this.value);
  }

  /** A profit, from ticks times lots. */
  profit(amount) {
    const value = this.money.format(Math.abs(amount * this.value));
    return /[1-9]/.test(value) ? `${amount > 0 ? "+" : MINUS}${value}` : value;
  }

  /** Text of the form in currency, moved by some ticks; null if it is not such a number. */
  moved(text, ticks) {
    const found = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text);
    if (!found || (found[3] ?? "").length > this.decimals) return null;
    const scaled = BigInt(found[1] + found[2] + (found[3] ?? "").padEnd(this.decimals, "0"));
    return this.plain(scaled / this.unit + ticks);
  }
}
