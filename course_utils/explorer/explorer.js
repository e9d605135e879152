// Attention explorer, 4 of 6: choose a query, see which keys it attends to.

const MOVES = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
};

function step(key, [row, col], grid) {
  if (key === "Home") return [row, 0];
  if (key === "End") return [row, grid[1] - 1];
  if (!(key in MOVES)) return null;
  const place = [row + MOVES[key][0], col + MOVES[key][1]];
  return place.map((n, axis) => Math.min(Math.max(n, 0), grid[axis] - 1));
}

// choose: a click, a drag or an arrow key; point: the pointer rests there,
// null when it has left.
function listen({ stage, canvas }, geometry, { get, choose, point, grid }) {
  let last = "";
  const act = (event) => {
    const place = geometry.at(event, canvas);
    const where = `${event.screenX},${event.screenY}`;
    const moved = event.type === "pointerdown" || where !== last;
    last = where; // browsers repeat a move when the page under it changes
    if (!moved) return;
    if (event.type === "pointerdown" || event.buttons) {
      if (place) choose(place);
    } else if (event.pointerType !== "touch") point(place);
  };
  canvas.addEventListener("pointerdown", act);
  canvas.addEventListener("pointermove", act);
  canvas.addEventListener("pointerleave", () => point(null));
  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const place = step(event.key, get(), grid);
    if (!place) return;
    event.preventDefault();
    event.stopPropagation();
    choose(place);
  });
}

class Explorer {
  constructor(model, data, photo) {
    this.model = model;
    this.config = model.get("config");
    this.data = data;
    this.photo = photo;
    this.geometry = makeGeometry(this.config);
    this.lut = makeLut(bytes(this.config.lut));
    this.grid = [this.config.rows, this.config.cols];
    this.heat = make("canvas", {
      width: this.config.cols, height: this.config.rows,
    });
    [this.query, this.preview, this.key] = [model.get("query"), null, null];
    [this.layer, this.view, this.opacity] = [model.get("layer"), 0, 0.8];
    this.on = this.config.heads.map(() => true);
    this.lastPatch = this.patchAt(this.query)
      ?? this.grid.map((side) => Math.floor(side / 2));
  }

  // --- what is looked at ---

  get shown() {
    return this.preview ?? this.query;
  }

  patchAt(query) {
    const patch = query - this.config.named.length;
    if (patch < 0) return null;
    return [Math.floor(patch / this.grid[1]), patch % this.grid[1]];
  }

  queryAt([row, col]) {
    return this.config.named.length + row * this.grid[1] + col;
  }

  // what the choices stand for: 0 ... heads - 1, "mean", "rollout"
  get views() {
    const { heads, mean, rollout } = this.config;
    return [...heads.keys(), ...(mean ? ["mean"] : []),
      ...(rollout ? ["rollout"] : [])];
  }

  get headsOn() {
    return [...this.on.keys()].filter((head) => this.on[head]);
  }

  row(view) {
    const { layer, shown, data } = this;
    if (view === "mean") return data.mean(layer, shown, this.headsOn);
    if (view === "rollout") return data.rollout(layer, shown);
    return data.row(layer, view, shown);
  }

  largestAt() {
    const where = this.map?.where ?? 0;
    return [Math.floor(where / this.grid[1]), where % this.grid[1]];
  }

  // --- building and listening ---

  build(el) {
    const { config } = this;
    const layer = makeChoice("layer", "Layer", config.layers, this.layer,
      (index) => this.update({ layer: index }), "layer ");
    const query = makeChoice("query", "Query", config.crossed
      ? config.named : [], this.query, (index) => this.choose(index));
    this.left = makeQueryStage(config);
    this.right = makeMapStage(config);
    this.sentence = makeLive(`sentence${config.classToken ? " long" : ""}`);
    this.reading = makeLive("reading");
    this.legend = makeLegend(this.lut);
    this.share = makeShare(config);
    const opacity = makeOpacity((value) => this.update({ opacity: value }));
    const views = this.buildViews();
    this.addClassToken();
    el.classList.add("attention-explorer");
    el.append(
      query.box, layer.box,
      make("div", { className: "panels" }, this.left.figure,
        this.right.figure,
        make("div", { className: "scales" }, this.legend.box, this.share.box,
          opacity)),
      this.sentence, this.reading, views.box, makeNote(config),
    );
    this.grounds = drawGrounds(this.left.canvas, this.photo, config,
      this.geometry);
    this.connect();
  }

  buildViews() {
    const { config } = this;
    const names = this.views.map((view) => config.heads[view] ?? view);
    const views = makeChoice("head", config.mean ? "Map" : "Head", names, 0,
      (index) => this.update({ view: this.views[index] }));
    this.thumbnails = addThumbnails(views, config);
    this.radios = views.pills.map((pill) => pill.querySelector("input"));
    if (!config.mean) return views;
    this.switches = addSwitches(views, config.heads, (head, isOn) => {
      this.switchHeads((other) => (other === head ? isOn : this.on[other]));
    });
    this.allButton = makeButton("all", "all off", () => {
      const some = this.on.includes(true);
      this.switchHeads(() => !some);
    });
    addBelow(views.pills[config.heads.length], this.allButton);
    return views;
  }

  // Which heads are on matters to the mean, so that is what is shown.
  switchHeads(isOn) {
    this.on = this.on.map((_, head) => isOn(head));
    this.switches.forEach((input, head) => { input.checked = this.on[head]; });
    this.radios[this.views.indexOf("mean")].checked = true;
    this.update({ view: "mean" });
  }

