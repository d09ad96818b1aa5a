import type { DocumentView, ToolState } from 'moe-debugger/protocol';
import type { ITranslation } from '../translation';
import type { ToolModel } from './model';

/** What draws a tool is given its model. */
export interface IToolProps<Model> {
  model: Model;
  trans: ITranslation;
}

/** What the folder of a tool says of it. */
export interface IToolParts<
  State extends ToolState,
  Action extends object,
  Model extends ToolModel<State, Action>
> {
  name: DocumentView;
  /** Checks a state, which anybody may have written. @throws ProtocolError */
  read: (value: unknown) => State;
  /** A state in words, for front ends that cannot draw it. */
  describe: (modelName: string, state: State) => string;
  /** Its state on this page, with what only the view remembers. */
  Model: new (options: ToolModel.IOptions<State>) => Model;
  View: (props: IToolProps<Model>) => JSX.Element;
}

/** A kind of tool: what it takes to show one. */
export interface IToolKind {
  readonly name: DocumentView;
  /** @throws ProtocolError when the state is not one of such a tool, or too large to draw */
  open(options: { modelName: string; state: unknown }): ITool;
}

/** A tool as the page has it. */
export interface ITool {
  readonly name: DocumentView;
  readonly model: ToolModel<ToolState, object>;
  draw(trans: ITranslation): JSX.Element;
  /** What is shown, in words. */
  describe(): string;
}

/** Puts the parts of a tool together: from here on nobody needs to know the types of its state and its model. */
export function toolKind<
  State extends ToolState,
  Action extends object,
  Model extends ToolModel<State, Action>
>(parts: IToolParts<State, Action, Model>): IToolKind {
  const { name, read, describe, Model, View } = parts;
  return {
    name,
    open: ({ modelName, state }) => {
      const model = new Model({ modelName, state, read });
      return {
        name,
        model,
        draw: trans => <View model={model} trans={trans} />,
        describe: () => describe(modelName, model.state)
      };
    }
  };
}
