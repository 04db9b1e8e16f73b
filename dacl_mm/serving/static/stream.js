// A WebSocket that answers one frame at a time.
export class Stream {
  static connect(query) {
    const url = new URL('stream', document.baseURI);
    url.protocol = url.protocol.replace('http', 'ws');
    url.search = query;
    return new Promise((done, fail) => {
      const socket = new WebSocket(url);
      socket.onopen = () => done(new Stream(socket, query));
      socket.onerror = () => fail(new Error('The server does not answer: is it still running?'));
    });
  }

  constructor(socket, query) {
    this.socket = socket;
    this.query = query;
    socket.onmessage = (message) => this.done?.(JSON.parse(message.data));
    socket.onerror = null;
    socket.onclose = (event) => {
      this.ended = new Error(event.reason ? `The server ended the stream: ${event.reason}.` : 'The server has stopped.');
      this.fail?.(this.ended);
    };
  }

  get open() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  ask(frame) {
    return new Promise((done, fail) => {
      [this.done, this.fail] = [done, fail];
      if (this.ended) fail(this.ended);
      else this.socket.send(frame);
    });
  }

  close() {
    this.socket.close();
  }
}
