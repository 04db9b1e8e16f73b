// What a screen reader says by itself: mistakes at once, answers when they change, and not more often than one can listen.
const PAUSE = 3000; // ms
const live = document.getElementById('announcement');
const alert = document.getElementById('alert');
let waiting = '', timer = 0, last = -PAUSE;

export function announce(text) {
  waiting = text;
  if (timer) return;
  timer = setTimeout(say, Math.max(0, last + PAUSE - performance.now()));
}

function say() {
  timer = 0;
  if (live.textContent === waiting) return;
  live.textContent = waiting;
  last = performance.now();
}

export function complain(text) {
  if (alert.textContent === text) return;
  alert.textContent = text;
  alert.hidden = !text;
}
