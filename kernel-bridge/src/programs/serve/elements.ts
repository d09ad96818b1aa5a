/** What a loaded model is made of, for a client that asks. */
import { expertElement, modelElements } from '../../analyses/on-demand';
import { MoEDebuggerError } from '../../base/errors';
import {
  layerName,
  type ExpertElement,
  type ModelElement
} from '../../base/protocol';
import type { ModelStructure } from '../../run/model/structure';
import { askableModel } from './askable-model';
import { surveyed } from './surveys';

/** @throws MoEDebuggerError 'input' for a model that is not there any more */
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

function structureOf(id: string): ModelStructure {
  const { structure } = askableModel(id);
  if (!structure) {
    throw new MoEDebuggerError(
      'input',
      'the graph of this model is not there',
      {
        where: id,
        hint: 'load it with loadModel'
      }
    );
  }
  return structure;
}
