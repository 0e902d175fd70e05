// The two charts of the instrument that is shown.

import { at, say } from "./dom.js";
import { DepthChart } from "./depth_chart.js";
import { NONE, number, rough } from "./format.js";
import { PriceChart, traded as lots } from "./price_chart.js";

// The descriptions for people who do not see the charts change no more often than this.
const DESCRIBED_EVERY_MS = 5000;

export class Charts {
  constructor() {
    this.price = new PriceChart(at("mid"));
    this.depth = new DepthChart(at("depth"));
    this.described = 0;
  }

  /** `history`: of `History`; `book`: of a frame; `average`: of your position in ticks, or null. */
  show(history, book, now, prices, average) {
    const span_s = this.price.draw(history.points, now, prices, average);
    this.depth.draw(book.bids, book.asks, prices);
    const { last } = history;
    say(at("span"), span_s === 60 ? "last minute" : `last ${span_s / 60} minutes`);
    say(at("mid-now"), last ? prices.rounded(last.mid) : NONE);
    say(at("depth-now"), last ? `${rough(last.bids)} / ${rough(last.asks)}` : NONE);
    if (now - this.described > DESCRIBED_EVERY_MS) this.describe(history, now, prices);
  }

  describe({ points, last }, now, prices) {
    this.described = now;
    const mids = points.map((point) => point.mid).filter((mid) => mid !== null);
    if (!mids.length) return;
    const [low, high] = [Math.min(...mids), Math.max(...mids)].map((mid) => prices.rounded(mid));
    const traded = points.reduce((sum, point) => sum + lots(point), 0);
    at("mid").setAttribute(
      "aria-label",
      `mid price: now ${prices.rounded(last.mid)}, from ${low} to ${high} in the last minutes; ${number(traded)} traded`,
    );
    at("depth").setAttribute("aria-label", `depth: ${rough(last.bids)} bid, ${rough(last.asks)} asked`);
  }
}
