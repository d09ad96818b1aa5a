/** Reads the connection file that Jupyter passes to a kernel. */
import { readFileSync } from 'node:fs';
import { MoEDebuggerError } from '../../base/errors';

export const CHANNELS = ['shell', 'iopub', 'stdin', 'control', 'hb'] as const;
export type Channel = (typeof CHANNELS)[number];

export interface Connection {
  key: string;
  signatureScheme: string;
  /** ZeroMQ address to bind, by channel. */
  addresses: Record<Channel, string>;
}

/** @throws MoEDebuggerError ('usage') naming what is missing */
export function readConnectionFile(path: string): Connection {
  let file: Record<string, unknown>;
  try {
    file = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  } catch (cause) {
    throw new MoEDebuggerError('usage', 'cannot read the connection file', {
      where: path,
      hint: 'Jupyter writes this file when it starts a kernel',
      cause
    });
  }
  const text = (name: string): string => {
    const value = file[name];
    if (typeof value !== 'string') {
      throw new MoEDebuggerError(
        'usage',
        `the connection file has no ${name}`,
        {
          where: path
        }
      );
    }
    return value;
  };
  const address = (channel: Channel): string => {
    const port = file[`${channel}_port`];
    if (typeof port !== 'number') {
      throw new MoEDebuggerError(
        'usage',
        `the connection file has no ${channel}_port`,
        { where: path }
      );
    }
    // ipc "ports" are suffixes of a path.
    return text('transport') === 'ipc'
      ? `ipc://${text('ip')}-${port}`
      : `${text('transport')}://${text('ip')}:${port}`;
  };
  return {
    key: text('key'),
    signatureScheme:
      typeof file.signature_scheme === 'string'
        ? file.signature_scheme
        : 'hmac-sha256',
    addresses: {
      shell: address('shell'),
      iopub: address('iopub'),
      stdin: address('stdin'),
      control: address('control'),
      hb: address('hb')
    }
  };
}
