// The last minutes of the instrument that is shown: a point for each second, and the book of this moment.

import { middle } from "./format.js";

export class History {
  /** `seconds`: how long a point is kept. */
  constructor(seconds) {
    this.seconds = seconds;
    this.points = [];
  }

  clear() {
    this.points = [];
  }

  /** Points of the server, the oldest first. Each takes the place of an earlier one of the same second. */
  add(points) {
    for (const made of points.map(point)) {
      const index = this.points.findLastIndex((known) => known.ms <= made.ms);
      if (index >= 0 && this.points[index].ms === made.ms) this.points[index] = made;
      else this.points.splice(index + 1, 0, made);
    }
    if (this.points.length > this.seconds) this.points.splice(0, this.points.length - this.seconds);
  }

  get last() {
    return this.points.at(-1);
  }
}

function point([ms, bid, ask, bids, asks, bought, sold, auctioned]) {
  const number = (value) => (value === null ? null : Number(value));
  return {
    ms, bid: number(bid), ask: number(ask), mid: middle(bid, ask),
    bids: Number(bids), asks: Number(asks), bought: Number(bought), sold: Number(sold), auctioned: Number(auctioned),
  };
}
