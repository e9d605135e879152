// Attention explorer, 5 of 6: start it.
// render({model, el}) reads model.get("config") and keeps
// model.get("query"), the number of a query, up to date.

export async function render({ model, el }) {
  const config = model.get("config");
  const data = await Data.read(config);
  const photo = make("img", { src: config.image });
  await photo.decode();
  const explorer = new Explorer(model, data, photo);
  explorer.build(el);
  explorer.update({});
}

export default { render };
