// Lines over time on a canvas. Where nothing was seen for a while the line is broken.

const SPAN_MS = 120_000;
const GAP_MS = 2000;
const MARGIN = { left: 2, right: 8, top: 8, bottom: 18 };

// What a number of JavaScript can tell apart, with room to spare: an axis is not finer than this part of its values.
const FINEST = 1e-12;

// Room for the values, more when those of any chart need it: a moment has one place in all of them.
let room = 56;

export class Chart {
  /** `series`: for each line its colour, a custom property; `base`: 0 when the axis begins there. */
  constructor(canvas, series, label, base = null) {
    Object.assign(this, { canvas, series, label, base });
  }

  /** `points`: [ms, value or null for each line], the oldest first. */
  draw(points, now) {
    const { canvas } = this;
    const scale = devicePixelRatio;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const style = getComputedStyle(canvas);
    const pen = canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = `12px ${style.fontFamily}`;

    const seen = points.filter((point) => point[0] > now - SPAN_MS);
    const values = seen.flatMap((point) => point.slice(1)).filter((value) => value !== null);
    const levels = values.length ? levelsOf(this.base ?? Math.min(...values), Math.max(...values)) : null;
    const widths = levels?.marks.map((mark) => pen.measureText(this.label(mark)).width) ?? [];
    room = Math.max(room, ...widths);
    const box = { left: MARGIN.left, right: width - room - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom };
    const x = (ms) => box.right - ((now - ms) / SPAN_MS) * (box.right - box.left);
    this.times(pen, style, box, x, now);
    if (levels === null) return;

    const y = (value) => box.bottom - ((value - levels.low) / (levels.high - levels.low)) * (box.bottom - box.top);
    this.marks(pen, style, box, y, levels.marks);
    this.series.forEach((name, i) => line(pen, style.getPropertyValue(name), seen, i + 1, x, y));
  }

  times(pen, style, box, x, now) {
    pen.fillStyle = style.getPropertyValue("--quiet");
    pen.textAlign = "center";
    pen.textBaseline = "bottom";
    for (const back of [30, 60, 90]) pen.fillText(`−${back} s`, x(now - 1000 * back), box.bottom + 17);
  }

  marks(pen, style, box, y, marks) {
    pen.strokeStyle = style.getPropertyValue("--line");
    pen.fillStyle = style.getPropertyValue("--quiet");
    pen.lineWidth = 1;
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    for (const mark of marks) {
      const place = Math.round(y(mark)) + 0.5;
      pen.beginPath();
      pen.moveTo(box.left, place);
      pen.lineTo(box.right, place);
      pen.stroke();
      pen.fillText(this.label(mark), box.right + 6, place);
    }
  }
}

function line(pen, colour, points, index, x, y) {
  pen.strokeStyle = colour;
  pen.lineWidth = 1.5;
  pen.lineJoin = "round";
  pen.beginPath();
  let before = null;
  for (const point of points) {
    const value = point[index];
    if (value !== null) {
      if (before === null || point[0] - before > GAP_MS) pen.moveTo(x(point[0]), y(value));
      else pen.lineTo(x(point[0]), y(value));
    }
    before = value === null ? null : point[0];
  }
  pen.stroke();
}

/** Ends of an axis with room around what is shown, and a few round values on it. */
function levelsOf(least, most) {
  const range = Math.max(most - least, 1, Math.abs(most) * FINEST);
  const power = 10 ** Math.floor(Math.log10(range / 3));
  const round = [1, 2, 5, 10].map((times) => times * power).find((step) => step >= range / 3);
  const step = Math.max(round, 0.5);
  const room = range * 0.1;
  const [low, high] = [least === 0 ? 0 : least - room, most + room];
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return { low, high, marks: Array.from({ length: Math.max(0, count) }, (_, i) => (first + i) * step) };
}
