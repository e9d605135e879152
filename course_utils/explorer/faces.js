// Attention explorer, 5 of 6 on a page of faces: several photos, the same
// named queries (attributes) for each, and a filter by how rare they are.
// The number of a query is face * attributes + attribute.

const OPACITY = 0.5; // the map stands beside the overlay, undiluted
const percent = (share) => `${(100 * share).toFixed(1)}%`;
const yesNo = (value) => (value ? "yes" : "no");

// One bit a pixel for every query: see face_explorer.py.
class Regions {
  constructor({ size, patch, rows, cols }, bits) {
    [this.high, this.wide] = size;
    this.stride = Math.ceil(this.wide / 8);
    Object.assign(this, { patch, rows, cols, bits });
  }

  holds(query, y, x) {
    if (y < 0 || x < 0 || y >= this.high || x >= this.wide) return 0;
    const at = (query * this.high + y) * this.stride + (x >> 3);
    return (this.bits[at] >> (7 - (x & 7))) & 1;
  }

  // How much of every patch is region, 0 to 1.
  cover(query) {
    const { patch: [high, wide], rows, cols } = this;
    const cover = new Float32Array(rows * cols);
    for (let y = 0; y < rows * high; y += 1) {
      for (let x = 0; x < cols * wide; x += 1) {
        cover[Math.floor(y / high) * cols + Math.floor(x / wide)]
          += this.holds(query, y, x) / (high * wide);
      }
    }
    return cover;
  }

  // Every side of a pixel with region on one hand only.
  trace(context, query, zoom) {
    const line = (x, y, right, down) => {
      context.moveTo(x * zoom, y * zoom);
      context.lineTo((x + right) * zoom, (y + down) * zoom);
    };
    for (let y = 0; y <= this.high; y += 1) {
      for (let x = 0; x <= this.wide; x += 1) {
        const here = this.holds(query, y, x);
        if (here !== this.holds(query, y - 1, x)) line(x, y, 1, 0);
        if (here !== this.holds(query, y, x - 1)) line(x, y, 0, 1);
      }
    }
  }
}

class FaceExplorer extends Explorer {
  constructor(model, data, photos, regions) {
    super(model, data, photos[0]);
    this.photos = photos;
    this.regions = regions; // null: none were given
    this.listed = ""; // how many attributes the filter shows
    this.opacity = OPACITY;
  }

  patchAt() { // all queries have names
    return null;
  }

  get face() {
    return Math.floor(this.query / this.config.named.length);
  }

  get attribute() {
    return this.query % this.config.named.length;
  }

  queryOf(face, attribute) {
    return face * this.config.named.length + attribute;
  }

  // --- building ---

  build(el) {
    const { config } = this;
    const faces = this.buildFaces();
    const rarity = this.buildFilter();
    this.attributes = this.buildAttributes();
    const layer = makeChoice("layer", "Layer", config.layers, this.layer,
      (index) => this.update({ layer: index }), "layer ");
    this.buildStages();
    this.facts = make("dl", { className: "facts" });
    [this.notice, this.sentence, this.reading] = ["notice",
      "sentence unseen", "reading"].map(makeLive);
    this.legend = makeLegend(this.lut);
    const opacity = makeOpacity((value) => this.update({ opacity: value }),
      100 * OPACITY);
    const views = this.buildViews();
    el.classList.add("attention-explorer", "faces");
    el.append(
      faces.box, rarity.box, this.attributes.box, this.notice, layer.box,
      make("div", { className: "panels" }, this.left.figure,
        this.alone.figure, this.right.figure, this.facts),
      make("div", { className: "scales" }, this.legend.box, opacity),
      this.reading, this.sentence, views.box, this.buildNote(),
    );
    this.filter(0);
    this.connect();
  }

  buildFaces() {
    const [rows, cols] = this.config.size;
    const names = this.photos.map((_, index) => String(index));
    const faces = makeChoice("sample", "Face", names, this.face,
      (index) => this.choose(this.queryOf(index, this.attribute)), "face ");
    addThumbnails(faces, { rows, cols }).forEach((canvas, index) => {
      canvas.getContext("2d").drawImage(this.photos[index], 0, 0);
    });
    return faces;
  }

  buildFilter() {
    const { groups } = this.config;
    const names = groups
      .map(({ title, members }) => `${title}: ${members.length}`);
    const rarity = makeChoice("rarity", "Show", names, 0,
      (index) => this.filter(index));
    groups.forEach(({ members }, index) => {
      rarity.pills[index].querySelector("input").disabled = !members.length;
    });
    return rarity;
  }

  buildAttributes() {
    const { named, frequencies } = this.config;
    const names = named
      .map((name, index) => `${name} ${percent(frequencies[index])}`);
    const attributes = makeChoice("query", "Attribute", names, this.attribute,
      (index) => this.choose(this.queryOf(this.face, index)));
    this.marks = attributes.pills.map((pill) => {
      const mark = make("b", { className: "mark" });
      pill.prepend(mark);
      return mark;
    });
    return attributes;
  }

  buildStages() {
    const { config } = this;
    this.left = makeStage(config, config.alt, "Face",
      this.regions ? "its region outlined" : "", false);
    this.alone = makeStage(config, "The attention map alone.", "Map",
      "the weights alone", false);
    this.right = makeStage(config, `Map over the face. Read weights. ${KEYS}`,
      "Overlay", "point to read");
  }

  buildViews() {
    const views = super.buildViews();
    if (this.config.mean) {
      this.view = "mean";
      this.radios[this.views.indexOf("mean")].checked = true;
    }
    return views;
  }

  buildNote() {
    const note = makeNote(this.config);
    note.prepend("\u2713 marks what is labelled yes in this face. The filter "
      + "goes by the share of all faces that are labelled yes; what lies "
      + "between rare and common is listed under All only. ");
    return note;
  }

