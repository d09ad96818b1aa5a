import { NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import type { ITranslation } from '../translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import {
  KERNEL_DISPLAY_NAME,
  KERNEL_NAME,
  PROTOCOL_VERSION
} from 'moe-debugger/protocol';
import { useEffect, useState } from 'react';
import { CommandIDs } from '../command-ids';
import type { KernelFollower } from '../kernel';
import { TRACE, starter } from '../starter';
import type { PanelModel } from './model';
import { PreviousEndLine } from './previous-end';

interface IStatusProps {
  model: PanelModel;
  commands: CommandRegistry;
  contents: Contents.IManager;
  trans: ITranslation;
  /** Without the name of the notebook. */
  isNotice?: boolean;
}

/** Says why there is nothing to show, or that the picture is stale, and what to do. */
export class PanelStatus extends ReactWidget {
  constructor(private _props: IStatusProps) {
    super();
    this.addClass('moe-PanelStatus');
    this.node.setAttribute('role', 'status');
  }

  protected override render(): JSX.Element {
    return (
      <UseSignal signal={this._props.model.changed}>
        {() => (
          <>
            {!this._props.isNotice && (
              <h2 title={this._props.model.notebook?.context.path}>
                {this._props.model.notebook?.title.label ??
                  this._props.trans.__('MoE Debugger')}
              </h2>
            )}
            <Status {...this._props} />
          </>
        )}
      </UseSignal>
    );
  }
}

function Status(props: IStatusProps): JSX.Element | null {
  const { model, commands, trans } = props;
  const { follower } = model;
  if (!follower) {
    return (
      <>
        <p>
          {trans.__(
            'Open a notebook of the kernel “%1” to see how its models route tokens.',
            KERNEL_DISPLAY_NAME
          )}
        </p>
        <button
          className="moe-Button"
          onClick={() => void commands.execute(CommandIDs.newNotebook)}
        >
          {trans.__('New MoE notebook')}
        </button>
      </>
    );
  }
  switch (follower.status) {
    case 'no-kernel':
      return (
        <SwitchKernel
          follower={follower}
          trans={trans}
          text={trans.__(
            'This notebook has no kernel. Its stored outputs can be read; to trace a model, it needs the kernel “%1”.',
            KERNEL_DISPLAY_NAME
          )}
          label={trans.__('Start kernel')}
        />
      );
    case 'other-kernel':
      return (
        <SwitchKernel
          follower={follower}
          trans={trans}
          text={trans.__(
            'This notebook runs %1. MoE Debugger needs the kernel “%2”.',
            follower.sessionContext.kernelDisplayName,
            KERNEL_DISPLAY_NAME
          )}
          label={trans.__('Switch kernel')}
        />
      );
    case 'connecting':
      return <p>{trans.__('Connecting to the kernel…')}</p>;
    case 'restarting':
      return (
        <p>
          {follower.routing
            ? trans.__(
                'The kernel is restarting. The picture below is from before the restart.'
              )
            : trans.__('The kernel is restarting.')}
        </p>
      );
    case 'dead':
      return (
        <SwitchKernel
          follower={follower}
          trans={trans}
          text={trans.__(
            'The kernel is dead; models and traces in it are lost. The output of the last cell may say why.'
          )}
          label={trans.__('Start kernel')}
        />
      );
    case 'closed':
      return (
        <p>
          {trans.__(
            'The kernel closed the connection to this panel. Restart the kernel to connect again.'
          )}
        </p>
      );
    case 'version':
      return (
        <p>
          {trans.__(
            'The kernel uses protocol version %1 and this panel version %2. Update both to the same release of jupyterlab-moe-debugger, then restart the kernel and reload the page.',
            follower.kernelVersion ?? '?',
            PROTOCOL_VERSION
          )}
        </p>
      );
    case 'ready':
      return <Ready {...props} follower={follower} />;
  }
}

function Ready({
  model,
  follower,
  contents,
  trans
}: IStatusProps & { follower: KernelFollower }): JSX.Element | null {
  if (follower.isStale) {
    return (
      <>
        <PreviousEndLine end={follower.previousEnd} trans={trans} />
        <p>
          {trans.__(
            'The kernel was restarted. The picture below is from before the restart: run your cells again for a new one.'
          )}
        </p>
      </>
    );
  }
  if (follower.traces.length > 0) {
    return null;
  }
  const text =
    follower.models.length === 0
      ? trans.__('No model is loaded in this kernel. Run a cell like this:')
      : trans.__('No trace yet. Run a cell like this:');
  return (
    <>
      <PreviousEndLine end={follower.previousEnd} trans={trans} />
      <p>{text}</p>
      {model.notebook && (
        <Suggestion
          notebook={model.notebook}
          isLoaded={follower.models.length > 0}
          contents={contents}
          trans={trans}
        />
      )}
    </>
  );
}

/** Code to begin with, in a notebook's own terms, and a button that inserts it. */
function Suggestion(props: {
  notebook: NotebookPanel;
  /** Whether a model is loaded, and only a trace is missing. */
  isLoaded: boolean;
  contents: Contents.IManager;
  trans: ITranslation;
}): JSX.Element {
  const { notebook, isLoaded, contents, trans } = props;
  const { path } = notebook.context;
  const [code, setCode] = useState('');
  useEffect(() => {
    let isCurrent = true;
    const wanted = isLoaded ? Promise.resolve(TRACE) : starter(path, contents);
    void wanted.then(text => {
      if (isCurrent) {
        setCode(text);
      }
    });
    return () => {
      isCurrent = false;
    };
  }, [path, isLoaded, contents]);
  return (
    <>
      <pre tabIndex={0}>{code}</pre>
      <button
        className="moe-Button"
        disabled={code === ''}
        onClick={() => {
          NotebookActions.insertBelow(notebook.content);
          notebook.content.activeCell?.model.sharedModel.setSource(code);
        }}
      >
        {trans.__('Insert into the notebook')}
      </button>
    </>
  );
}

function SwitchKernel(props: {
  follower: KernelFollower;
  trans: ITranslation;
  text: string;
  label: string;
}): JSX.Element {
  const { sessionContext } = props.follower;
  const specs = sessionContext.specsManager.specs?.kernelspecs;
  const isInstalled = !specs || specs[KERNEL_NAME] !== undefined;
  return (
    <>
      <p>{props.text}</p>
      {isInstalled ? (
        <button
          className="moe-Button"
          onClick={() =>
            void sessionContext.changeKernel({ name: KERNEL_NAME })
          }
        >
          {props.label}
        </button>
      ) : (
        <p>
          {props.trans.__(
            'That kernel is not installed on this server. Install it with: %1',
            'moe-debugger kernel install'
          )}
        </p>
      )}
    </>
  );
}
