// Mid price over time with the spread as a band around it, the volume of each second below, and your average price.

import { begin, empty, line, marks, rules, tag } from "./canvas.js";
import { NONE, number, time } from "./format.js";

// The chart shows the shortest of these spans that holds the history: its length, and the time between two marks.
const SPANS = [[60, 15], [120, 30], [180, 60], [300, 60]];

// Without a point for this long the line is broken.
const GAP_MS = 3000;

// The price axis is never shorter than this.
const LEAST_TICKS = 10;

const MARGIN = { left: 10, top: 6, bottom: 20, gap: 10 };

// The tag with the price of this moment, in pixels.
const TAG_HEIGHT = 18;

// Share of the height that the volume takes.
const VOLUME = 0.2;

export class PriceChart {
  constructor(canvas) {
    this.canvas = canvas;
    this.pointer = null; // x of the mouse, in CSS pixels
    canvas.addEventListener("pointermove", (event) => (this.pointer = event.offsetX));
    canvas.addEventListener("pointerleave", () => (this.pointer = null));
  }

  /** `points`: of `History`; `average`: of your position, in ticks, or null. The seconds that it shows. */
  draw(points, now, prices, average) {
    const frame = begin(this.canvas);
    const age_s = points.length ? (now - points[0].ms) / 1000 : 0;
    const [span_s, step_s] = SPANS.find(([seconds]) => seconds >= age_s) ?? SPANS.at(-1);
    const seen = points.filter((point) => point.ms > now - 1000 * span_s - 1000);
    const priced = seen.filter((point) => point.mid !== null);
    if (!priced.length) {
      empty(frame, "No prices yet");
      return span_s;
    }
    const scale = this.scale(frame, priced, prices, now, span_s);
    this.grid(frame, scale, prices, priced.at(-1).mid, span_s, step_s);
    this.volume(frame, scale, seen);
    this.lines(frame, scale, seen);
    if (average !== null) this.average(frame, scale, average, prices);
    this.tag(frame, scale, priced.at(-1), prices);
    if (this.pointer !== null) this.readout(frame, scale, priced, prices);
    return span_s;
  }

  /** Where a time and a price are on the canvas. */
  scale({ pen, width, height }, priced, prices, now, span_s) {
    const low = Math.min(...priced.map((point) => point.bid ?? point.mid));
    const high = Math.max(...priced.map((point) => point.ask ?? point.mid));
    const spare = Math.max((high - low) * 0.08, (LEAST_TICKS - (high - low)) / 2, 1);
    const axis = marks(low - spare, high + spare, Math.max(3, Math.round(height / 55)), 1);
    const labels = Math.max(44, ...axis.map((mark) => pen.measureText(prices.text(mark)).width));
    const bottom = height - MARGIN.bottom;
    const base = bottom - VOLUME * (bottom - MARGIN.top);
    const box = { left: MARGIN.left, right: width - labels - 16, top: MARGIN.top, base, bottom };
    const ends = [low - spare, high + spare];
    return {
      box,
      axis,
      now,
      x: (ms) => box.right - ((now - ms) / (1000 * span_s)) * (box.right - box.left),
      y: (ticks) => box.base - MARGIN.gap - ((ticks - ends[0]) / (ends[1] - ends[0])) * (box.base - MARGIN.gap - box.top),
    };
  }

  /** Lines and labels. `mid`: the price of this moment, whose tag covers the labels next to it. */
  grid(frame, { box, axis, now, x, y }, prices, mid, span_s, step_s) {
    const { pen } = frame;
    rules(frame, box, axis, y, (mark, place) => (Math.abs(place - y(mid)) > TAG_HEIGHT ? prices.text(mark) : ""));
    pen.textAlign = "center";
    pen.textBaseline = "bottom";
    for (let back = step_s; back < span_s; back += step_s) pen.fillText(ago(back), x(now - 1000 * back), box.bottom + 19);
  }

