import { Widget } from '@lumino/widgets';

const LONGEST = 400;

/** Says what is wrong with something that was to be shown. Texts are set as text, never as HTML. */
export class ErrorBox extends Widget {
  constructor(options: ErrorBox.IOptions) {
    super();
    this.addClass('moe-ErrorBox');
    this.node.setAttribute('role', 'alert');
    const title = document.createElement('strong');
    title.textContent = options.title;
    const text = document.createElement('p');
    const message =
      options.error instanceof Error
        ? options.error.message
        : String(options.error);
    text.textContent =
      message.charAt(0).toUpperCase() + message.slice(1, LONGEST);
    this.node.append(title, text);
  }
}

export namespace ErrorBox {
  export interface IOptions {
    title: string;
    error: unknown;
  }
}
