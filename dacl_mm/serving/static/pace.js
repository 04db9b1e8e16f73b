// Frames a second, over the last two seconds.
const SPAN = 2000; // ms

export class Pace {
  times = [];

  tick() {
    const now = performance.now();
    this.times.push(now);
    while (this.times[0] < now - SPAN) this.times.shift();
    const span = now - this.times[0];
    return span ? ((1000 * (this.times.length - 1)) / span).toFixed(1) : '0.0';
  }
}