  volume({ pen, colour }, { box, now, x }, seen) {
    const most = Math.max(1, ...seen.map(traded));
    for (const point of seen) {
      const { ms, bought, sold, auctioned } = point;
      const left = Math.max(x(ms), box.left);
      const width = x(Math.min(ms + 1000, now)) - left - (x(1000) - x(0)) * 0.2;
      if (width <= 0 || traded(point) === 0) continue;
      const size = (lots) => (lots / most) * (box.bottom - box.base);
      pen.fillStyle = colour("bid-mark");
      pen.fillRect(left, box.bottom - size(bought), width, size(bought));
      pen.fillStyle = colour("ask-mark");
      pen.fillRect(left, box.bottom - size(bought) - size(sold), width, size(sold));
      pen.fillStyle = colour("quiet");
      pen.fillRect(left, box.bottom - size(traded(point)), width, size(auctioned));
    }
  }

  lines({ pen, colour }, { box, now, x, y }, seen) {
    pen.save();
    pen.beginPath();
    pen.rect(box.left, 0, box.right - box.left + 4, box.bottom);
    pen.clip();
    const place = (point) => x(Math.min(point.ms + 1000, now));
    for (const run of runs(seen)) {
      const quoted = run.filter((point) => point.bid !== null && point.ask !== null);
      pen.fillStyle = colour("band");
      pen.beginPath();
      for (const point of quoted) pen.lineTo(place(point), y(point.ask));
      for (const point of quoted.toReversed()) pen.lineTo(place(point), y(point.bid));
      pen.fill();
      pen.strokeStyle = colour("ink");
      pen.lineWidth = 1.5;
      pen.beginPath();
      for (const point of run) pen.lineTo(place(point), y(point.mid));
      pen.stroke();
    }
    pen.restore();
  }

  average({ pen, colour }, { box, y }, average, prices) {
    const place = Math.round(y(average)) + 0.5;
    if (place < box.top || place > box.base) return;
    pen.save();
    pen.strokeStyle = pen.fillStyle = colour("good");
    pen.setLineDash([4, 4]);
    line(pen, box.left, place, box.right, place);
    pen.textAlign = "left";
    pen.textBaseline = "bottom";
    pen.fillText(`your average ${prices.rounded(average)}`, box.left + 2, place - 2);
    pen.restore();
  }

  /** The price of this moment, on the axis. */
  tag(frame, { box, now, x, y }, last, prices) {
    const { pen, width, colour } = frame;
    const place = y(last.mid);
    pen.fillStyle = colour("ink");
    pen.beginPath();
    pen.arc(x(Math.min(last.ms + 1000, now)), place, 2.5, 0, 2 * Math.PI);
    pen.fill();
    const text = prices.text(Math.round(last.mid));
    tag(frame, text, box.right + 4, place - TAG_HEIGHT / 2, width - box.right - 7, TAG_HEIGHT, "ink", "panel");
  }

  /** Time, price and volume under the mouse. */
  readout(frame, { box, x }, priced, prices) {
    const { pen, colour } = frame;
    const near = priced.reduce((a, b) => (Math.abs(x(a.ms + 500) - this.pointer) <= Math.abs(x(b.ms + 500) - this.pointer) ? a : b));
    const place = Math.round(x(near.ms + 500)) + 0.5;
    if (place < box.left || place > box.right) return;
    pen.strokeStyle = colour("quiet");
    line(pen, place, box.top, place, box.bottom);
    const [bid, ask] = [near.bid, near.ask].map((ticks) => (ticks === null ? NONE : prices.text(ticks)));
    const text = `${time(near.ms)}   ${bid} / ${ask}   ${number(traded(near))} traded`;
    const width = pen.measureText(text).width + 12;
    const left = Math.max(box.left, Math.min(place - width / 2, box.right - width));
    tag(frame, text, left, box.top, width, 19, "row", "ink");
  }
}

/** Points with a price, parted where they are too far apart. */
function runs(points) {
  const found = [];
  let before = null;
  for (const point of points) {
    if (point.mid !== null) {
      if (before === null || point.ms - before > GAP_MS) found.push([]);
      found.at(-1).push(point);
    }
    before = point.mid === null ? null : point.ms;
  }
  return found;
}

/** Lots that traded in the second of a point. */
export function traded({ bought, sold, auctioned }) {
  return bought + sold + auctioned;
}

function ago(seconds) {
  return seconds % 60 === 0 ? `−${seconds / 60} min` : `−${seconds} s`;
}
