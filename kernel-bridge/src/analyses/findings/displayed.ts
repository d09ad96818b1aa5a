/** Displays a diagnosis in a cell as a list of findings; for programs it stays a plain document. */
import { resultDocument } from '../../show/result-document';
import { MIMEBUNDLE, type Displayable } from '../../base/kernel-api';
import { findingsState } from '../../base/protocol';
import type { Diagnosis } from './diagnosis';
import { formatDiagnosis } from './format-diagnosis';

/** Adds the display methods to a diagnosis, as non-enumerable properties that are not part of its JSON. */
export function displayed(diagnosis: Diagnosis): Diagnosis & Displayable {
  return Object.defineProperties(diagnosis, {
    [MIMEBUNDLE]: {
      value: () => ({
        ...resultDocument(
          'findings',
          diagnosis.model ?? '',
          findingsState(diagnosis)
        ),
        'text/plain': formatDiagnosis(diagnosis)
      })
    },
    toString: { value: () => formatDiagnosis(diagnosis) }
  }) as Diagnosis & Displayable;
}
