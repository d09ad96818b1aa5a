/** One line per stage: its title and duration; the last lines of its output when it fails. */
const LINES_SHOWN = 25;
const HEARTBEAT_SECONDS = 30;

export class Progress {
  constructor(title, stream = process.stdout) {
    this._title = title;
    this._stream = stream;
    this._begin = Date.now();
    this._lines = [];
    if (stream.isTTY) {
      this._draw();
      this._timer = setInterval(() => this._draw(), 1000);
    } else {
      stream.write(`${title} ...\n`);
      this._timer = setInterval(
        () => stream.write(`    still running, ${this._elapsed()}\n`),
        HEARTBEAT_SECONDS * 1000
      );
    }
  }

  /** Takes a line of the stage's output, shown only if it fails. */
  line(text) {
    this._lines.push(text);
  }

  done() {
    this._end(`done in ${this._elapsed()}`);
  }

  failed(details = []) {
    this._end(`failed after ${this._elapsed()}`);
    for (const line of [...this._lines, ...details].slice(-LINES_SHOWN)) {
      this._stream.write(`    ${line}\n`);
    }
  }

  _end(how) {
    clearInterval(this._timer);
    this._stream.write(
      this._stream.isTTY ? `\r\x1b[2K${this._title}: ${how}\n` : `    ${how}\n`
    );
  }

  _draw() {
    this._stream.write(`\r\x1b[2K${this._title} ... ${this._elapsed()}`);
  }

  _elapsed() {
    const seconds = Math.round((Date.now() - this._begin) / 1000);
    return seconds < 60
      ? `${seconds} s`
      : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  }
}
