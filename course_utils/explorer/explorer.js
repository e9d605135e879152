// Attention explorer: choose a query patch, see which keys it attends to.
// Import-free. render({model, el}) reads model.get("config") and keeps
// model.get("query"), [row, column], up to date; see widget.py.

const INTERNAL = 880; // canvas pixels across; CSS scales it to the page
const ACCENT = "#ff00c8"; // neither in viridis nor in most photos
const KEYS = "Arrow keys move, Home and End go to the ends of the row.";
const MOVES = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
};

function bytes(base64) {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

async function unpack(config) {
  const { payload, layers, heads, rows, cols, levels, delta } = config;
  const stream = new Blob([bytes(payload)]).stream()
    .pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(stream).arrayBuffer();
  const keys = rows * cols;
  const count = layers.length * heads.length * keys;
  const steps = new Uint8Array(buffer, 10 * count);
  for (let i = keys; delta && i < steps.length; i += 1) {
    steps[i] += steps[i - keys];
  }
  return {
    largest: new Float32Array(buffer, 0, count),
    entropy: new Float32Array(buffer, 4 * count, count),
    where: new Uint16Array(buffer, 8 * count, count),
    row: (index) => steps.subarray(index * keys, (index + 1) * keys),
    weight(index, key) {
      return (this.row(index)[key] / levels) * this.largest[index];
    },
  };
}

// --- building the page ---

function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function makeStage(config, label, title, note) {
  const [height, width] = config.size;
  const canvas = make("canvas", {
    width: INTERNAL, height: Math.round((INTERNAL * height) / width),
  });
  const stage = make("div", {
    className: "stage", tabIndex: 0, role: "application",
    "aria-label": label,
  }, canvas);
  stage.style.maxWidth = `${Math.round((480 * width) / height)}px`;
  return {
    canvas, stage,
    figure: make("figure", {}, make("figcaption", {},
      make("strong", { textContent: title }), ` ${note}`), stage),
  };
}

function makeChoice(name, labels, onChange) {
  const pills = labels.map((label, index) => {
    const input = make("input", {
      type: "radio", name, value: String(index), checked: index === 0,
      onchange: () => onChange(index),
    });
    return make("label", { className: "pill" }, input,
      make("span", { textContent: label }));
  });
  const box = make("fieldset", { className: name, hidden: labels.length < 2 },
    make("legend", { textContent: name === "head" ? "Head" : "Layer" }),
    ...pills);
  return { box, pills };
}

function addThumbnails({ pills }, { rows, cols }) {
  return pills.map((pill) => {
    const canvas = make("canvas", {
      width: cols, height: rows, "aria-hidden": "true",
    });
    canvas.style.aspectRatio = `${cols} / ${rows}`;
    pill.prepend(canvas);
    return canvas;
  });
}

function makeLive(className) {
  return make("p", {
    className, "aria-live": "polite", "aria-atomic": "true",
  });
}

function makeNote({ levels }) {
  const error = (50 / levels).toPrecision(1);
  return make("p", {
    className: "note",
    textContent: "Rows and columns count from 0. Every map has its own "
      + "scale, from 0 to its largest weight (ringed). Weights read from "
      + `the map are rounded, by at most ${error}% of the largest.`,
  });
}

function makeLegend(lut) {
  const bar = make("canvas", { width: 256, height: 1, "aria-hidden": "true" });
  const steps = Uint8Array.from({ length: 256 }, (_, i) => i);
  paintHeat(bar, steps, 255, lut);
  const top = make("span");
  return {
    top,
    box: make("div", { className: "legend" }, make("span", {
      textContent: "weight 0",
    }), bar, top),
  };
}

function makeOpacity(onInput) {
  const input = make("input", {
    type: "range", min: "0", max: "100", step: "5", value: "80",
  });
  const value = make("output", { textContent: "80%" });
  input.addEventListener("input", () => {
    value.textContent = `${input.value}%`;
    onInput(Number(input.value) / 100);
  });
  return make("label", { className: "opacity" }, "map opacity ", input, value);
}

// --- drawing ---

function paintHeat(canvas, steps, levels, lut) {
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(canvas.width, canvas.height);
  for (let i = 0; i < steps.length; i += 1) {
    const colour = 3 * Math.round((255 * steps[i]) / levels);
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
  context.globalAlpha = 1;
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

// --- putting it together ---

function listen({ stage, canvas }, geometry, { get, set, grid, hover }) {
  const point = (event) => {
    const place = geometry.at(event, canvas);
    if (place && (hover || event.type === "pointerdown" || event.buttons)) {
      set(place);
    }
  };
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("pointermove", point);
  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const place = step(event.key, get(), grid);
    if (!place) return;
    event.preventDefault();
    event.stopPropagation();
    set(place);
  });
}

function step(key, [row, col], grid) {
  if (key === "Home") return [row, 0];
  if (key === "End") return [row, grid[1] - 1];
  if (!(key in MOVES)) return null;
  const place = [row + MOVES[key][0], col + MOVES[key][1]];
  return place.map((n, axis) => Math.min(Math.max(n, 0), grid[axis] - 1));
}

class Explorer {
  constructor(model, data, photo) {
    this.model = model;
    this.config = model.get("config");
    this.data = data;
    this.photo = photo;
    this.geometry = makeGeometry(this.config);
    this.lut = bytes(this.config.lut);
    this.grid = [this.config.rows, this.config.cols];
    this.heat = make("canvas", {
      width: this.config.cols, height: this.config.rows,
    });
    [this.query, this.key] = [[...model.get("query")], null];
    [this.layer, this.head, this.opacity] = [0, 0, 0.8];
  }

  // which row of the attention: this layer, `head`, this query
  index(head = this.head) {
    const { heads, rows, cols } = this.config;
    const map = this.layer * heads.length + head;
    return (map * rows + this.query[0]) * cols + this.query[1];
  }

  largestAt() {
    const key = this.data.where[this.index()];
    return [Math.floor(key / this.grid[1]), key % this.grid[1]];
  }

  build(el) {
    const { config } = this;
    this.left = makeStage(config, `${config.alt} Choose a query. ${KEYS}`,
      "Query", "click a patch, or use the arrow keys");
    this.right = makeStage(config, `Attention map. Read weights. ${KEYS}`,
      "Where it attends", "point to read a weight");
    this.sentence = makeLive("sentence");
    this.reading = makeLive("reading");
    this.legend = makeLegend(this.lut);
    const [layers, heads] = ["layer", "head"].map((name) => makeChoice(
      name, config[`${name}s`], (index) => this.update({ [name]: index }),
    ));
    this.thumbnails = addThumbnails(heads, config);
    const opacity = makeOpacity((value) => this.update({ opacity: value }));
    el.classList.add("attention-explorer");
    el.append(
      layers.box,
      make("div", { className: "panels" }, this.left.figure,
        this.right.figure),
      this.sentence,
      make("div", { className: "below" }, this.legend.box, opacity),
      this.reading, heads.box, makeNote(config),
    );
    this.connect();
  }

  connect() {
    listen(this.left, this.geometry, {
      grid: this.grid,
      get: () => this.query,
      set: (query) => this.choose(query),
    });
    listen(this.right, this.geometry, {
      grid: this.grid,
      hover: true,
      get: () => this.key ?? this.largestAt(),
      set: (key) => this.update({ key }),
    });
    this.right.stage.addEventListener("pointerleave", () => {
      this.update({ key: null });
    });
  }

  choose(query) {
    if (String(query) === String(this.query)) return;
    this.model.set("query", query);
    this.model.save_changes();
    this.update({ query });
  }

  update(change) {
    Object.assign(this, change);
    this.drawMap();
    this.read();
    if ("key" in change || "opacity" in change) return;
    this.drawQuery();
    this.drawThumbnails();
    this.say();
  }

  drawQuery() {
    const context = drawPhoto(this.left.canvas, this.photo, this.geometry);
    drawGrid(context, this.config, this.geometry);
    outline(context, this.query, this.geometry);
  }

  drawMap() {
    const { geometry, data } = this;
    const context = drawPhoto(this.right.canvas, this.photo, geometry);
    removeColour(context, geometry);
    paintHeat(this.heat, data.row(this.index()), this.config.levels, this.lut);
    context.imageSmoothingEnabled = false;
    context.globalAlpha = this.opacity;
    context.drawImage(this.heat, 0, 0, geometry.width, geometry.height);
    context.globalAlpha = 1;
    outline(context, this.query, geometry, 5);
    ring(context, this.largestAt(), geometry);
    if (this.key) box(context, this.key, geometry);
  }

  drawThumbnails() {
    this.thumbnails.forEach((canvas, head) => {
      const row = this.data.row(this.index(head));
      paintHeat(canvas, row, this.config.levels, this.lut);
    });
  }

  say() {
    const { layers, heads } = this.config;
    const names = [
      ...(layers.length > 1 ? [`, ${layers[this.layer]}`] : []),
      ...(heads.length > 1 ? [`, ${heads[this.head]}`] : []),
    ];
    const row = this.index();
    const [keyRow, keyCol] = this.largestAt();
    const largest = this.data.largest[row].toPrecision(2);
    const most = Math.log(this.grid[0] * this.grid[1]).toFixed(1);
    this.sentence.textContent = `Query row ${this.query[0]}, column `
      + `${this.query[1]}${names.join("")}: the largest weight ${largest} `
      + `is at row ${keyRow}, column ${keyCol}; entropy `
      + `${this.data.entropy[row].toFixed(1)} of ${most} nats.`;
    this.legend.top.textContent = `${largest} (largest here)`;
  }

  read() {
    if (!this.key) {
      this.reading.textContent = "Point at the map to read a weight, or "
        + "move over it with the arrow keys.";
      return;
    }
    const [rows, cols] = this.grid;
    const [row, col] = this.key;
    const weight = this.data.weight(this.index(), row * cols + col);
    const times = Number((weight * rows * cols).toPrecision(2));
    this.reading.textContent = `Key row ${row}, column ${col}: weight `
      + `${weight.toPrecision(2)}, ${times} times what uniform attention `
      + "would give.";
  }
}

export async function render({ model, el }) {
  const config = model.get("config");
  const data = await unpack(config);
  const photo = make("img", { src: config.image });
  await photo.decode();
  const explorer = new Explorer(model, data, photo);
  explorer.build(el);
  explorer.update({});
}

export default { render };
