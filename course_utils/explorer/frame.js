// Attention explorer, 6 of 6. The frame's part: feed the module, then take the static picture's place.
const state = JSON.parse(document.getElementById("state").textContent);
const model = {
  get: (name) => state[name],
  set: (name, value) => { state[name] = value; },
  on: () => {},
  save_changes: () => {},
};

function fitFrame(frame) {
  const { height } = document.body.getBoundingClientRect();
  if (height) frame.style.height = `${Math.ceil(height)}px`;
}

await render({ model, el: document.getElementById("explorer") });
const frame = window.frameElement;
if (frame) {
  const picture = frame.parentElement.querySelector("[data-fallback]");
  if (picture) picture.style.display = "none";
  fitFrame(frame);
  new ResizeObserver(() => fitFrame(frame)).observe(document.body);
}
document.body.dataset.ready = "true";
