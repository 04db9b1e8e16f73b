// The page: what each control does, and where answers are shown.
import { Camera } from './camera.js';
import { drawBoxes } from './overlay.js';
import { showFaces, sentence } from './faces.js';
import { announce, complain } from './notices.js';
import { Pace } from './pace.js';
import { askPhoto } from './photo.js';
import { Stream } from './stream.js';

const at = (id) => document.getElementById(id);
const video = at('video'), photo = at('photo'), boxes = at('boxes'), stage = at('stage');
const camera = new Camera(video);
let session = 0; // a camera or a photograph; answers to an older one are not shown

function show(answer, mirrored) {
  drawBoxes(boxes, answer, mirrored);
  showFaces(at('faces'), at('none'), answer);
  announce(sentence(answer));
}

function fill(element) {
  at('hint').hidden = true;
  stage.classList.add('full');
  for (const other of [video, photo]) other.hidden = other !== element;
}

const faces = () => (at('crop').checked ? 'crop' : 'detect');
const query = () => `faces=${faces()}&smooth=${at('smooth').value}`;

function setRunning(running) {
  at('camera').textContent = running ? 'Stop camera' : 'Start camera';
  at('camera').setAttribute('aria-pressed', running);
}

function stop() {
  session += 1;
  camera.close();
  setRunning(false);
}

async function start() {
  stop();
  const mine = session;
  complain('');
  let stream = null;
  try {
    await camera.open(at('device').value);
    if (mine !== session && !running()) camera.close(); // stopped while the browser was asking
    await camera.list(at('device'));
    if (mine !== session) return;
    setRunning(true);
    fill(video);
    const pace = new Pace();
    while (mine === session) {
      await visible();
      if (!stream?.open || stream.query !== query()) {
        stream?.close();
        stream = await Stream.connect(query());
      }
      const answer = await stream.ask(await camera.grab());
      if (mine !== session) break;
      complain(answer.error ?? '');
      if (answer.error) continue; // of this frame
      show(answer, true);
      at('pace').textContent = `${pace.tick()} frames/s, ${Math.round(answer.milliseconds)} ms each`;
    }
  } catch (error) {
    if (mine === session) {
      complain(error.message);
      stop();
    }
  } finally {
    stream?.close();
  }
}

async function look(file) {
  stop();
  const mine = session;
  complain('');
  at('pace').textContent = 'Looking …';
  try {
    const answer = await askPhoto(file, faces());
    if (mine !== session) return;
    URL.revokeObjectURL(photo.src);
    photo.src = URL.createObjectURL(file);
    await photo.decode();
    fill(photo);
    show(answer, false);
    at('pace').textContent = `${answer.width} × ${answer.height} pixels, ${Math.round(answer.milliseconds)} ms`;
  } catch (error) {
    if (mine !== session) return;
    at('pace').textContent = '';
    complain(error.message);
  }
}

// Nobody looks at a hidden page: it sends nothing.
async function visible() {
  while (document.hidden) {
    await new Promise((done) => document.addEventListener('visibilitychange', done, { once: true }));
  }
}

function takeFirst(files) {
  if (files.length) look(files[0]);
}

const running = () => at('camera').getAttribute('aria-pressed') === 'true';
at('camera').addEventListener('click', () => (running() ? stop() : start()));
at('file').addEventListener('change', (event) => {
  takeFirst(event.target.files);
  event.target.value = ''; // the same file may be chosen again
});
at('device').addEventListener('change', () => running() && start());
at('smooth').addEventListener('input', () => (at('smooth-text').value = `${Number(at('smooth').value).toFixed(1)} s`));
document.addEventListener('paste', (event) => takeFirst(event.clipboardData.files));
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  stage.classList.add('over');
});
for (const name of ['dragleave', 'drop']) document.addEventListener(name, () => stage.classList.remove('over'));
document.addEventListener('drop', (event) => {
  event.preventDefault();
  takeFirst(event.dataTransfer.files);
});
