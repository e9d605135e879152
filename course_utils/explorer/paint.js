// Attention explorer, 2 of 5: drawing on canvases.

const INTERNAL = 880; // canvas pixels across; CSS scales it to the page
const ACCENT = "#ff00c8"; // neither in viridis nor in most photos

function paintHeat(canvas, weights, largest, lut) {
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(canvas.width, canvas.height);
  const scale = largest > 0 ? 255 / largest : 0;
  for (let i = 0; i < weights.length; i += 1) {
    const colour = 3 * Math.min(Math.round(scale * weights[i]), 255);
    pixels.data.set(lut.subarray(colour, colour + 3), 4 * i);
    pixels.data[4 * i + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
}

function makeGeometry({ rows, cols, patch, size }) {
  const scale = INTERNAL / size[1];
  const [high, wide] = [patch[0] * scale, patch[1] * scale];
  return {
    wide, high, width: wide * cols, height: high * rows,
    smooth: scale < 4,
    at(event, canvas) {
      const box = canvas.getBoundingClientRect();
      const zoom = INTERNAL / box.width;
      const row = Math.floor(((event.clientY - box.top) * zoom) / high);
      const col = Math.floor(((event.clientX - box.left) * zoom) / wide);
      const inside = row >= 0 && row < rows && col >= 0 && col < cols;
      return inside ? [row, col] : null;
    },
  };
}

function drawPhoto(canvas, photo, geometry) {
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  context.imageSmoothingEnabled = geometry.smooth;
  context.drawImage(photo, 0, 0, width, height);
  context.fillStyle = "rgba(255, 255, 255, 0.7)"; // pixels no patch covers
  context.fillRect(geometry.width, 0, width, height);
  context.fillRect(0, geometry.height, geometry.width, height);
  return context;
}

function removeColour(context, { width, height }) {
  context.globalCompositeOperation = "saturation"; // grey under the map
  context.fillStyle = "#808080";
  context.fillRect(0, 0, width, height);
  context.globalCompositeOperation = "source-over";
}

function drawGrid(context, { rows, cols }, { wide, high, width, height }) {
  context.beginPath();
  for (let row = 0; row <= rows; row += 1) {
    context.moveTo(0, row * high);
    context.lineTo(width, row * high);
  }
  for (let col = 0; col <= cols; col += 1) {
    context.moveTo(col * wide, 0);
    context.lineTo(col * wide, height);
  }
  context.lineWidth = 1.5;
  context.strokeStyle = "rgba(255, 255, 255, 0.4)";
  context.stroke();
}

// What lies under every query and every map, drawn once.
function drawGrounds(canvas, photo, config, geometry) {
  const { width, height } = canvas;
  const [plain, grey] = [0, 1].map(() => make("canvas", { width, height }));
  const context = drawPhoto(plain, photo, geometry);
  if (!config.crossed) drawGrid(context, config, geometry);
  removeColour(drawPhoto(grey, photo, geometry), geometry);
  return { plain, grey };
}

function strokeTwice(context, colour, thickness, trace) {
  for (const [style, extra] of [["#000", 4], ["#fff", 2.5], [colour, 0]]) {
    context.beginPath();
    trace();
    context.strokeStyle = style;
    context.lineWidth = thickness + extra;
    context.stroke();
  }
}

function outline(context, [row, col], { wide, high }, thickness = 7) {
  const out = thickness / 2;
  strokeTwice(context, ACCENT, thickness, () => context.rect(
    col * wide - out, row * high - out, wide + 2 * out, high + 2 * out,
  ));
}

function ring(context, [row, col], { wide, high }) {
  const radius = Math.max(0.75 * Math.min(wide, high), 12);
  strokeTwice(context, "#fff", 3, () => context.arc(
    (col + 0.5) * wide, (row + 0.5) * high, radius, 0, 2 * Math.PI,
  ));
}

function box(context, [row, col], { wide, high }) {
  strokeTwice(context, "#fff", 2, () => context.rect(
    col * wide, row * high, wide, high,
  ));
}
