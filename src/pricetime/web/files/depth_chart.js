// Cumulative depth: how many lots rest between the best price of a side and each price behind it.

import { begin, empty, marks, rules } from "./canvas.js";
import { rough } from "./format.js";

const MARGIN = { left: 10, right: 6, top: 8, bottom: 20 };

// A side is shown as far as this share of its lots reaches, so that one order far away does not stretch the axis.
const SHOWN = 0.96;

export class DepthChart {
  constructor(canvas) {
    this.canvas = canvas;
  }

  /** `bids`, `asks`: [price in ticks, lots, orders] of each level, the best first. */
  draw(bids, asks, prices) {
    const frame = begin(this.canvas);
    const sides = [steps(bids), steps(asks)];
    if (!bids.length && !asks.length) return empty(frame, "No bids or asks yet");
    const best = sides.filter((side) => side.length).map((side) => side[0].price);
    const mid = best.reduce((sum, price) => sum + price, 0) / best.length;
    const reach = Math.max(2, ...sides.map((side) => reached(side, mid))) + 0.5;
    const within = sides.map((side) => side.filter((step) => Math.abs(step.price - mid) <= reach));
    const most = Math.max(1, ...within.map((side) => side.at(-1)?.total ?? 0)) * 1.08;
    const scale = this.scale(frame, mid, reach, most);
    this.axes(frame, scale, mid, reach, prices);
    within.forEach((side, i) => this.side(frame, scale, side, i ? "ask" : "bid", i ? mid + reach : mid - reach));
    return undefined;
  }

  scale({ pen, width, height }, mid, reach, most) {
    const axis = marks(0, most, Math.max(2, Math.round(height / 45)), 1);
    const labels = Math.max(...axis.map((mark) => pen.measureText(rough(mark)).width));
    const box = { left: MARGIN.left, right: width - labels - MARGIN.right - 10, top: MARGIN.top, bottom: height - MARGIN.bottom };
    return {
      box,
      axis,
      x: (price) => box.left + ((price - mid + reach) / (2 * reach)) * (box.right - box.left),
      y: (lots) => box.bottom - (lots / most) * (box.bottom - box.top),
    };
  }

  axes(frame, { box, axis, x, y }, mid, reach, prices) {
    const { pen } = frame;
    rules(frame, box, axis, y, rough);
    pen.textAlign = "center";
    pen.textBaseline = "bottom";
    const half = pen.measureText(prices.text(Math.round(mid))).width / 2;
    for (const mark of marks(mid - reach, mid + reach, Math.max(2, Math.min(5, (box.right - box.left) / (half * 4))), 1)) {
      const place = x(mark);
      if (place - half > 0 && place + half < box.right + 4) pen.fillText(prices.text(mark), place, box.bottom + 19);
    }
  }

  /** One side as steps that grow away from the best price. `end`: where its last step ends, in ticks. */
  side({ pen, colour }, { box, x, y }, levels, name, end) {
    if (!levels.length) return;
    pen.beginPath();
    pen.moveTo(x(levels[0].price), box.bottom);
    levels.forEach(({ price, total }, i) => {
      pen.lineTo(x(price), y(total));
      pen.lineTo(x(levels[i + 1]?.price ?? end), y(total));
    });
    pen.strokeStyle = colour(name);
    pen.lineWidth = 1.5;
    pen.stroke();
    pen.lineTo(x(end), box.bottom);
    pen.fillStyle = colour(`${name}-bar`);
    pen.globalAlpha = 0.75;
    pen.fill();
    pen.globalAlpha = 1;
  }
}

/** Each level with the sum of its lots and those of all better levels. */
function steps(levels) {
  let total = 0;
  return levels.map(([price, lots]) => ({ price: Number(price), total: (total += Number(lots)) }));
}

/** How far from the mid a side is shown, in ticks. */
function reached(side, mid) {
  const total = side.at(-1)?.total ?? 0;
  const step = side.find((level) => level.total >= SHOWN * total);
  return step ? Math.abs(step.price - mid) : 0;
}
