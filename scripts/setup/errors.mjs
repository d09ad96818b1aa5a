/** An error that the user can fix: one sentence that says how. */
export class SetupError extends Error {
  /** @param {string} message @param {string[]} details lines to show above it */
  constructor(message, details = []) {
    super(message);
    this.details = details;
  }
}

const CAUSES = [
  [
    /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|ERR_SOCKET_TIMEOUT|NewConnectionError|Temporary failure in name resolution|Max retries exceeded|ReadTimeoutError|Failed to establish a new connection/,
    what =>
      `${what} could not reach its package registry: check the network connection or the proxy settings and run the command again.`
  ],
  [
    /ENOSPC|No space left on device/,
    what =>
      `${what} ran out of disk space: about 3 GB are needed, free some and run the command again.`
  ],
  [
    /\bEUSAGE\b.*|can only install packages when your package\.json and package-lock\.json/,
    what =>
      `${what} found package.json and package-lock.json at odds: run "npm install" and commit the lock file.`
  ],
  [
    /\bEACCES\b|\bEPERM\b|Permission denied/,
    what =>
      `${what} may not write where it has to: make sure that the clone and your home folder belong to you.`
  ],
  [
    /EINTEGRITY|THESE PACKAGES DO NOT MATCH THE HASHES/,
    what =>
      `${what} got a package whose checksum is wrong: run "npm cache clean --force" and try again.`
  ]
];

/** The known cause in the output of a failed installer, in one sentence; undefined if there is none. */
export function explain(lines, what) {
  const text = lines.join('\n');
  return CAUSES.find(([sign]) => sign.test(text))?.[1](what);
}
