// Your position in the instrument that is shown, its average price, and your profit.

import { at, say } from "./dom.js";
import { NONE, number } from "./format.js";

const NOTHING = { quantity: 0, cost: 0, realised: 0 };

export class Position {
  constructor() {
    this.byInstrument = new Map();
  }

  /** `positions`: of the server, one for each instrument in which you have traded. */
  update(positions) {
    this.byInstrument = new Map(positions.map((one) => [one.instrument, one]));
  }

  /** The average price of an instrument's position, in ticks; null without a position. */
  average(instrument) {
    const { quantity, cost } = this.byInstrument.get(instrument) ?? NOTHING;
    return Number(quantity) === 0 ? null : Number(cost) / Number(quantity);
  }

  /** `mid`: in ticks, or null: the price at which the position is valued. */
  show(instrument, mid, prices) {
    const { quantity, cost, realised } = this.byInstrument.get(instrument) ?? NOTHING;
    const open = Number(quantity) === 0 ? 0 : mid === null ? null : Number(quantity) * mid - Number(cost);
    say(at("position"), Number(quantity) > 0 ? `+${number(quantity)}` : number(quantity).replace("-", "−"));
    say(at("average"), prices.rounded(this.average(instrument)));
    profit("open-profit", open, prices);
    profit("realised", Number(realised), prices);
  }
}

function profit(id, amount, prices) {
  say(at(id), amount === null ? NONE : prices.profit(amount));
  at(id).className = amount > 0 ? "gain" : amount < 0 ? "loss" : "";
}