  // --- choosing ---

  // Never in silence: what is no longer listed is named, and what replaces it.
  filter(index) {
    const { groups, named, frequencies } = this.config;
    const { title, members } = groups[index];
    this.attributes.pills.forEach((pill, attribute) => {
      const out = !members.includes(attribute);
      pill.hidden = out;
      pill.querySelector("input").disabled = out;
    });
    this.listed = `${title}: ${members.length} of ${named.length} attributes `
      + "are listed.";
    const [before, after] = [this.attribute, members[0]];
    if (members.includes(before)) {
      this.notice.textContent = this.listed;
      return;
    }
    this.attributes.pills[after].querySelector("input").checked = true;
    this.choose(this.queryOf(this.face, after));
    this.notice.textContent = `${this.listed} ${named[before]} `
      + `(${percent(frequencies[before])}) is not among them. Now shown: `
      + `${named[after]} (${percent(frequencies[after])}).`;
  }

  choose(query) {
    this.notice.textContent = this.listed;
    super.choose(query);
  }

  // --- showing ---

  update(change) {
    Object.assign(this, change);
    if (this.drawn !== this.face) this.showFace();
    super.update(change);
  }

  showFace() {
    const { named, labels, alt } = this.config;
    this.drawn = this.face;
    this.grounds = drawGrounds(this.left.canvas, this.photos[this.face],
      this.config, this.geometry);
    const yes = named
      .filter((_, index) => labels[this.queryOf(this.face, index)]);
    this.left.stage.setAttribute("aria-label", `${alt} Face ${this.face} of `
      + `0 to ${this.photos.length - 1}. Labelled yes: `
      + `${yes.join(", ") || "nothing"}.`);
    this.marks.forEach((mark, index) => {
      const isYes = labels[this.queryOf(this.face, index)];
      mark.textContent = isYes ? "\u2713" : "";
    });
  }

  drawQuery() {
    const context = this.left.canvas.getContext("2d");
    context.drawImage(this.grounds.plain, 0, 0);
    this.outlineRegion(context);
  }

  drawMap() {
    super.drawMap();
    this.outlineRegion(this.right.canvas.getContext("2d"));
    const { canvas } = this.alone;
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!this.map) return;
    context.imageSmoothingEnabled = false;
    context.drawImage(this.heat, 0, 0, this.geometry.width,
      this.geometry.height);
    this.outlineRegion(context);
    ring(context, this.largestAt(), this.geometry);
  }

  outlineRegion(context) {
    const { regions, geometry, query } = this;
    if (!regions) return;
    const zoom = geometry.across / this.config.size[1];
    strokeTwice(context, geometry, ACCENT, 5,
      () => regions.trace(context, query, zoom));
  }

  say() {
    const facts = this.findFacts();
    this.facts.replaceChildren(...facts.map(([name, words]) => make("div", {},
      make("dt", { textContent: name }), make("dd", { textContent: words }))));
    this.sentence.textContent = `Face ${this.face}, `
      + `${this.config.named[this.attribute]}${this.viewWords()}. `
      + `${facts.map(([name, words]) => `${name}: ${words}`).join(". ")}.`;
    const { map } = this;
    this.legend.top.textContent = map
      ? `${map.largest.toPrecision(2)} (largest here)` : "";
  }

  findFacts() {
    const { labels, scores, predicted, thresholds, named } = this.config;
    const { query, attribute, map } = this;
    const right = labels[query] === predicted[query];
    const facts = [
      ["Attribute", named[attribute]],
      ["Frequency", this.frequencyWords()],
      ["Label", yesNo(labels[query])],
      ["Score", `${scores[query].toFixed(2)}, threshold `
        + `${thresholds[attribute]?.toFixed(2) ?? "infinite"}: predicted `
        + `${yesNo(predicted[query])}, ${right ? "right" : "wrong"}`],
    ];
    if (!map) {
      return [...facts, ["Map", "none: every head is off, switch one on"]];
    }
    const about = map.about ? "about " : "";
    const [row, col] = this.largestAt();
    return [...facts,
      ["Largest weight",
        `${map.largest.toPrecision(2)} at row ${row}, column ${col}`],
      ["Entropy", `${about}${map.entropy.toFixed(2)} of `
        + `${this.data.most.toFixed(2)} nats`],
      ...(this.regions ? [["Inside the region", this.shareWords()]] : []),
    ];
  }

  frequencyWords() {
    const { groups, frequencies } = this.config;
    const [, rare, common] = groups
      .map(({ members }) => members.includes(this.attribute));
    const kind = (rare && ", rare") || (common && ", common") || "";
    return `${percent(frequencies[this.attribute])} of faces${kind}`;
  }

  // What falls inside, beside what a uniform map would leave there.
  shareWords() {
    const { weights } = this.map;
    const cover = this.regions.cover(this.query);
    const area = sumOf(cover) / cover.length;
    if (!area) return "no region in this face";
    const share = sumOf(weights.map((weight, i) => weight * cover[i]))
      / sumOf(weights);
    return `${percent(share)} of the weight, on ${percent(area)} of the `
      + `image: ${(share / area).toPrecision(2)} times uniform`;
  }
}

export async function render({ model, el }) {
  const config = model.get("config");
  const data = await Data.read(config);
  const photos = config.images.map((src) => make("img", { src }));
  await Promise.all(photos.map((photo) => photo.decode()));
  const regions = config.regions && new Regions(config,
    new Uint8Array(await gunzip(bytes(config.regions))));
  const explorer = new FaceExplorer(model, data, photos, regions);
  explorer.build(el);
  explorer.update({});
}

export default { render };
