// The API as its own description has it: paths, parameters, answers, types.
const at = (id) => document.getElementById(id);

function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

function table(headings, rows) {
  const head = element('tr', ...headings.map((text) => Object.assign(element('th', text), { scope: 'col' })));
  const body = rows.map((row) => element('tr', ...row.map((cell) => element('td', cell ?? ''))));
  const scroll = element('div', element('table', element('thead', head), element('tbody', ...body)));
  scroll.className = 'scroll';
  return scroll;
}

// A schema in a few words: integer, array of Face, number or null.
function words(schema = {}) {
  if (schema.$ref) return schema.$ref.split('/').pop();
  if (schema.enum) return schema.enum.join(', ');
  if (schema.anyOf) return schema.anyOf.map(words).join(' or ');
  if (schema.prefixItems) return `(${schema.prefixItems.map(words).join(', ')})`;
  if (schema.items) return `array of ${words(schema.items)}`;
  if (schema.additionalProperties) return `object of ${words(schema.additionalProperties)}`;
  return schema.format === 'binary' ? 'file' : (schema.type ?? 'anything');
}

function operation(path, method, { description, parameters = [], requestBody, responses }) {
  const made = element('article', element('h2', element('code', `${method.toUpperCase()} ${path}`)), element('p', description ?? ''));
  if (parameters.length) {
    const rows = parameters.map((one) => [element('code', one.name), words(one.schema), one.description]);
    made.append(element('h3', 'Parameters'), table(['name', 'type', 'meaning'], rows));
  }
  if (requestBody) {
    made.append(element('h3', 'Body'), element('p', requestBody.description ?? ''));
    made.append(element('p', ...Object.keys(requestBody.content).flatMap((type) => [element('code', type), ' '])));
  }
  const rows = Object.entries(responses).map(([status, { description: text, content = {} }]) => [
    status, text, Object.values(content).map(({ schema }) => words(schema)).join(', '),
  ]);
  made.append(element('h3', 'Answers'), table(['status', 'when', 'type'], rows));
  return made;
}

function type(name, { description, properties = {} }) {
  const rows = Object.entries(properties).map(([key, schema]) => [element('code', key), words(schema), schema.description]);
  return element('section', element('h3', name), element('p', description ?? ''), table(['field', 'type', 'meaning'], rows));
}

try {
  const { paths, components } = await (await fetch('openapi.json')).json();
  const all = Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map((one) => operation(path, ...one)));
  at('paths').replaceChildren(...all);
  at('types').replaceChildren(...Object.entries(components.schemas).map((one) => type(...one)));
} catch (error) {
  at('alert').textContent = `The description cannot be read: ${error.message}`;
}