  addClassToken() {
    const { named, crossed } = this.config;
    if (crossed || !named.length) return;
    this.classButton = makeButton("pill token", named[0], () => {
      this.choose(this.query ? 0 : this.queryAt(this.lastPatch));
    });
    this.left.figure.firstChild.append(" ", this.classButton);
  }

  connect() {
    const { geometry, grid } = this;
    listen(this.right, geometry, {
      grid,
      get: () => this.key ?? this.largestAt(),
      choose: (key) => this.update({ key }),
      point: (key) => this.update({ key }),
    });
    if (this.config.crossed) return;
    listen(this.left, geometry, {
      grid,
      get: () => this.lastPatch,
      choose: (place) => this.choose(this.queryAt(place)),
      point: (place) => this.pointAt(place && this.queryAt(place)),
    });
  }

  pointAt(query) {
    const preview = query === this.query ? null : query;
    if (preview !== this.preview) this.update({ preview });
  }

  choose(query) {
    if (query === this.query && this.preview === null) return;
    this.lastPatch = this.patchAt(query) ?? this.lastPatch;
    this.model.set("query", query);
    this.model.save_changes();
    this.update({ query, preview: null });
  }

  // --- showing ---

  update(change) {
    Object.assign(this, change);
    this.map = this.row(this.view);
    this.drawMap();
    this.read();
    if ("key" in change || "opacity" in change) return;
    this.drawQuery();
    this.drawThumbnails();
    this.say();
  }

  drawQuery() {
    const context = this.left.canvas.getContext("2d");
    context.drawImage(this.grounds.plain, 0, 0);
    const [chosen, pointed] = [this.query, this.preview ?? -1]
      .map((query) => this.patchAt(query));
    if (chosen) outline(context, chosen, this.geometry);
    if (pointed) box(context, pointed, this.geometry);
    this.classButton?.setAttribute("aria-pressed", String(!chosen));
  }

  drawMap() {
    const { geometry, map } = this;
    const context = this.right.canvas.getContext("2d");
    context.drawImage(this.grounds.grey, 0, 0);
    if (map) {
      paintHeat(this.heat, map.weights, map.largest, this.lut);
      context.imageSmoothingEnabled = false;
      context.globalAlpha = this.opacity;
      context.drawImage(this.heat, 0, 0, geometry.width, geometry.height);
      context.globalAlpha = 1;
    }
    const patch = this.patchAt(this.shown);
    if (patch) outline(context, patch, geometry, 5);
    if (map) ring(context, this.largestAt(), geometry);
    if (map && this.key) box(context, this.key, geometry);
  }

  drawThumbnails() {
    this.thumbnails.forEach((canvas, index) => {
      const view = this.views[index];
      const row = this.row(view);
      canvas.classList.toggle("off", this.on[view] === false);
      if (row) paintHeat(canvas, row.weights, row.largest, this.lut);
      else canvas.getContext("2d").clearRect(0, 0, 1e4, 1e4);
    });
    if (!this.allButton) return;
    this.allButton.textContent = this.on.includes(true)
      ? "all off" : "all on";
  }

  // the layer and the head, as far as there is a choice
  viewWords() {
    const { layers, heads, depth } = this.config;
    const number = layers[this.layer];
    if (this.view === "rollout") {
      return `, rollout of layer${number ? "s 0 to" : ""} ${number}`;
    }
    const layer = depth > 1 ? `, layer ${number}` : "";
    if (heads.length < 2) return layer;
    if (this.view !== "mean") return `${layer}, ${heads[this.view]}`;
    const [some, all] = [this.headsOn.length, heads.length];
    const how = some === all ? `${all} heads` : `${some} of ${all} heads`;
    return `${layer}, mean of ${how}`;
  }

  subject() {
    const patch = this.patchAt(this.shown);
    const name = patch ? `row ${patch[0]}, column ${patch[1]}`
      : this.config.named[this.shown];
    const start = this.preview === null ? "Query" : "Pointed at: query";
    return `${start} ${name}${this.viewWords()}`;
  }

  say() {
    const { map, sentence } = this;
    // Only what is chosen is read aloud.
    sentence.setAttribute("aria-live",
      this.preview === null ? "polite" : "off");
    const largest = map ? map.largest.toPrecision(2) : "0";
    this.legend.top.textContent = map ? `${largest} (largest here)` : "";
    this.share.show(map?.onClass);
    if (!map) {
      sentence.textContent = `${this.subject()}: every head is off, so there `
        + "is no mean to show. Switch a head on.";
      return;
    }
    const { classToken } = this.config;
    const [row, col] = this.largestAt();
    sentence.textContent = `${this.subject()}: the largest weight `
      + `${classToken ? "on a patch " : ""}${largest} is at row ${row}, column `
      + `${col}; ${classToken ? this.classWords() : ""}entropy `
      + `${map.about ? "about " : ""}${map.entropy.toFixed(1)} of `
      + `${this.data.most.toFixed(1)} nats.`;
  }

  classWords() {
    const share = this.map.onClass.toPrecision(2);
    const itself = !this.config.crossed && this.shown === 0;
    return `${share} of the weight is on the class token`
      + `${itself ? " itself" : ""}; `;
  }

  read() {
    if (!this.key || !this.map) {
      this.reading.textContent = "Point at the map to read a weight, or "
        + "move over it with the arrow keys.";
      return;
    }
    const [row, col] = this.key;
    const weight = this.map.weights[row * this.grid[1] + col];
    const tokens = this.data.keys + Number(this.config.classToken);
    const times = Number((weight * tokens).toPrecision(2));
    this.reading.textContent = `Key row ${row}, column ${col}: weight `
      + `${weight.toPrecision(2)}, ${times} times what uniform attention `
      + "would give.";
  }
}
