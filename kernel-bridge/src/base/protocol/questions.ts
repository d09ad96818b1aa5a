/** Questions about a trace or a model, and the type of the message that answers each; `<type>-error` says why there is no answer. */
export const ANSWER_TYPES = {
  diagnose: 'findings',
  draw: 'figure',
  outline: 'outline',
  'list-tokens': 'tokens',
  elements: 'model-elements',
  expert: 'expert-element',
  profile: 'profile'
} as const;

export type QuestionType = keyof typeof ANSWER_TYPES;
export type AnswerType<Type extends QuestionType = QuestionType> =
  (typeof ANSWER_TYPES)[Type];

export function isQuestionType(value: unknown): value is QuestionType {
  return typeof value === 'string' && Object.hasOwn(ANSWER_TYPES, value);
}
