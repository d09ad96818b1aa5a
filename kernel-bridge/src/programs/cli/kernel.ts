import { MoEDebuggerError } from '../../base/errors';
import {
  installKernelspec,
  listKernelspecs,
  removeKernelspec,
  type KernelspecLocation
} from '../kernel/kernelspec';
import { write, writeJson } from './output';

interface LocationArguments {
  user?: boolean;
  /** True without a value: the active environment. */
  sysPrefix?: string | true;
  prefix?: string;
  json?: boolean;
}

export async function install(options: LocationArguments): Promise<void> {
  const installed = installKernelspec(locationOf(options));
  await (options.json
    ? writeJson(installed)
    : write(`Installed "${installed.displayName}" in ${installed.folder}\n`));
}

export async function list(options: { json?: boolean }): Promise<void> {
  const kernels = listKernelspecs();
  if (options.json) {
    return writeJson({ schema: 'moe-debugger/kernels@1', kernels });
  }
  if (kernels.length === 0) {
    return write(
      'The kernel is not installed: run "moe-debugger kernel install".\n'
    );
  }
  for (const { displayName, folder, works, current } of kernels) {
    const state = works
      ? current
        ? ''
        : ' (of another copy of this package)'
      : ' (broken: install it again)';
    await write(`${displayName}: ${folder}${state}\n`);
  }
}

export async function remove(options: LocationArguments): Promise<void> {
  const folder = removeKernelspec(locationOf(options));
  if (folder === undefined) {
    throw new MoEDebuggerError(
      'environment',
      'the kernel is not installed there',
      {
        where: 'kernel remove',
        hint: 'run "moe-debugger kernel list" to see where it is'
      }
    );
  }
  await (options.json
    ? writeJson({ removed: folder })
    : write(`Removed ${folder}\n`));
}

function locationOf({
  user,
  sysPrefix,
  prefix
}: LocationArguments): KernelspecLocation {
  const given = [user, sysPrefix, prefix].filter(value => value !== undefined);
  if (given.length > 1) {
    throw new MoEDebuggerError('usage', 'more than one location is given', {
      where: 'kernel',
      hint: 'give one of --user, --sys-prefix and --prefix'
    });
  }
  if (sysPrefix === true) {
    return { sysPrefix: true };
  }
  const folder = sysPrefix ?? prefix;
  return folder === undefined ? {} : { prefix: folder };
}
