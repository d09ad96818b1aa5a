import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChatTemplate } from './chat-template';

/** ChatML, as Qwen's tokenizer_config.json has it. */
const CHATML =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
/** Mixtral's, which insists on the order of roles and writes the special tokens itself. */
const MIXTRAL =
  "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}{% endif %}{% endfor %}";
const HELLO = [{ role: 'user', content: 'Hello' }];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'moe-chat-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function configure(config: object): void {
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(config));
}
const render = (messages = HELLO): string =>
  new ChatTemplate(folder).render(messages);

describe('ChatTemplate', () => {
  it('renders the template of tokenizer_config.json up to the answer', () => {
    configure({ chat_template: CHATML });
    expect(render([{ role: 'system', content: 'Be brief.' }, ...HELLO])).toBe(
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n'
    );
  });

  it('writes special tokens, given as text or as an added token', () => {
    configure({
      chat_template: MIXTRAL,
      bos_token: '<s>',
      eos_token: { content: '</s>', lstrip: false }
    });
    expect(
      render([...HELLO, { role: 'assistant', content: 'Hi' }, ...HELLO])
    ).toBe('<s>[INST] Hello [/INST]Hi</s>[INST] Hello [/INST]');
  });

  it('prefers chat_template.jinja, then the default of several', () => {
    configure({
      chat_template: [
        { name: 'tool_use', template: 'no' },
        { name: 'default', template: 'default: {{ messages[0].content }}' }
      ]
    });
    expect(render()).toBe('default: Hello');
    writeFileSync(
      join(folder, 'chat_template.jinja'),
      '\nfile: {{ messages[0].content }}'
    );
    expect(render()).toBe('\nfile: Hello');
  });

  it('reports a missing template', () => {
    expect(() => render()).toThrow(
      expect.objectContaining({
        code: 'tokenizer',
        message: expect.stringContaining('no chat template') as string
      })
    );
    configure({ chat_template: [{ name: 'rag', template: 'x' }] });
    expect(() => render()).toThrow(
      expect.objectContaining({ code: 'tokenizer' })
    );
  });

  it("passes on the template's reason for rejecting a conversation", () => {
    configure({ chat_template: MIXTRAL, bos_token: '', eos_token: '' });
    expect(() => render([...HELLO, ...HELLO])).toThrow(
      expect.objectContaining({
        code: 'input',
        message: expect.stringContaining('roles must alternate') as string
      })
    );
  });

  it('rejects an invalid template', () => {
    configure({ chat_template: '{% for message in messages %}' });
    expect(() => render()).toThrow(
      expect.objectContaining({ code: 'tokenizer' })
    );
  });

  it.each([
    [
      'a list that is too long',
      '{% for i in range(10000000000) %}x{% endfor %}'
    ],
    [
      'work without end',
      '{% for i in range(99999) %}{% for j in range(99999) %}{% for k in range(99999) %}{% endfor %}{% endfor %}{% endfor %}'
    ],
    [
      'text without end',
      '{% set t = namespace(x="ab") %}{% for i in range(99) %}{% set t.x = t.x + t.x %}{% endfor %}{{ t.x }}'
    ]
  ])('stops a template with %s', (_, template) => {
    configure({ chat_template: template });
    expect(() => render()).toThrow(expect.objectContaining({ code: 'input' }));
  });

  it.each([[[]], [[{ role: 'user' }]], ['Hello'], [[null]]])(
    'rejects messages like %j',
    messages => {
      configure({ chat_template: CHATML });
      expect(() => render(messages as typeof HELLO)).toThrow(
        expect.objectContaining({ code: 'input', where: 'messages' })
      );
    }
  );
});
