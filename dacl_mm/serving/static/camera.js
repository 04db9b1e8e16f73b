// A camera, and its frames as JPEG files.
const WIDTH = 640; // px: more costs time and finds no nearer face
const QUALITY = 0.85;

const REASONS = {
  NotAllowedError: 'The browser may not use the camera: allow it for this page, then start it again.',
  NotFoundError: 'There is no camera: connect one, or choose a photograph.',
  NotReadableError: 'The camera cannot be read: another program may be using it.',
  OverconstrainedError: 'That camera is gone: choose another one.',
};

export class Camera {
  constructor(video) {
    this.video = video;
    this.canvas = document.createElement('canvas');
    this.context = this.canvas.getContext('2d', { willReadFrequently: true });
  }

  async open(device) {
    if (!navigator.mediaDevices) {
      throw new Error('Browsers give a camera to pages of this machine (localhost) and of https alone.');
    }
    const which = device ? { deviceId: { exact: device } } : { facingMode: 'user' };
    try {
      const opened = await navigator.mediaDevices.getUserMedia({ video: { ...which, width: { ideal: WIDTH } } });
      this.close();
      this.video.srcObject = opened;
    } catch (error) {
      throw new Error(REASONS[error.name] ?? error.message);
    }
    await this.video.play();
  }

  // Names are told once a camera may be used.
  async list(select) {
    const cameras = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === 'videoinput');
    const chosen = select.value;
    const option = (camera, i) => new Option(camera.label || `camera ${i + 1}`, camera.deviceId);
    select.replaceChildren(new Option('default', ''), ...cameras.map(option));
    select.value = cameras.some((camera) => camera.deviceId === chosen) ? chosen : '';
    select.parentElement.hidden = cameras.length < 2;
  }

  async grab() {
    if (this.video.srcObject?.getVideoTracks()[0].readyState === 'ended') throw new Error(REASONS.OverconstrainedError);
    const scale = Math.min(1, WIDTH / this.video.videoWidth);
    this.canvas.width = Math.round(this.video.videoWidth * scale);
    this.canvas.height = Math.round(this.video.videoHeight * scale);
    this.context.drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    return new Promise((done) => this.canvas.toBlob(done, 'image/jpeg', QUALITY));
  }

  close() {
    for (const track of this.video.srcObject?.getTracks() ?? []) track.stop();
    this.video.srcObject = null;
  }
}
