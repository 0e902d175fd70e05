// What both charts need: a canvas that is as sharp as the screen, colours of the theme, and round values on an axis.

// An axis is not finer than this part of its values: JavaScript rounds beyond it.
const FINEST = 1e-12;

/** A pen for the whole canvas, cleared: its width and height in CSS pixels, and the theme's colours. */
export function begin(canvas) {
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
  pen.lineWidth = 1;
  pen.lineJoin = "round";
  return { pen, width, height, colour: (name) => style.getPropertyValue(`--${name}`) };
}

/** Round values from `low` to `high`, about `count` of them, no finer than `least` apart. */
export function marks(low, high, count, least) {
  const range = Math.max(high - low, least, Math.abs(high) * FINEST);
  const power = 10 ** Math.trunc(Math.log10(range / count));
  const step = Math.max(least, [1, 2, 5, 10].map((times) => times * power).find((size) => size >= range / count));
  const first = Math.ceil(low / step);
  const found = -Math.ceil(-high / step) - first + 1;
  return Array.from({ length: Math.max(0, found) }, (_, i) => (first + i) * step);
}

export function line(pen, x1, y1, x2, y2) {
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
  pen.stroke();
}

/** A line for each mark of an axis, with its label on the right. */
export function rules({ pen, colour }, { left, right }, axis, y, label) {
  pen.strokeStyle = colour("line");
  pen.fillStyle = colour("quiet");
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  for (const mark of axis) {
    const place = Math.round(y(mark)) + 0.5;
    line(pen, left, place, right, place);
    pen.fillText(label(mark, place), right + 9, place);
  }
}

/** Text on a rounded box. */
export function tag({ pen, colour }, text, left, top, width, height, back, ink) {
  pen.fillStyle = colour(back);
  pen.beginPath();
  pen.roundRect(left, top, width, height, 3);
  pen.fill();
  pen.fillStyle = colour(ink);
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.fillText(text, left + 5, top + height / 2 + 0.5);
}

/** Text in the middle of a chart that has nothing to show. */
export function empty({ pen, width, height, colour }, text) {
  pen.fillStyle = colour("quiet");
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(text, width / 2, height / 2);
}
