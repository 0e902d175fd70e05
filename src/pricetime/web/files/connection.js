// The WebSocket. If it breaks, it is opened again: after half a second at first, after five seconds at most.

const FIRST_MS = 500;
const MOST_MS = 5000;

// The server sends ten frames a second. A connection that is silent for this long is broken.
const SILENT_MS = 4000;

export class Connection {
  /** `listener`: `received(message)`, `connected()`, `disconnected(retry_ms)`. */
  constructor(listener) {
    this.listener = listener;
    this.pause = FIRST_MS;
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
    this.socket = socket;
    socket.onmessage = (event) => this.receive(socket, JSON.parse(event.data));
    socket.onclose = () => this.lose(socket);
    this.expect();
  }

  receive(socket, message) {
    if (socket !== this.socket) return;
    if (message.type === "hello") {
      this.pause = FIRST_MS;
      this.listener.connected();
    }
    this.expect();
    this.listener.received(message);
  }

  /** Wait for the next message, but not longer than SILENT_MS. */
  expect() {
    clearTimeout(this.silence);
    const socket = this.socket;
    this.silence = setTimeout(() => this.lose(socket), SILENT_MS);
  }

  lose(socket) {
    if (socket !== this.socket) return;
    clearTimeout(this.silence);
    this.socket = null;
    socket.close();
    const pause = this.pause * (0.75 + Math.random() / 2); // so that not all pages connect at the same moment
    this.pause = Math.min(2 * this.pause, MOST_MS);
    this.timer = setTimeout(() => this.open(), pause);
    this.listener.disconnected(pause);
  }

  /** Connect now if there is no connection. */
  hurry() {
    if (this.socket === null) this.open();
  }

  /** Send a message. False if there is no connection. */
  send(message) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }
}
