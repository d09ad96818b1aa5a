import type { StoredAs } from 'moe-debugger/protocol';
import type { ITranslation } from '../../translation';

/** "147,456" */
export function wholeNumber(value: number): string {
  return value.toLocaleString('en');
}

/** "8.54 M": three digits. */
export function shortNumber(value: number): string {
  const units = ['', ' k', ' M', ' G', ' T'];
  let power = 0;
  let rest = value;
  while (rest >= 1000 && power < units.length - 1) {
    rest /= 1000;
    power++;
  }
  return `${power === 0 ? rest : rest.toPrecision(3)}${units[power]}`;
}

export function bytesText(bytes: number): string {
  return `${shortNumber(bytes)}B`.replace(/(\d)B$/, '$1 B');
}

/** "8-bit integers, 32-bit numbers", the most parameters first. */
export function storedText(
  stored: readonly StoredAs[],
  trans: ITranslation
): string {
  return [...stored]
    .sort((a, b) => b.parameters - a.parameters)
    .map(({ bits, quantized }) =>
      quantized
        ? trans.__('%1-bit integers', bits)
        : trans.__('%1-bit numbers', bits)
    )
    .join(', ');
}
