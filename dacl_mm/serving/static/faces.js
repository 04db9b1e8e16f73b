// The list of faces: a name, and a bar for each class.
// Okabe and Ito's colours, which people with colour-blindness tell apart.
const COLORS = ['#56b4e9', '#e69f00', '#009e73', '#cc79a7', '#d55e00', '#0072b2', '#f0e442'];
const MOST = 12; // faces that have bars

export const number = (face) => (face.track ?? face.face) + 1;
export const color = (face) => COLORS[(number(face) - 1) % COLORS.length];
export const title = (face) => `${number(face)}: ${face.expression} ${percent(face.confidence)}`;
const percent = (share) => `${Math.round(100 * share)} %`;

export function sentence({ faces }) {
  if (!faces.length) return 'No face.';
  const names = faces.slice(0, 4).map((face) => face.expression).join(', ');
  return `${faces.length === 1 ? '1 face' : `${faces.length} faces`}: ${names}${faces.length > 4 ? ' and more' : ''}.`;
}

export function showFaces(list, none, { faces }) {
  none.hidden = faces.length > 0 && faces.length <= MOST;
  none.textContent = faces.length ? `The first ${MOST} of ${faces.length}:` : 'No face.';
  const shown = faces.slice(0, MOST);
  while (list.children.length > shown.length) list.lastChild.remove();
  shown.forEach((face, i) => update(list.children[i] ?? list.appendChild(card(face)), face));
}

// Elements stay and change their values: a screen reader keeps its place.
function card(face) {
  const item = document.createElement('li');
  const bars = document.createElement('dl');
  bars.className = 'bars';
  item.append(document.createElement('h3'), bars);
  for (const name of Object.keys(face.probabilities)) {
    const term = document.createElement('dt'), value = document.createElement('dd');
    const meter = document.createElement('div'), text = document.createElement('span');
    term.textContent = name;
    meter.className = 'meter';
    meter.append(document.createElement('div'));
    const means = { role: 'meter', 'aria-label': name, 'aria-valuemin': 0, 'aria-valuemax': 1 };
    for (const [key, meaning] of Object.entries(means)) meter.setAttribute(key, meaning);
    value.append(meter, text);
    bars.append(term, value);
  }
  return item;
}

function update(item, face) {
  const shares = Object.values(face.smoothed ?? face.probabilities);
  const greatest = Math.max(...shares);
  item.style.setProperty('--face', color(face));
  item.querySelector('h3').textContent = `Face ${title(face)}`;
  item.querySelectorAll('dd').forEach((value, i) => {
    const [meter, text] = value.children;
    meter.firstChild.style.width = `${100 * shares[i]}%`;
    meter.setAttribute('aria-valuenow', shares[i].toFixed(3));
    text.textContent = percent(shares[i]);
    for (const part of [value, value.previousSibling]) part.classList.toggle('first', shares[i] === greatest);
  });
}
