import { layerName } from 'moe-debugger/protocol';
import {
  describeLoads,
  readLoadsState,
  type LoadsAction,
  type LoadsState
} from '../../../kernel-bridge/test/recipes/loads-view';
import { useSignal } from '../../drawing';
import { ToolBody } from '../../tools/body';
import { ToolModel } from '../../tools/model';
import { PromptForm } from '../../tools/prompt-form';
import { toolKind, type IToolProps } from '../../tools/tool';

type ILoadsProps = IToolProps<ToolModel<LoadsState, LoadsAction>>;

export default toolKind({
  name: 'loads',
  read: readLoadsState,
  describe: describeLoads,
  Model: ToolModel<LoadsState, LoadsAction>,
  View: LoadsView
});

/** A form for the prompt, and a list of the layers. */
function LoadsView({ model, trans }: ILoadsProps): JSX.Element {
  const { prompt, loads } = model.state;
  useSignal(model.changed);
  return (
    <ToolBody
      model={model}
      form={
        <PromptForm
          model={model}
          prompt={prompt}
          label={trans.__('Prompt')}
          placeholder={trans.__('Type a prompt, then press Enter')}
          action={trans.__('Trace')}
          submit={typed => model.send({ do: 'trace', prompt: typed })}
          trans={trans}
        />
      }
      progress={{ label: trans.__('Tracing'), done: 0, total: 0 }}
      empty={trans.__('Type a prompt above and press Trace.')}
    >
      {loads && (
        <ul className="moe-List" aria-label={trans.__('Tokens of each expert')}>
          {loads.map(own => (
            <li key={layerName(own)} className="moe-List-item">
              <span className="moe-List-name">{layerName(own)}</span>
              <span className="moe-List-detail">{own.tokens.join(' ')}</span>
            </li>
          ))}
        </ul>
      )}
    </ToolBody>
  );
}
