import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import { CommandIDs } from '../command-ids';
import { verdictOf, verdictText } from '../devtools/overview/verdict';
import { VIEW_NAMES, VIEW_TITLES } from '../devtools/titles';
import { sizeText } from '../devtools/words';
import type { INotebookKernel } from '../kernel';
import type { ITranslation } from '../translation';
import type { PanelModel } from './model';

interface IHeadProps {
  model: PanelModel;
  commands: CommandRegistry;
  trans: ITranslation;
}

/** The verdict on the selected trace, and what opens its views in the workbench. */
export class NavigatorHead extends ReactWidget {
  constructor(private _props: IHeadProps) {
    super();
    this.addClass('moe-NavigatorHead');
  }

  protected override render(): JSX.Element {
    const { model } = this._props;
    return (
      <UseSignal signal={model.changed}>
        {() =>
          model.kernel?.source.trace ? (
            <Head {...this._props} kernel={model.kernel} />
          ) : (
            <></>
          )
        }
      </UseSignal>
    );
  }
}

function Head({
  kernel,
  commands,
  trans
}: IHeadProps & { kernel: INotebookKernel }): JSX.Element {
  const { source } = kernel;
  const open = (view: string): void => {
    void commands.execute(CommandIDs.openWorkbench, { view });
  };
  return (
    <UseSignal signal={source.changed}>
      {() => {
        const { findings, outline, isReading, isLive, trace } = source;
        const experts =
          outline?.routers.reduce((sum, own) => sum + own.experts, 0) ?? 0;
        return (
          <>
            {findings ? (
              <p className="moe-NavigatorHead-verdict">
                {verdictText(verdictOf(findings.found), experts, trans)}
                <small>
                  {sizeText(
                    findings.found.tokens,
                    findings.found.samples,
                    trans
                  )}
                </small>
              </p>
            ) : (
              isLive &&
              outline &&
              !trace?.running && (
                <button
                  className="moe-LinkButton"
                  disabled={isReading}
                  onClick={() => source.diagnose()}
                >
                  {isReading ? trans.__('Diagnosing…') : trans.__('Diagnose')}
                </button>
              )
            )}
            <div
              className="moe-NavigatorHead-views"
              role="group"
              aria-label={trans.__('Open in MoE DevTools')}
            >
              {VIEW_NAMES.map(name => (
                <button
                  key={name}
                  className="moe-Button"
                  onClick={() => open(name)}
                >
                  {VIEW_TITLES[name](trans)}
                </button>
              ))}
            </div>
          </>
        );
      }}
    </UseSignal>
  );
}
