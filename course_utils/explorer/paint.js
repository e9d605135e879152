// Attention explorer, 2 of 6: drawing on canvases.

const ACCENT = "#ff00c8"; // neither in viridis nor in most photos

// 256 colours, three bytes each, as whole pixels
function makeLut(colours) {
  const pixels = new Uint8Array(4 * 256).fill(255);
  for (let i = 0; i < 256; i += 1) {
    pixels.set(colours.subarray(3 * i, 3 * i + 3), 4 * i);
  }
  return new Uint32Array(pixels.buffer);
}

function paintHeat(canvas, weights, largest, lut) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(image.data.buffer);
  const scale = largest > 0 ? 255 / largest : 0;
  for (let i = 0; i < weights.length; i += 1) {
    pixels[i] = lut[Math.min(Math.round(scale * weights[i]), 255)];
  }
  context.putImageData(image, 0, 0);
}

// How wide a picture may get on the page: lower where there are heads or
// layers below it to choose from, so that all is seen at once.
function mostWidth({ size, heads, depth }) {
  const tall = heads.length * depth > 1 ? 400 : 480;
  return Math.round((tall * size[1]) / size[0]);
}

// Pixels of a canvas are those of the screen: more would only be slower.
function makeGeometry(config) {
  const { rows, cols, patch, size } = config;
  const shown = Math.min(mostWidth(config), 500); // half of the card
  const across = Math.round(shown * Math.min(devicePixelRatio, 2));
  const scale = across / size[1];
  const [high, wide] = [patch[0] * scale, patch[1] * scale];
  return {
    across, down: Math.round(size[0] * scale),
    wide, high, width: wide * cols, height: high * rows,
    line: across / 880, // what line widths are measured in
    smooth: scale < 4,
    at(event, canvas) {
      const box = canvas.getBoundingClientRect();
      const zoom = across / box.width;
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

function drawGrid(context, { rows, cols }, geometry) {
  const { wide, high, width, height, line } = geometry;
  context.beginPath();
  for (let row = 0; row <= rows; row += 1) {
    context.moveTo(0, row * high);
    context.lineTo(width, row * high);
  }
  for (let col = 0; col <= cols; col += 1) {
    context.moveTo(col * wide, 0);
    context.lineTo(col * wide, height);
  }
  context.lineWidth = Math.max(1.5 * line, 1);
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

function strokeTwice(context, { line }, colour, thickness, trace) {
  for (const [style, extra] of [["#000", 4], ["#fff", 2.5], [colour, 0]]) {
    context.beginPath();
    trace();
    context.strokeStyle = style;
    context.lineWidth = (thickness + extra) * line;
    context.stroke();
  }
}

function outline(context, [row, col], geometry, thickness = 7) {
  const { wide, high, line } = geometry;
  const out = (thickness * line) / 2;
  strokeTwice(context, geometry, ACCENT, thickness, () => context.rect(
    col * wide - out, row * high - out, wide + 2 * out, high + 2 * out,
  ));
}

function ring(context, [row, col], geometry) {
  const { wide, high, line } = geometry;
  const radius = Math.max(0.75 * Math.min(wide, high), 12 * line);
  strokeTwice(context, geometry, "#fff", 3, () => context.arc(
    (col + 0.5) * wide, (row + 0.5) * high, radius, 0, 2 * Math.PI,
  ));
}

function box(context, [row, col], geometry) {
  const { wide, high } = geometry;
  strokeTwice(context, geometry, "#fff", 2, () => context.rect(
    col * wide, row * high, wide, high,
  ));
}
