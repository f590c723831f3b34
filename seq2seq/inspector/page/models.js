/** The models of the server, as /api/models lists them. */

/** The model of a name; the first one, as for the server, where no model has it. */
export function modelNamed(models, name) {
  return models.find((model) => model.name === name) ?? models[0];
}

/** The `lang` of its texts: "" where the language is not known, as it is not the page's English either. */
export function languagesOf(model) {
  return { source: model.source_code ?? "", target: model.target_code ?? "" };
}
