/** Displays values in a cell's output. */
import { inspect } from 'node:util';
import {
  currentKernel,
  MIMEBUNDLE,
  type Displayable
} from '../base/kernel-api';
import { printable } from '../base/printable';

/** Adds a value to the cell's output, displayed like the cell's last expression; prints it in a plain program. */
export async function display(value: unknown): Promise<void> {
  const kernel = currentKernel();
  if (!kernel) {
    console.log(printable(String(value)));
    return;
  }
  const bundle = isDisplayable(value)
    ? await value[MIMEBUNDLE]()
    : { 'text/plain': typeof value === 'string' ? value : inspect(value) };
  kernel.publishDisplay(bundle);
}

function isDisplayable(value: unknown): value is Displayable {
  return typeof value === 'object' && value !== null && MIMEBUNDLE in value;
}
