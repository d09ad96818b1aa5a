import {
  ANSWER_TYPES,
  type AnswerType,
  type QuestionType,
  type ToKernel
} from 'moe-debugger/protocol';
import type { KernelChannel } from './channel';

/** A question without its number. */
export type Question<Type extends QuestionType> = Omit<
  Extract<ToKernel, { type: Type }>,
  'request'
> & { type: Type };

let lastRequest = 0;

/** Request numbers are unique in the page, so that a late answer never reaches another question. */
export function nextRequest(): number {
  return ++lastRequest;
}

/**
 * Asks a kernel once.
 * @param signal tells the kernel to end its work, and rejects at once
 * @throws Error with the kernel's reason, or when the connection is lost
 */
export function askKernel<Type extends QuestionType>(
  channel: KernelChannel,
  question: Question<Type>,
  signal?: AbortSignal
): Promise<KernelChannel.IAnswers[AnswerType<Type>]> {
  const request = nextRequest();
  const type = ANSWER_TYPES[question.type];
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      end();
      channel.send({ type: 'cancel', request });
      reject(new Error('cancelled'));
    };
    const end = (): void => {
      signal?.removeEventListener('abort', onAbort);
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
      end();
      if (event.type === type) {
        const { state } = event as unknown as {
          state: KernelChannel.IAnswers[AnswerType<Type>];
        };
        resolve(state);
      } else {
        reject(
          new Error(
            'message' in event ? event.message : 'the kernel answered otherwise'
          )
        );
      }
    };
    signal?.addEventListener('abort', onAbort);
    channel.received.connect(onReceived);
    channel.disposed.connect(onDisposed);
    channel.send({ ...question, request } as unknown as ToKernel);
  });
}
