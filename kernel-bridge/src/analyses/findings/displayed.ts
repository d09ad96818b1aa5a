/** Displays a diagnosis in a cell as a list of findings; for programs it stays a plain document. */
import { displayedAs } from '../../show/displayed-data';
import { resultDocument } from '../../show/result-document';
import { tableBundle } from '../../show/result-table';
import type { Displayable } from '../../base/kernel-api';
import { findingsState } from '../../base/protocol';
import type { Diagnosis } from './diagnosis';
import { diagnosisTables } from './diagnosis-tables';
import { formatDiagnosis } from './format-diagnosis';

/** Adds the display methods to a diagnosis, as non-enumerable properties that are not part of its JSON. */
export function displayed(diagnosis: Diagnosis): Diagnosis & Displayable {
  const text = (): string => formatDiagnosis(diagnosis);
  Object.defineProperty(diagnosis, 'toString', { value: text });
  return displayedAs(diagnosis, () => ({
    ...resultDocument(
      'findings',
      diagnosis.model ?? '',
      findingsState(diagnosis)
    ),
    ...tableBundle(diagnosisTables(diagnosis), text())
  }));
}
