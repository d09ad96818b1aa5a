/** What a loaded model is made of, for a client that asks. */
import { expertElement, modelElements } from '../../analyses/on-demand';
import { MoEDebuggerError } from '../../base/errors';
import {
  layerName,
  type ExpertElement,
  type ModelElement,
  type ModelSummary
} from '../../base/protocol';
import { sessionStore } from '../../api/store';
import { readStructure, type ModelStructure } from '../../run/model/structure';
import { surveyed } from './surveys';

/** @throws MoEDebuggerError 'input' for a model that is not there any more, and as `readStructure` */
export function elementsOf(id: string): ModelElement {
  return modelElements(structureOf(id));
}

/** @throws MoEDebuggerError as `elementsOf` and `expertElement` */
export function expertOf(
  id: string,
  router: number,
  expert: number
): ExpertElement {
  const structure = structureOf(id);
  const place = structure.found.routers[router];
  const survey =
    place &&
    surveyed(id).find(
      own => own.of !== 'outputs' && layerName(own) === layerName(place)
    );
  return expertElement(structure, router, expert, survey?.similarity);
}

/** The one that was asked about last: a person looks at one expert after the other. */
let last: { id: string; structure: ModelStructure } | undefined;

function structureOf(id: string): ModelStructure {
  if (last?.id !== id) {
    last = { id, structure: readStructure(loaded(id).path) };
  }
  loaded(id);
  return last.structure;
}

function loaded(id: string): ModelSummary {
  const model = sessionStore().models.find(own => own.id === id);
  if (!model || model.status === 'disposed') {
    throw new MoEDebuggerError('input', 'this model is not loaded any more', {
      where: model?.name ?? id,
      hint: 'load it again'
    });
  }
  return model;
}
