// Lines over time on a canvas. Where nothing was seen for a while the line is broken.

const SPAN_MS = 120_000;
const GAP_MS = 2000;
const MARGIN = { left: 6, right: 62, top: 8, bottom: 18 };

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
    const box = { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom };
    const x = (ms) => box.right - ((now - ms) / SPAN_MS) * (box.right - box.left);
    this.times(pen, style, box, x, now);
    if (!values.length) return;

    const { low, high, step } = scaleOf(this.base ?? Math.min(...values), Math.max(...values));
    const y = (value) => box.bottom - ((value - low) / (high - low)) * (box.bottom - box.top);
    this.levels(pen, style, box, y, low, high, step);
    this.series.forEach((name, i) => line(pen, style.getPropertyValue(name), seen, i + 1, x, y));
  }

  times(pen, style, box, x, now) {
    pen.fillStyle = style.getPropertyValue("--quiet");
    pen.textAlign = "center";
    pen.textBaseline = "bottom";
    for (const back of [30, 60, 90]) pen.fillText(`−${back} s`, x(now - 1000 * back), box.bottom + 17);
  }

  levels(pen, style, box, y, low, high, step) {
    pen.strokeStyle = style.getPropertyValue("--line");
    pen.fillStyle = style.getPropertyValue("--quiet");
    pen.lineWidth = 1;
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    for (let level = Math.ceil(low / step) * step; level <= high; level += step) {
      const place = Math.round(y(level)) + 0.5;
      pen.beginPath();
      pen.moveTo(box.left, place);
      pen.lineTo(box.right, place);
      pen.stroke();
      pen.fillText(this.label(level), box.right + 6, place);
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

/** Ends of an axis with room around what is shown, and a round step between three to five levels. */
function scaleOf(least, most) {
  const range = Math.max(most - least, 1);
  const rough = range / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((round) => round >= rough);
  const room = range * 0.1;
  return { low: least === 0 ? 0 : least - room, high: most + room, step: Math.max(step, 0.5) };
}
