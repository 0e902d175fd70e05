// The newest trades.

import { at, fill, rows, say } from "./dom.js";
import { exactTime, number, rough } from "./format.js";

const TITLES = { bid: "the taker bought", ask: "the taker sold", auction: "all trades of an auction" };

export class Trades {
  /** The page shows a different instrument from now on. */
  clear() {
    this.newest = null;
  }

  /** `tape`: [number, price, quantity, side of the taker or "auction", ms], the newest first; `skipped`: reports that were not read. */
  show(tape, skipped, prices) {
    const newest = tape[0]?.[0];
    const before = this.newest;
    if (newest !== before) {
      rows(at("tape"), tape, 3, (made, [sequence, price, quantity, side, ms]) => {
        fill(made, [exactTime(ms), number(quantity), prices.text(price)]);
        made.className = before && Number(sequence) > Number(before) ? `new ${side}` : side;
        made.title = TITLES[side];
      });
      this.newest = newest;
    }
    at("no-trades").hidden = tape.length > 0;
    say(at("skipped"), skipped ? `fast market: ${rough(skipped)} reports not shown` : "");
  }
}
