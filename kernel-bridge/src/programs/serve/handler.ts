/** Answers the messages of one client, whatever carries them. */
import { version } from '../../base/package-version';
import {
  PROTOCOL_VERSION,
  readEnvelope,
  readToKernel,
  refusalOf,
  TOOL_NAMES,
  type Envelope,
  type FromKernel,
  type PreviousEnd,
  type ToKernel
} from '../../base/protocol';
import { sessionStore } from '../../api/store';
import { diagnoseStored } from './diagnosis';
import { elementsOf, expertOf } from './elements';
import { drawStored } from './figures';
import { LiveFeeds } from './live-feeds';
import { Profiles } from './profiles';
import { StateUpdates } from './state-updates';
import { encodeStored } from './stored-trace';
import { TokenLists, outlineStored } from './token-lists';
import { ToolServer } from './tool-server';

/** A connection to one client: it moves messages, and knows nothing of what they say. */
export interface Transport {
  /** Nothing is sent any more. */
  readonly closed: boolean;
  send(
    message: FromKernel & Envelope,
    buffers: readonly ArrayBufferView[]
  ): void;
  /** What arrives may be anything. */
  onMessage(listener: (message: unknown) => void): void;
  /** Called once, whichever side closes. */
  onClose(listener: () => void): void;
}

interface Answer {
  message: FromKernel;
  buffers?: readonly ArrayBufferView[];
}

/** Greets a client, tells it of changes, and answers it until the transport closes. */
export function serveClient(
  transport: Transport,
  previousEnd?: PreviousEnd
): void {
  let sent = 0;
  const send = ({ message, buffers = [] }: Answer, replyTo?: number): void => {
    if (!transport.closed) {
      const envelope: Envelope = {
        messageId: ++sent,
        ...(replyTo === undefined ? {} : { replyTo })
      };
      transport.send({ ...message, ...envelope }, buffers);
    }
  };
  const updates = new StateUpdates(sessionStore(), message =>
    send({ message })
  );
  const tools = new ToolServer(message => send({ message }));
  const feeds = new LiveFeeds((message, buffers) => send({ message, buffers }));
  const lists = new TokenLists();
  const profiles = new Profiles();
  transport.onClose(() => {
    updates.dispose();
    feeds.dispose();
    tools.dispose();
    profiles.dispose();
  });
  transport.onMessage(data => {
    let messageId: number | undefined;
    const refuse = (error: unknown): void => {
      const reason = error instanceof Error ? error.message : String(error);
      send({ message: refusalOf(data, reason) }, messageId);
    };
    try {
      ({ messageId } = readEnvelope(data));
      const answer = answerTo(readToKernel(data), {
        updates,
        tools,
        feeds,
        lists,
        profiles
      });
      if (answer instanceof Promise) {
        answer.then(own => send(own, messageId), refuse);
      } else if (answer) {
        send(answer, messageId);
      }
    } catch (error) {
      refuse(error);
    }
  });
  send({
    message: {
      type: 'hello',
      version: PROTOCOL_VERSION,
      package: version,
      tools: [
        ...TOOL_NAMES,
        'findings',
        'figures',
        'live',
        'tokens',
        'elements',
        'profile'
      ],
      ...(previousEnd === undefined ? {} : { previousEnd })
    }
  });
  send({ message: updates.subscribe() });
}

/** What serves one client. */
interface Client {
  updates: StateUpdates;
  tools: ToolServer;
  feeds: LiveFeeds;
  lists: TokenLists;
  profiles: Profiles;
}

/**
 * @returns undefined for a message that needs no answer
 * @throws Error for what cannot be done
 */
function answerTo(
  message: ToKernel,
  { updates, tools, feeds, lists, profiles }: Client
): Answer | Promise<Answer> | undefined {
  switch (message.type) {
    case 'subscribe':
      return { message: updates.subscribe() };
    case 'unsubscribe':
      updates.unsubscribe();
      feeds.clear();
      return undefined;
    case 'get-trace': {
      const { request, id, follow } = message;
      const { buffers, ...trace } = encodeStored(id);
      if (follow) {
        feeds.follow(id);
      }
      return { message: { type: 'trace', request, ...trace }, buffers };
    }
    case 'drawn':
      feeds.answer(message.id, message.batch);
      return undefined;
    case 'unfollow':
      feeds.unfollow(message.id);
      return undefined;
    case 'diagnose': {
      const { request, id } = message;
      const state = diagnoseStored(id);
      return { message: { type: 'findings', request, state } };
    }
    case 'draw': {
      const { request, ...figure } = message;
      const state = drawStored(figure);
      return { message: { type: 'figure', request, state } };
    }
    case 'outline': {
      const { request, id } = message;
      const { buffers, ...outline } = outlineStored(id);
      return { message: { type: 'outline', request, ...outline }, buffers };
    }
    case 'list-tokens': {
      const { request, id, ...question } = message;
      const { buffers, ...page } = lists.page(id, question);
      return { message: { type: 'tokens', request, ...page }, buffers };
    }
    case 'profile': {
      const { request, id, trace, sample } = message;
      return profiles
        .make(request, id, trace, sample)
        .then(state => ({ message: { type: 'profile', request, state } }));
    }
    case 'cancel':
      profiles.cancel(message.request);
      return undefined;
    case 'elements': {
      const { request, id } = message;
      return {
        message: { type: 'model-elements', request, state: elementsOf(id) }
      };
    }
    case 'expert': {
      const { request, id, layerIndex, expert } = message;
      const state = expertOf(id, layerIndex, expert);
      return { message: { type: 'expert-element', request, state } };
    }
    default: {
      const answer = tools.receive(message);
      return answer && { message: answer };
    }
  }
}
