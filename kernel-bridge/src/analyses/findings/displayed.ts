/** A diagnosis in a cell: the list of findings, beside the document that it stays for programs. */
import { resultDocument } from '../../show/result-document';
import { MIMEBUNDLE, type Displayable } from '../../base/kernel-api';
import { findingsState } from '../../base/protocol';
import type { Diagnosis } from './diagnosis';
import { formatDiagnosis } from './format-diagnosis';

/** Gives a diagnosis its looks. They are no part of its JSON, and not listed among its properties. */
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
