// Attention explorer: choose a query patch, see which keys it attends to.
// Import-free. render({model, el}) reads model.get("config") and keeps
// model.get("query"), [row, column], up to date; see widget.py.

const INTERNAL = 880; // canvas pixels across; CSS scales it to the page
const ACCENT = "#ff00c8"; // neither in viridis nor in most photos
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
    const [row, col] = get();
    let place = null;
    if (event.key === "Home") place = [row, 0];
    if (event.key === "End") place = [row, grid[1] - 1];
    const move = MOVES[event.key];
    if (move) place = [row + move[0], col + move[1]];
    if (!place) return;
    event.preventDefault();
    event.stopPropagation();
    set(place.map((n, axis) => Math.min(Math.max(n, 0), grid[axis] - 1)));
  });
}

export async function render({ model, el }) {
  const config = model.get("config");
  const { rows, cols, heads, layers, levels } = config;
  const lut = bytes(config.lut);
  const data = await unpack(config);
  const photo = make("img", { src: config.image });
  await photo.decode();

  const geometry = makeGeometry(config);
  const heat = make("canvas", { width: cols, height: rows });
  const state = {
    query: [...model.get("query")], key: null, head: 0, layer: 0, opacity: 0.8,
  };
  const index = (head) => ((state.layer * heads.length + head) * rows
    + state.query[0]) * cols + state.query[1];

  const keys = "Arrow keys move, Home and End go to the ends of the row.";
  const left = makeStage(config, `${config.alt} Choose a query. ${keys}`,
    "Query", "click a patch, or use the arrow keys");
  const right = makeStage(config, `Attention map. Read single weights. ${keys}`,
    "Where it attends", "point at a patch to read its weight");
  const sentence = make("p", {
    className: "sentence", "aria-live": "polite", "aria-atomic": "true",
  });
  const reading = make("p", {
    className: "reading", "aria-live": "polite", "aria-atomic": "true",
  });
  const note = make("p", {
    className: "note", textContent: "Rows and columns count from 0. Every "
      + "map has its own scale, from 0 to its largest weight (ringed). "
      + `Weights read from the map are exact to ${(50 / levels).toPrecision(1)}`
      + "% of that.",
  });
  const legend = makeLegend(lut);
  const layerChoice = makeChoice("layer", layers, (layer) => {
    state.layer = layer;
    draw();
  });
  const headChoice = makeChoice("head", heads, (head) => {
    state.head = head;
    draw();
  });
  const thumbnails = addThumbnails(headChoice, config);
  const opacity = makeOpacity((value) => {
    state.opacity = value;
    drawMap();
  });

  function place(flat) {
    return [Math.floor(flat / cols), flat % cols];
  }

  function drawQuery() {
    const context = drawPhoto(left.canvas, photo, geometry);
    drawGrid(context, config, geometry);
    outline(context, state.query, geometry);
  }

  function drawMap() {
    const context = drawPhoto(right.canvas, photo, geometry);
    const row = index(state.head);
    removeColour(context, geometry);
    paintHeat(heat, data.row(row), levels, lut);
    context.imageSmoothingEnabled = false;
    context.globalAlpha = state.opacity;
    context.drawImage(heat, 0, 0, geometry.width, geometry.height);
    context.globalAlpha = 1;
    outline(context, state.query, geometry, 5);
    ring(context, place(data.where[row]), geometry);
    if (state.key) strokeKey(context);
  }

  function strokeKey(context) {
    const [row, col] = state.key;
    const { wide, high } = geometry;
    strokeTwice(context, "#fff", 2, () => context.rect(
      col * wide, row * high, wide, high,
    ));
  }

  function say() {
    const row = index(state.head);
    const names = [
      ...(layers.length > 1 ? [layers[state.layer]] : []),
      ...(heads.length > 1 ? [heads[state.head]] : []),
    ];
    const which = names.map((name) => `, ${name}`).join("");
    const [keyRow, keyCol] = place(data.where[row]);
    const largest = data.largest[row].toPrecision(2);
    sentence.textContent = `Query row ${state.query[0]}, column `
      + `${state.query[1]}${which}: the largest weight ${largest} is at row `
      + `${keyRow}, column ${keyCol}; entropy ${data.entropy[row].toFixed(1)} `
      + `of ${Math.log(rows * cols).toFixed(1)} nats.`;
    legend.top.textContent = `${largest} (largest here)`;
  }

  function read() {
    if (!state.key) {
      reading.textContent = "Point at the map to read a weight, or move "
        + "over it with the arrow keys.";
      return;
    }
    const [row, col] = state.key;
    const weight = data.weight(index(state.head), row * cols + col);
    const times = (weight * rows * cols).toPrecision(2);
    reading.textContent = `Key row ${row}, column ${col}: weight `
      + `${weight.toPrecision(2)}, ${Number(times)} times what uniform `
      + "attention would give.";
  }

  function draw() {
    drawQuery();
    drawMap();
    thumbnails.forEach((canvas, head) => {
      paintHeat(canvas, data.row(index(head)), levels, lut);
    });
    say();
    read();
  }

  const grid = [rows, cols];
  listen(left, geometry, {
    grid,
    get: () => state.query,
    set: (query) => {
      if (String(query) === String(state.query)) return;
      state.query = query;
      model.set("query", query);
      model.save_changes();
      draw();
    },
  });
  listen(right, geometry, {
    grid,
    hover: true,
    get: () => state.key ?? place(data.where[index(state.head)]),
    set: (key) => {
      state.key = key;
      drawMap();
      read();
    },
  });
  right.stage.addEventListener("pointerleave", () => {
    state.key = null;
    drawMap();
    read();
  });

  el.classList.add("attention-explorer");
  el.append(
    layerChoice.box,
    make("div", { className: "panels" }, left.figure, right.figure),
    sentence,
    make("div", { className: "below" }, legend.box, opacity),
    reading,
    headChoice.box,
    note,
  );
  draw();
}

export default { render };
