// The order book as a ladder: as many levels of each side as there is room for.

import { at, fill, row, say } from "./dom.js";
import { number } from "./format.js";

// The least height of a level.
const LEVEL_REM = 1.5;

// A phone scrolls the page, so the ladder has a fixed height there.
const PHONE_LEVELS = 8;
const PHONE = matchMedia("(max-width: 60rem)");

export class Ladder {
  /** `take(price, side)` is called if a price is clicked. */
  constructor(take) {
    this.levels = 0;
    this.most = 0;
    for (const side of ["bids", "asks"]) {
      at(side).addEventListener("click", (event) => {
        const price = event.target.closest("tr")?.dataset.price;
        if (price) take(price, side === "bids" ? "ask" : "bid");
      });
    }
    this.room = document.querySelector(".ladder-room");
    new ResizeObserver(() => this.fit()).observe(this.room);
    PHONE.addEventListener("change", () => this.fit());
  }

  /** `most`: levels of each side that the server sends. */
  begin(most) {
    this.most = most;
    this.levels = 0;
    this.fit();
  }

  /** Show as many levels as the height allows. */
  fit() {
    if (this.most === 0) return;
    const levels = Math.min(this.most, PHONE.matches ? PHONE_LEVELS : this.fitting());
    if (levels === this.levels) return;
    this.levels = levels;
    for (const side of ["bids", "asks"]) at(side).replaceChildren(...Array.from({ length: levels }, () => row(3)));
    if (this.shown) this.show(...this.shown);
  }

  /** How many levels of each side have room. Their height is then stretched, so that no room is left over. */
  fitting() {
    const others = [".ladder thead", ".ladder .middle"].map((name) => this.room.querySelector(name).offsetHeight);
    const height = this.room.clientHeight - others[0] - others[1];
    const least = LEVEL_REM * parseFloat(getComputedStyle(document.documentElement).fontSize);
    const levels = Math.max(4, Math.min(this.most, Math.trunc(height / 2 / least)));
    const stretched = Math.max(least, Math.min(height / 2 / levels, 1.2 * least));
    this.room.style.setProperty("--level", `${Math.trunc(8 * stretched) / 8}px`);
    return levels;
  }

  /** `mine`: prices, as text, at which your orders rest. `middle`: in place of the spread; null for the spread. */
  show(bids, asks, mine, prices, middle) {
    this.shown = [bids, asks, mine, prices, middle];
    const shown = [...bids.slice(0, this.levels), ...asks.slice(0, this.levels)];
    const most = Math.max(1, ...shown.map((level) => Number(level[1])));
    const side = (body, levels, place) => {
      for (let i = 0; i < this.levels; i++) {
        const made = body.rows[place(i)];
        const [price, quantity, count] = levels[i] ?? [null, null, null];
        fill(made, price === null ? ["", "", ""] : [number(count), number(quantity), prices.text(price)]);
        made.dataset.price = price ?? "";
        made.classList.toggle("mine", price !== null && mine.has(String(price)));
        made.style.setProperty("--share", `${Math.round((100 * Number(quantity ?? 0)) / most)}%`);
      }
    };
    side(at("bids"), bids, (i) => i);
    side(at("asks"), asks, (i) => this.levels - 1 - i);
    say(at("spread"), middle ?? spread(bids, asks, prices));
  }
}

function spread(bids, asks, prices) {
  if (!bids.length && !asks.length) return "No bids or asks yet";
  if (!bids.length) return "No bids";
  if (!asks.length) return "No asks";
  return `Spread ${prices.text(BigInt(asks[0][0]) - BigInt(bids[0][0]))}`;
}
