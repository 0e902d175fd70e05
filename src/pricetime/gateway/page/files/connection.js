// The WebSocket, made anew whenever it is lost: after half a second at first, after five at most.

const FIRST_MS = 500;
const MOST_MS = 5000;

// Frames come ten times a second: a server that is silent for so long is gone, whatever the system says.
const SILENT_MS = 4000;

export class Connection {
  /** `heard(message)`, `came()`, `went(again_ms)`: what is told of it. */
  constructor(told) {
    this.told = told;
    this.pause = FIRST_MS;
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
    this.socket = socket;
    socket.onmessage = (event) => this.hear(socket, JSON.parse(event.data));
    socket.onclose = () => this.lose(socket);
    this.listen();
  }

  hear(socket, message) {
    if (socket !== this.socket) return;
    if (message.type === "hello") {
      this.pause = FIRST_MS;
      this.told.came();
    }
    this.listen();
    this.told.heard(message);
  }

  /** From now on it may be silent for a while, and no longer. */
  listen() {
    clearTimeout(this.silence);
    const socket = this.socket;
    this.silence = setTimeout(() => this.lose(socket), SILENT_MS);
  }

  lose(socket) {
    if (socket !== this.socket) return;
    clearTimeout(this.silence);
    this.socket = null;
    socket.close();
    const pause = this.pause * (0.75 + Math.random() / 2); // or all pages would come back in one moment
    this.pause = Math.min(2 * this.pause, MOST_MS);
    this.timer = setTimeout(() => this.open(), pause);
    this.told.went(pause);
  }

  /** Do not wait any longer. */
  hurry() {
    if (this.socket === null) this.open();
  }

  /** Is it gone now? Then false, and nothing was sent. */
  send(message) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }
}
