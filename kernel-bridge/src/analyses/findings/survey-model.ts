import { readStructure } from '../../run/model/structure';
import { surveyExperts, type ExpertSurvey } from './expert-survey';

/** Surveys a model's experts by the weights in its files. */
export function surveyModel(
  path: string,
  similarityThreshold: number,
  mostBytes?: number
): ExpertSurvey[] {
  const { onnx, graph, found } = readStructure(path);
  return [
    ...surveyExperts(
      onnx,
      graph,
      found.routers,
      found.blocks,
      similarityThreshold,
      mostBytes
    )
  ];
}
