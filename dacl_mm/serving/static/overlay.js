// Boxes and names over the image.
import { color, title } from './faces.js';

const LABEL = 16; // CSS px, the height of letters

export function drawBoxes(canvas, answer, mirrored) {
  const shown = canvas.getBoundingClientRect();
  const dense = window.devicePixelRatio;
  canvas.width = Math.round(shown.width * dense);
  canvas.height = Math.round(shown.height * dense);
  const context = canvas.getContext('2d');
  context.scale(dense, dense);
  const scale = shown.width / answer.width;
  for (const face of answer.faces) {
    const left = (mirrored ? answer.width - face.x - face.width : face.x) * scale;
    drawBox(context, face, left, face.y * scale, face.width * scale, face.height * scale, shown);
  }
}

function drawBox(context, face, x, y, width, height, shown) {
  context.lineWidth = 3;
  context.strokeStyle = color(face);
  context.strokeRect(x, y, width, height);
  context.font = `600 ${LABEL}px system-ui, sans-serif`;
  const text = title(face), wide = context.measureText(text).width + 12, high = LABEL + 10;
  const left = Math.max(0, Math.min(x - 1.5, shown.width - wide));
  const top = y > high ? y - high : Math.min(y + height, shown.height - high);
  context.fillStyle = 'rgb(0 0 0 / 80%)'; // light letters are read on any picture
  context.fillRect(left, top, wide, high);
  context.fillStyle = '#fff';
  context.fillText(text, left + 6, top + LABEL + 2);
}
