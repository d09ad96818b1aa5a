import type { ToolState } from 'moe-debugger/protocol';
import type { ITranslation } from '../translation';
import type { ToolModel } from './model';

/** The properties of a tool's view. */
export interface IToolProps<Model> {
  model: Model;
  trans: ITranslation;
}

/** The parts of a tool, which its folder exports. */
export interface IToolParts<
  Name extends string,
  State extends ToolState,
  Action extends object,
  Model extends ToolModel<State, Action>
> {
  name: Name;
  /** Validates a state, which is untrusted input. @throws ProtocolError */
  read: (value: unknown) => State;
  /** The state as text, for front ends that cannot draw it. */
  describe: (modelName: string, state: State) => string;
  /** `ToolModel`, or a subclass with state that only the view needs. */
  Model: new (options: ToolModel.IOptions<State>) => Model;
  View: (props: IToolProps<Model>) => JSX.Element;
}

/** A kind of tool: opens tools from their state. */
export interface IToolKind<Name extends string = string> {
  readonly name: Name;
  /** @throws ProtocolError when the state is not valid for such a tool, or too large to draw */
  open(options: { modelName: string; state: unknown }): ITool;
}

/** A tool on the page. */
export interface ITool {
  readonly name: string;
  readonly model: ToolModel<ToolState, object>;
  draw(trans: ITranslation): JSX.Element;
  /** The state as text. */
  describe(): string;
}

/** Combines the parts of a tool. Its users need not know the types of its state and its model. */
export function toolKind<
  Name extends string,
  State extends ToolState,
  Action extends object,
  Model extends ToolModel<State, Action>
>(parts: IToolParts<Name, State, Action, Model>): IToolKind<Name> {
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
