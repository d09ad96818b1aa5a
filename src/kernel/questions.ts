import type { ToKernel } from 'moe-debugger/protocol';
import type { KernelChannel } from './channel';

/** Answers by the type of the message that asks. */
export interface IQuestions {
  diagnose: 'findings';
  draw: 'figure';
  outline: 'outline';
  'list-tokens': 'tokens';
}

export type Question<Type extends keyof IQuestions> = Omit<
  Extract<ToKernel, { type: Type }>,
  'request'
> & { type: Type };

const ANSWERS: {
  readonly [Type in keyof IQuestions]: IQuestions[Type];
} = {
  diagnose: 'findings',
  draw: 'figure',
  outline: 'outline',
  'list-tokens': 'tokens'
};

let lastRequest = 0;

/** Request numbers are unique in the page, so that a late answer never reaches another question. */
export function nextRequest(): number {
  return ++lastRequest;
}

/**
 * Asks a kernel once.
 * @throws Error with the kernel's reason, or when the connection is lost
 */
export function askKernel<Type extends keyof IQuestions>(
  channel: KernelChannel,
  question: Question<Type>
): Promise<KernelChannel.IAnswers[IQuestions[Type]]> {
  const request = nextRequest();
  const type = ANSWERS[question.type];
  return new Promise((resolve, reject) => {
    const end = (): void => {
      channel.received.disconnect(onReceived);
      channel.disposed.disconnect(onDisposed);
    };
    const onDisposed = (): void => {
      end();
      reject(new Error('the connection to the kernel was lost'));
    };
    const onReceived = (_: KernelChannel, event: KernelChannel.Event): void => {
      if (!('request' in event) || event.request !== request) {
        return;
      }
      // Other kinds of messages count their requests by themselves.
      if (event.type === type) {
        end();
        const { state } = event as unknown as {
          state: KernelChannel.IAnswers[IQuestions[Type]];
        };
        resolve(state);
      } else if (event.type === `${type}-error`) {
        end();
        reject(new Error((event as { message: string }).message));
      }
    };
    channel.received.connect(onReceived);
    channel.disposed.connect(onDisposed);
    channel.send({ ...question, request } as unknown as ToKernel);
  });
}
