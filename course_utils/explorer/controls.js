// Attention explorer, 3 of 6: the parts of the page.

const KEYS = "Arrow keys move, Home and End go to the ends of the row.";

function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

// live: reads arrow keys. The plain photo of named queries does not.
function makeStage(config, label, title, note, live = true) {
  const { across, down } = makeGeometry(config);
  const canvas = make("canvas", { width: across, height: down });
  const stage = make("div", {
    className: live ? "stage live" : "stage",
    role: live ? "application" : "img", "aria-label": label,
    ...(live ? { tabIndex: 0 } : {}),
  }, canvas);
  const figure = make("figure", {}, make("figcaption", {},
    make("strong", { textContent: title }), ` ${note}`), stage);
  figure.style.setProperty("--most", `${mostWidth(config)}px`);
  return { canvas, stage, figure };
}

function makeQueryStage(config) {
  if (config.crossed) {
    return makeStage(config, config.alt, "Photo",
      "the queries are named above", false);
  }
  return makeStage(config, `${config.alt} Choose a query. ${KEYS}`,
    "Query", config.classToken ? "a click, arrow keys, or the"
      : "click a patch, or use the arrow keys");
}

function makeMapStage(config) {
  return makeStage(config, `Attention map. Read weights. ${KEYS}`,
    "Where it attends", "point to read a weight");
}

// One of `labels`, as radio buttons that look like pills. spoken: words
// that only screen readers need, before each label.
function makeChoice(name, title, labels, chosen, onChange, spoken = "") {
  const pills = labels.map((label, index) => {
    const input = make("input", {
      type: "radio", name, value: String(index), checked: index === chosen,
      onchange: () => onChange(index),
    });
    const words = make("span", {}, ...(spoken
      ? [make("span", { className: "unseen", textContent: spoken })] : []),
    label);
    return make("label", { className: "pill" }, input, words);
  });
  const box = make("fieldset", {
    className: labels.length > 10 ? `${name} many` : name,
    hidden: labels.length < 2,
  }, make("legend", { textContent: title }), ...pills);
  return { box, pills };
}

// Put `node` under a pill of a choice.
function addBelow(pill, node) {
  const column = make("div", { className: "column" });
  pill.replaceWith(column);
  column.append(pill, node);
}

// Under every head's pill a box that takes it out of the mean.
function addSwitches({ pills }, heads, onSwitch) {
  return heads.map((head, index) => {
    const input = make("input", {
      type: "checkbox", checked: true,
      onchange: () => onSwitch(index, input.checked),
    });
    const spoken = `: ${head} in the mean`;
    addBelow(pills[index], make("label", { className: "switch" }, input, "on",
      make("span", { className: "unseen", textContent: spoken })));
    return input;
  });
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

function makeButton(className, textContent, onclick) {
  return make("button", { type: "button", className, textContent, onclick });
}

function makeLive(className) {
  return make("p", {
    className, "aria-live": "polite", "aria-atomic": "true",
  });
}

function makeNote(config) {
  const { levels, layers, depth, classToken, crossed, mean, rollout } = config;
  const error = (50 / levels).toPrecision(1);
  const parts = [
    !crossed && "Pointing at the photo previews a query, a click or an arrow "
      + "key chooses it.",
    "Rows and columns count from 0. Every map has its own scale, from 0 to "
      + "its largest weight (ringed). Weights read from the map are rounded, "
      + `by at most ${error}% of the largest.`,
    classToken && "Maps show the patches; what falls on the class token is "
      + "said beside them.",
    mean && "The mean is over the heads that are on.",
    rollout && "Rollout: layer after layer, the mean over all heads and the "
      + "token itself, half and half.",
    layers.length < depth && `Of ${depth} layers this page holds `
      + `${layers.length}: ${layers.join(", ")}.`,
  ];
  return make("p", {
    className: "note", textContent: parts.filter(Boolean).join(" "),
  });
}

function makeLegend(lut) {
  const bar = make("canvas", { width: 256, height: 1, "aria-hidden": "true" });
  paintHeat(bar, Uint8Array.from({ length: 256 }, (_, i) => i), 255, lut);
  const top = make("span");
  return {
    top,
    box: make("div", { className: "legend" }, make("span", {
      textContent: "weight 0",
    }), bar, top),
  };
}

// How much of the query's weight the class token gets, as a bar.
function makeShare({ classToken }) {
  const bar = make("i");
  const value = make("span");
  return {
    show(share) {
      bar.style.width = `${100 * (share ?? 0)}%`;
      value.textContent = share?.toPrecision(2) ?? "";
    },
    box: make("div", { className: "legend share", hidden: !classToken },
      make("span", { textContent: "on the class token" }),
      make("b", { "aria-hidden": "true" }, bar), value),
  };
}

function makeOpacity(onInput, percent = 80) {
  const input = make("input", {
    type: "range", min: "0", max: "100", step: "5", value: String(percent),
  });
  const value = make("output", { textContent: `${percent}%` });
  input.addEventListener("input", () => {
    value.textContent = `${input.value}%`;
    onInput(Number(input.value) / 100);
  });
  return make("label", { className: "opacity" }, "map opacity ", input, value);
}
